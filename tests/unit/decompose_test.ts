import { assert, assertEquals } from "@std/assert";
import { decompose as takeApart } from "../../lib/report/analysis/decompose.ts";
import { frameParts } from "../../lib/report/analysis/frame_parts.ts";
import { sequenceGaps } from "../../lib/measure/gaps.ts";
import { kindOf, type PathKind } from "../../lib/report/analysis/recorded_paths.ts";
import { parsePerf } from "../../lib/report/analysis/perf.ts";
import { Table } from "../../lib/report/analysis/table.ts";

const decompose = (run: Table, kind: PathKind, meta?: Table) => {
  const parts = frameParts(run, kind, meta);
  return parts && takeApart(parts);
};

/** Beyond 2^53, where a floating-point number knows no single nanosecond. */
const BOOT = 9_100_000_000_123_456_789n;
const at = (ns: number) => String(BOOT + BigInt(ns));

const csv = (header: string, rows: readonly (readonly (string | number)[])[]) =>
  [header, ...rows.map((row) => row.join(","))].join("\n") + "\n";

const FIXTURE = "frame,output_index,enqueue_monotonic_ns,dequeue_monotonic_ns,vpipe_sequence," +
  "bytesused,algo,requeued_monotonic_ns,measured_monotonic_ns";
const META = "seq,src_v4l2_sequence,flags,queued_ns,run_ns,copied_ns,filtered_ns,checksummed_ns," +
  "done_ns";

/** A frame each 1000 ns: 100 ns before `queued`, 10, 200, 0, 300 and 5 ns in the kernel. */
const fixtureRow = (frame: number, start = frame * 1000) => [
  frame,
  frame % 2,
  at(start),
  at(start + 700),
  frame + 2,
  16,
  "none",
  at(start + 750),
  at(start + 760),
];
const metaRow = (seq: number, start: number, flags = 0) => [
  seq,
  0,
  flags,
  ...[100, 110, 310, 310, 610, 615].map((ns) => at(start + ns)),
];

function fixture(frames: number, metaRows: readonly (readonly (string | number)[])[]) {
  const run = new Table(csv(FIXTURE, Array.from({ length: frames }, (_, i) => fixtureRow(i))));
  const meta = new Table(csv(META, metaRows));
  return decompose(run, kindOf(run)!, meta)!;
}

/** Two warm-up frames, which are in the metadata alone, and the frames of the run. */
const allMeta = (frames: number) =>
  Array.from({ length: frames + 2 }, (_, i) => metaRow(41 + i, (i - 2) * 1000));

Deno.test("decompose: parts, remainder and whole, of times beyond 2^53", () => {
  const found = fixture(11, allMeta(11));
  assertEquals([found.frames, found.missing, found.outside, found.whole], [10, 0, 0, "turn"]);
  assertEquals(Object.fromEntries([...found.parts].map(([name, { p50 }]) => [name, p50])), {
    "QBUF": 100,
    "queue wait": 10,
    "kernel copy": 200,
    "filter": 0,
    "checksum": 300,
    "finish": 5,
    "wake-up": 85,
    "requeue": 50,
    "measuring": 10,
  });
  assertEquals([found.busy.p50, found.remainder.p50, found.remainderShare], [1000, 240, 0.24]);
});

Deno.test("decompose: a typical frame's parts add up to it", () => {
  const { typical, slowest } = fixture(11, allMeta(11));
  for (const { parts, remainder, busy } of [typical, slowest]) {
    assertEquals([...parts.values()].reduce((sum, ns) => sum + ns, remainder), busy);
  }
});

Deno.test("decompose: frames without metadata are in no figure, and are counted", () => {
  const joined = fixture(11, allMeta(11));
  const most = fixture(11, allMeta(11).filter((_, i) => i < 2 || i % 3 === 0));
  assertEquals([most.frames, most.turns, most.missing], [3, 10, 7]);
  for (const name of ["kernel copy", "checksum", "QBUF"] as const) {
    const { p50, mean, min } = joined.parts.get(name)!;
    const found = most.parts.get(name)!;
    assertEquals([found.p50, found.mean, found.min, found.count], [p50, mean, min, 3]);
  }
  assertEquals([most.remainder.mean, most.busy.mean], [240, 1000]);
  assertEquals(most.typical.parts, joined.typical.parts);
  assertEquals(most.slowest.parts, joined.slowest.parts);
});

