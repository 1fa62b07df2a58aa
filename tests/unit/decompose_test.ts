import { assert, assertEquals, assertThrows } from "@std/assert";
import { decompose } from "../../lib/measure/decompose.ts";
import { sequenceGaps } from "../../lib/measure/gaps.ts";
import { kindOf } from "../../lib/measure/paths.ts";
import { parsePerf } from "../../lib/measure/perf.ts";
import { Table, TableError } from "../../lib/measure/table.ts";

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

Deno.test("decompose: frames that cannot be joined grow the remainder", () => {
  const joined = fixture(11, allMeta(11));
  const halved = fixture(11, allMeta(11).filter((_, i) => i < 2 || i % 2 === 0));
  assertEquals(halved.missing, 5);
  const kernel = 100 + 10 + 200 + 300 + 5 + 85;
  assertEquals(joined.remainder.mean, 240);
  assertEquals(halved.remainder.mean, 240 + kernel / 2);
  assertEquals(halved.busy.mean, joined.busy.mean);
});

Deno.test("decompose: metadata of another frame is not joined", () => {
  const shifted = allMeta(11).map((_, i) => metaRow(41 + i, (i - 2) * 1000 - 500));
  const found = fixture(11, shifted);
  assertEquals([found.outside, found.missing], [11, 0]);
  assertEquals(found.parts.get("kernel copy")!.max, 0);
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

Deno.test("table: a last row that is cut off, and damaged rows, are left out", () => {
  const whole = csv("frame,ns,word", [[0, 5, "a"], [1, 6, "b"], [2, 7, "c"]]);
  const cut = new Table(whole.slice(0, -1));
  assertEquals([cut.length, cut.cutOff, cut.damaged], [2, true, 0]);
  const damaged = new Table(whole.replace("1,6,b", "1,6").replace("2,7", "2,x"));
  assertEquals([damaged.length, damaged.cutOff, damaged.damaged], [1, false, 2]);
  assertEquals(damaged.words("word"), ["a"]);
});

Deno.test("table: what is none", () => {
  const refused: [text: string, message: string][] = [
    ["", "empty"],
    ["frame,n", "ends within its first line"],
    ["frame,ns\n", "no complete row"],
    ["frame,ns\n1,2", "no complete row"],
    ["frame,ns\n\n1\n", "no complete row"],
    ["\x7fELF\0\0,\n1,2\n", "not a CSV"],
    ["hello world\n1\n", "not a CSV"],
  ];
  for (const [text, message] of refused) assertThrows(() => new Table(text), TableError, message);
});

Deno.test("table: 0 is no time", () => {
  const times = new Table(csv("frame,t_ns", [[0, 0], [1, at(1)]])).times("t_ns", 0)!;
  assert(Number.isNaN(times[0]) && times[1] > 0);
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