Deno.test("decompose: metadata is found by its times, whatever is missing at its start", () => {
  for (const lost of [1, 3, 5]) {
    const found = fixture(11, allMeta(11).slice(lost));
    const missing = Math.max(0, lost - 2);
    assertEquals([found.missing, found.outside, found.frames], [missing, 0, 10 - missing]);
    assertEquals(found.parts.get("kernel copy")!.p50, 200);
  }
  const gap = fixture(20, allMeta(20).filter((_, i) => i < 4 || i > 12));
  assertEquals([gap.missing, gap.outside, gap.frames], [9, 0, 10]);
});

Deno.test("decompose: of several frames in flight each has its own metadata", () => {
  // Four in flight: three later ones are done before a frame is dequeued.
  const start = (frame: number) => frame * 200;
  const rows = Array.from({ length: 20 }, (_, frame) => {
    const row = fixtureRow(frame, start(frame));
    return row.with(3, at(start(frame) + 1500)).with(7, at(start(frame) + 1550)).with(
      8,
      at(start(frame) + 1560),
    );
  });
  const run = new Table(csv(FIXTURE, rows));
  const meta = Array.from({ length: 26 }, (_, i) => metaRow(7 + i, start(i - 2)));
  const found = decompose(run, kindOf(run)!, new Table(csv(META, meta.slice(1))))!;
  assertEquals([found.whole, found.frames, found.missing + found.outside], ["latency", 20, 0]);
  assertEquals(found.parts.get("QBUF")!.max, 100);
});

Deno.test("decompose: metadata of another frame is not joined, and its parts are not known", () => {
  const shifted = allMeta(11).map((_, i) => metaRow(41 + i, (i - 2) * 1000 - 500));
  const found = fixture(11, shifted);
  assertEquals([found.outside, found.missing], [11, 0]);
  assertEquals([...found.parts.keys()], ["requeue", "measuring"]);
  assert(found.unknown.includes("kernel copy"));
});

Deno.test("decompose: a part that some rows lack is of the others", () => {
  const rows = Array.from(
    { length: 11 },
    (_, i) => fixtureRow(i).with(7, i < 4 ? "0" : at(i * 1000 + 750)),
  );
  const run = new Table(csv(FIXTURE, rows));
  const found = decompose(run, kindOf(run)!)!;
  assertEquals([found.frames, found.turns, found.parts.get("requeue")!.min], [6, 10, 50]);
});

Deno.test("decompose: two turns have a typical one", () => {
  const run = new Table(csv(FIXTURE, [fixtureRow(0), fixtureRow(1), fixtureRow(2, 2500)]));
  const { typical } = decompose(run, kindOf(run)!)!;
  assertEquals([typical.frames, typical.busy], [2, 1250]);
});

const CAMERA = "frame,buffer_index,enqueue_monotonic_ns,dequeue_monotonic_ns,v4l2_timestamp_sec," +
  "v4l2_timestamp_usec,sequence,bytesused,wait_monotonic_ns,requeue_monotonic_ns," +
  "requeued_monotonic_ns,measured_monotonic_ns,minor_faults,voluntary_switches," +
  "involuntary_switches,run_delay_ns";

/** A turn of 1000 ns: 700 of waiting, 200 of requeueing, 50 of measuring, a remainder of 50. */
function camera(switches: readonly [slept: number, preempted: number], delay: number | "") {
  const rows = Array.from({ length: 6 }, (_, frame) => {
    const t = frame * 1000;
    return [frame, 0, at(t - 2000), at(t + 700), 1, 2, frame, 16, at(t), at(t + 700), at(t + 900)]
      .concat([at(t + 950), 0, ...switches, delay]);
  });
  const run = new Table(csv(CAMERA, rows));
  const { parts, remainder, busy, typical, unknown } = decompose(run, kindOf(run)!)!;
  const sum = [...typical.parts.values()].reduce((sum, ns) => sum + ns, typical.remainder);
  assertEquals(sum, 1000);
  const of = Object.fromEntries([...parts].map(([name, { p50 }]) => [name, p50]));
  return { of, remainder: remainder.p50, busy: busy.p50, unknown };
}

Deno.test("decompose: run delay is no waiting for the camera", () => {
  const { of, busy, remainder } = camera([1, 0], 300);
  assertEquals(of, { "source wait": 400, "requeue": 200, "measuring": 50, "run delay": 300 });
  assertEquals([busy, remainder], [600, 50]);
});

Deno.test("decompose: run delay beyond the waiting, or of a thread that did not sleep, is in what took longest", () => {
  assertEquals(camera([1, 0], 760).of, {
    ...{ "source wait": 0, "requeue": 140, "measuring": 50, "run delay": 760 },
  });
  assertEquals(camera([0, 2], 120).of, {
    ...{ "source wait": 700, "requeue": 80, "measuring": 50, "run delay": 120 },
  });
  // More than the whole turn is not of this turn alone.
  assertEquals(camera([1, 1], 5000).of["run delay"], 1000);
});

Deno.test("decompose: run delay that the kernel does not tell is not known", () => {
  const { of, unknown } = camera([1, 0], "");
  assertEquals([of["source wait"], of["run delay"], unknown], [700, undefined, ["run delay"]]);
});

Deno.test("decompose: without metadata the kernel's parts are unknown, and counted", () => {
  const run = new Table(csv(FIXTURE, [fixtureRow(0), fixtureRow(1), fixtureRow(2)]));
  const found = decompose(run, kindOf(run)!)!;
  assertEquals([...found.parts.keys()], ["requeue", "measuring"]);
  assert(found.unknown.includes("kernel copy"));
  assertEquals([found.missing, found.remainder.p50], [3, 940]);
});

Deno.test("decompose: a turn across a row that is gone is left out", () => {
  const run = new Table(csv(FIXTURE, [0, 1, 3, 4].map((frame) => fixtureRow(frame))));
  assertEquals(decompose(run, kindOf(run)!)!.busy.max, 1000);
});

Deno.test("decompose: of frames in flight together, the latency", () => {
  const rows = Array.from({ length: 9 }, (_, i) => fixtureRow(i, i * 200));
  const run = new Table(csv(FIXTURE, rows));
  const meta = new Table(
    csv(META, Array.from({ length: 11 }, (_, i) => metaRow(1 + i, (i - 2) * 200))),
  );
  const found = decompose(run, kindOf(run)!, meta)!;
  assertEquals([found.whole, found.busy.p50, found.remainder.p50], ["latency", 700, 0]);
  assert(!found.parts.has("requeue"));
});

Deno.test("decompose: the camera's frame is found by its sequence, the wait told apart", () => {
  const run = new Table(csv(
    "frame,transport,algo,vivid_sequence,vpipe_sequence,vivid_dq_monotonic_ns," +
      "vpipe_dq_monotonic_ns,vpipe_bytesused,wait_monotonic_ns,prepared_monotonic_ns," +
      "enqueue_monotonic_ns,requeued_monotonic_ns,measured_monotonic_ns",
    [0, 1, 2].map((i) => {
      const t = i * 5000;
      return [i, "mmap", "none", 7 + 3 * i, i, at(t + 4000), at(t + 4800), 16, at(t), at(t + 4020)]
        .concat(at(t + 4100), at(t + 4850), at(t + 4860));
    }),
  ));
  const meta = new Table(csv(
    META,
    [0, 1, 2].map((i) => {
      const row = metaRow(1 + i, i * 5000 + 4100);
      return [row[0], 7 + 3 * i, ...row.slice(2)];
    }),
  ));
  const kind = kindOf(run)!;
  const found = decompose(run, kind, meta)!;
  assertEquals([kind.id, found.missing, found.outside], ["m2m-mmap", 0, 0]);
  assertEquals(
    (["source wait", "controls", "user copy", "QBUF"] as const)
      .map((name) => found.parts.get(name)!.p50),
    [4000, 20, 80, 100],
  );
  assertEquals(found.busy.p50, 1000);
});

Deno.test("sequence gaps: skipped, repeated, wrapped, and rows that are gone", () => {
  const gaps = (sequence: number[], frame = sequence.map((_, i) => i)) =>
    sequenceGaps(Float64Array.from(sequence), Float64Array.from(frame));
  assertEquals(gaps([3, 4, 5]), { gaps: 0, lost: 0, backwards: 0 });
  assertEquals(gaps([3, 4, 9, 10, 12]), { gaps: 2, lost: 5, backwards: 0 });
  assertEquals(gaps([3, 4, 4, 1]), { gaps: 0, lost: 0, backwards: 2 });
  assertEquals(gaps([2 ** 32 - 1, 0, 2]), { gaps: 1, lost: 1, backwards: 0 });
  assertEquals(gaps([3, 5], [0, 2]), { gaps: 0, lost: 0, backwards: 0 });
});

Deno.test("perf: numbers, and why there is none", () => {
  const counters = parsePerf(
    "# started on Sat\n\n1712,,context-switches:u,5,100.00,,\n" +
      "<not supported>,,cache-misses,0,100.00,,\n12.5,msec,task-clock,1,100.00,,\nrubbish\n",
  );
  assertEquals([...counters], [
    ["context-switches", 1712],
    ["cache-misses", "not supported"],
    ["task-clock", 12.5],
  ]);
});

const LOOP = "frame,io,buffer_index,sequence,bytesused,due_monotonic_ns,fill_monotonic_ns," +
  "submit_monotonic_ns,submitted_monotonic_ns,wait_monotonic_ns,filled_monotonic_ns," +
  "measured_monotonic_ns";

Deno.test("decompose: a writer that waits for a pipe does not fill meanwhile", () => {
  const rows = Array.from({ length: 9 }, (_, frame) => {
    const start = frame * 1000;
    const [due, fill, submit, submitted, filled, measured, input] = [
      900,
      20,
      910,
      960,
      720,
      990,
      620,
    ].map((ns) => at(start + ns));
    return [
      ...[frame, "mmap", 0, frame, 16, due, fill, submit, submitted, at(start), filled, measured],
      ...[input, 0, 1, 0, 30],
    ];
  });
  const head = `${LOOP},input_monotonic_ns,minor_faults,voluntary_switches,involuntary_switches,` +
    "run_delay_ns";
  const table = new Table(csv(head, rows));
  const kind = kindOf(table)!;
  const found = decompose(table, kind)!;
  assertEquals([kind.id, found.unknown], ["loop-queue", []]);
  assertEquals(Object.fromEntries([...found.parts].map(([name, { p50 }]) => [name, p50])), {
    "buffer wait": 20,
    "input wait": 570,
    "fill": 100,
    "source wait": 190,
    "QBUF": 50,
    "measuring": 30,
    "run delay": 30,
  });
  assertEquals([found.busy.p50, found.remainder.p50], [240, 10]);
});

Deno.test("decompose: a writer's turn, without its wait for the frame's time", () => {
  const rows = Array.from({ length: 9 }, (_, frame) => {
    const start = frame * 1000;
    const [due, fill, submit, submitted, filled, measured] = [900, 20, 910, 960, 120, 990]
      .map((ns) => at(start + ns));
    return [frame, "mmap", 0, frame, 16, due, fill, submit, submitted, at(start), filled, measured];
  });
  const kinds = ["mmap", "write"].map((io) => {
    const table = new Table(csv(LOOP, rows.map((row) => row.with(1, io))));
    return [kindOf(table)!, table] as const;
  });
  assertEquals(kinds.map(([{ id }]) => id), ["loop-queue", "loop-write"]);
  const [[kind, table]] = kinds;
  const found = decompose(table, kind)!;
  assertEquals(Object.fromEntries([...found.parts].map(([name, { p50 }]) => [name, p50])), {
    "buffer wait": 20,
    "fill": 100,
    "source wait": 790,
    "QBUF": 50,
    "measuring": 30,
  });
  assertEquals([found.busy.p50, found.remainder.p50], [210, 10]);
});
