import { assert, assertEquals } from "@std/assert";
import { readFile } from "../../lib/files/files.ts";
import { writeFile } from "../../lib/files/whole_file.ts";
import type { Report } from "../../lib/cli/tool.ts";
import { StopRequest } from "../../lib/cli/stop.ts";
import { microseconds } from "../../lib/report/chrome_trace.ts";
import { tasksOnCpus } from "../../lib/report/on_cpu.ts";
import { tool } from "../../tools/trace-frames.ts";
import { libc } from "../../lib/sys/libc.ts";
import { exists } from "../harness/modules.ts";

/** Far beyond what a number has in ns: a machine that has run for 200 days. */
const SECOND = 17_280_000;
const at = (ns: number) => `${SECOND}${String(ns).padStart(9, "0")}`;

interface Event {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly id: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** What the tool says of a folder with `files`, and the events that it wrote. */
async function traceOf(
  files: Readonly<Record<string, string>>,
  name = "out/trace.json",
  kernel?: string,
) {
  const folder = Deno.makeTempDirSync();
  const warnings: string[] = [];
  const text = (path: string) => new TextDecoder().decode(readFile(`${folder}/${path}`));
  try {
    for (const [file, text] of Object.entries(files)) {
      writeFile(`${folder}/${file}`, new TextEncoder().encode(text));
    }
    using stop = new StopRequest();
    if (kernel !== undefined) writeFile(`${folder}/trace.txt`, new TextEncoder().encode(kernel));
    const values = {
      trace: kernel === undefined ? undefined : `${folder}/trace.txt`,
      ...{ folder, chrome: `${folder}/${name}` },
      ...{ json: false, quiet: false, debug: false, version: false, help: false },
    };
    const warn = (says: string) => void warnings.push(says.replace(folder, ""));
    let failure = "";
    let report: Report | undefined;
    try {
      report = await tool.run(values, { quiet: false, stop, warn });
    } catch (error) {
      failure = (error as Error).message.replace(folder, "");
    }
    const written = name.startsWith("out/") && exists(`${folder}/${name}`);
    const events: Event[] = written ? JSON.parse(text(name)).traceEvents : [];
    return { failure, warnings, events, report, written };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const slicesOf = (events: readonly Event[], track: string) => {
  const tids = events.filter(({ name, args }) => name === "thread_name" && args?.name === track)
    .map(({ tid }) => tid);
  return events.filter(({ ph, tid }) => ph === "X" && tids.includes(tid));
};
const namesOf = (events: readonly Event[], kind: string) =>
  events.filter(({ name }) => name === kind).map(({ args }) => args?.name);

const nsOf = ({ ts, dur }: Event) => [Math.trunc(ts * 1000), Math.trunc(dur * 1000)];

/** Every slice that begins within another one of its track ends within it too. */
function assertNested(events: readonly Event[]) {
  const slices = events.filter(({ ph }) => ph === "X");
  for (const outer of slices) {
    const [begin, length] = nsOf(outer);
    for (const inner of slices) {
      const [ts, dur] = nsOf(inner);
      if (inner.tid !== outer.tid || ts < begin || ts >= begin + length) continue;
      const nested = ts + dur <= begin + length;
      const around = ts === begin && dur >= length;
      assert(nested || around, `${JSON.stringify(inner)} in ${JSON.stringify(outer)}`);
    }
  }
}

const FIXTURE = "frame,output_index,enqueue_monotonic_ns,dequeue_monotonic_ns,vpipe_sequence," +
  "bytesused,algo,requeued_monotonic_ns,measured_monotonic_ns,minor_faults,voluntary_switches," +
  "involuntary_switches,run_delay_ns\n";
const META = "seq,src_v4l2_sequence,flags,queued_ns,run_ns,copied_ns,filtered_ns,checksummed_ns," +
  "done_ns\n";

/** Frames that begin each `step` and take 10 901 ns, and the loop's look at them 600 more. */
const fixture = (frames: number, step: number) => {
  const begins = Array.from({ length: frames }, (_, frame) => [frame, 1001 + frame * step]);
  return {
    "f.csv": FIXTURE +
      begins.map(([frame, ns]) =>
        `${frame},0,${at(ns)},${at(ns + 10_901)},${frame},16,none,${at(ns + 11_000)},` +
        `${at(ns + 11_501)},2,0,1,77\n`
      ).join(""),
    "f.meta.csv": META + begins.map(([frame, ns]) =>
      [
        `${frame + 7},0,0`,
        ...[101, 203, 5307, 8411, 9513, 10_617].map((after) => at(ns + after)),
      ].join() + "\n"
    ).join(""),
  };
};
const PARTS = ["QBUF", "queue wait", "kernel copy", "filter", "checksum", "finish", "wake-up"];

Deno.test("microseconds: a viewer that multiplies and cuts off has the ns again", () => {
  for (let ns = 0; ns < 3_000_000; ns += 7) {
    assertEquals(Math.trunc(microseconds(ns) * 1000), ns);
    const late = ns + 17_280_000e9 / 10;
    assertEquals(Math.trunc(microseconds(late) * 1000), late);
  }
});

Deno.test("trace-frames: while it writes there is no trace yet, and no half of one", async () => {
  const { writev } = libc;
  const seen: boolean[] = [];
  const { open } = libc;
  let name = "";
  libc.open = (path, flags, mode) => {
    const text = new TextDecoder().decode(path as Uint8Array);
    name = /^.*\/out\b/.exec(text)?.[0] ?? name;
    return open(path, flags, mode);
  };
  libc.writev = (fd, vector, count) => {
    if (name !== "") seen.push(exists(`${name}/trace.json`));
    return writev(fd, vector, count);
  };
  try {
    const { failure, written } = await traceOf(fixture(3, 20_003));
    assertEquals([failure, written], ["", true]);
  } finally {
    Object.assign(libc, { open, writev });
  }
  assertEquals(new Set(seen), new Set([false]));
});

Deno.test("trace-frames: the parts of a frame lie in its turn, and are its latency to the ns", async () => {
  const { events, failure, warnings } = await traceOf(fixture(3, 20_003));
  assertEquals(warnings, []);
  assertEquals(failure, "");
  assertEquals(namesOf(events, "process_name"), ["f: heap -> vpipe DMABUF"]);
  assertEquals(namesOf(events, "thread_name"), ["thread", "queueing to dequeueing"]);
  const frames = slicesOf(events, "queueing to dequeueing");
  assertEquals(frames.map(nsOf), [[0, 10_901], [20_003, 10_901], [40_006, 10_901]]);
  const thread = slicesOf(events, "thread");
  assertEquals(
    thread.filter(({ name }) => name.startsWith("turn")).map(nsOf),
    [[0, 20_003], [20_003, 20_003], [40_006, 11_501]],
  );
  const parts = thread.filter(({ name }) => PARTS.includes(name));
  assertEquals(parts.map(({ name }) => name), [...PARTS, ...PARTS, ...PARTS]);
  const sum = parts.reduce((sum, part) => sum + nsOf(part)[1], 0);
  assertEquals(sum, 3 * 10_901);
  assertEquals(thread[0].args, {
    minor_faults: 2,
    voluntary_switches: 0,
    involuntary_switches: 1,
    run_delay_ns: 77,
  });
  assertNested(events);
});

Deno.test("trace-frames: frames in flight have a track each, and their parts in it", async () => {
  const { events } = await traceOf(fixture(9, 5_003));
  assertEquals(namesOf(events, "thread_name"), [
    "thread",
    ...Array(3).fill("queueing to dequeueing"),
  ]);
  const inFlight = slicesOf(events, "queueing to dequeueing");
  assertEquals(inFlight.length, 9 * (1 + PARTS.length));
  const parts = inFlight.filter(({ name }) => PARTS.includes(name));
  assertEquals(parts.reduce((sum, part) => sum + nsOf(part)[1], 0), 9 * 10_901);
  assertEquals(
    slicesOf(events, "thread").map(({ name }) => name).slice(0, 2),
    ["requeue", "measuring"],
  );
  assertNested(events);
});

const WRITE = "frame,io,buffer_index,sequence,bytesused,due_monotonic_ns,fill_monotonic_ns," +
  "submit_monotonic_ns,submitted_monotonic_ns\n";
const READ = "frame,buffer_index,enqueue_monotonic_ns,dequeue_monotonic_ns,v4l2_timestamp_sec," +
  "v4l2_timestamp_usec,sequence,bytesused,stamp\n";
const written = (frame: number) =>
  `${frame},mmap,0,${frame + 5},16,` +
  `${[0, 1, 2, 30].map((ns) => at(100_000 * frame + ns)).join()}\n`;
const read = (frame: number) =>
  `${frame},0,${at(100_000 * frame + 1)},` +
  `${at(100_000 * frame + 777)},1,2,${frame + 5},16,${frame + 5}\n`;

Deno.test("trace-frames: an arrow from a slice of the writer's to one of the reader's", async () => {
  const { events, warnings } = await traceOf({
    "640x480-mmap-mmap.write.csv": WRITE + [0, 1, 2, 3].map(written).join(""),
    "640x480-mmap-mmap.read.csv": READ + [1, 2].map(read).join(""),
  });
  assertEquals(warnings, []);
  const node = slicesOf(events, "loopback node");
  assertEquals(node.map(({ name }) => name), ["frame 1", "frame 2"]);
  assertEquals(node.map((slice) => nsOf(slice)[1]), [775, 775]);
  const arrows = events.filter(({ ph }) => ph === "s" || ph === "f");
  assertEquals(arrows.map(({ ph, id }) => `${ph}${id}`), ["s1", "f1", "s2", "f2"]);
  for (const arrow of arrows) {
    const track = arrow.ph === "s" ? "writer: one VIDIOC_QBUF" : "reader: queueing to dequeueing";
    const at = Math.trunc(arrow.ts * 1000);
    const around = slicesOf(events, track).filter((slice) => {
      const [begin, length] = nsOf(slice);
      return slice.tid === arrow.tid && slice.pid === arrow.pid && begin <= at &&
        at < begin + length;
    });
    assertEquals(around.map(({ name }) => name).length, 1, JSON.stringify(arrow));
  }
  assertNested(events);
});

Deno.test("trace-frames: no run, or a damaged one: whole JSON, and it is said", async () => {
  const empty = await traceOf({ "f.csv": FIXTURE });
  assertEquals(empty.events, []);
  assertEquals(empty.warnings, ["/f.csv: no complete row in it; skipped"]);
  assertEquals(empty.failure, ": no CSV of a run in it");
  const { "f.csv": rows } = fixture(3, 20_003);
  const damaged = await traceOf({
    "f.csv": rows.replace("\n1,0,", "\n1,x,").slice(0, -9),
    "g.csv": "name,price\nx,1\n",
  });
  assertEquals(slicesOf(damaged.events, "queueing to dequeueing").length, 1);
  assertEquals(damaged.warnings, [
    "/f.csv: the last row is cut off and left out",
    "/f.csv: left out 1 damaged row: 1 not like the first",
    "/f.meta.csv: missing: what the kernel did with a frame is in its remainder",
    "/g.csv: its columns are no tool's; skipped",
  ]);
});

Deno.test("trace-frames: a run's files are not written over", async () => {
  const files = { ...fixture(2, 20_003), "f.json": "{}\n" };
  for (const name of ["f.csv", "f.json"]) {
    const { failure } = await traceOf(files, name);
    assertEquals(failure, `/${name}: is a file of a run and no trace`);
  }
  // What is read in a folder of DIR is a run's as well.
  const within = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [`uml/${name}`, text]),
  );
  for (const name of ["uml/f.csv", "uml/f.json", "uml/../uml/f.csv"]) {
    const { failure } = await traceOf(within, name);
    assertEquals(failure, `/${name}: is a file of a run and no trace`);
  }
});

/** Times of a trace's text, of a frame's begin and some us more. */
const us = (frame: number, after: number) =>
  `${SECOND}.${String(1 + 20 * frame + after).padStart(6, "0")}`;
const dequeued = (sequence: number) =>
  "minor = 7, index = 0, type = VIDEO_CAPTURE, bytesused = 16, flags = TIMESTAMP_COPY, field = NONE, " +
  `timestamp = 0, timecode = { type = 0x0, flags = , frames = 0 }, sequence = ${sequence}`;

/** As tracefs shows it, and as trace-cmd report does. */
const KERNELS: Readonly<Record<string, (frame: number) => string>> = {
  "/sys/kernel/tracing/trace": (frame) =>
    `          <idle>-0       [001] d..2.  ${
      us(frame, 0)
    }: sched_switch: prev_comm=swapper/1 prev_pid=0 ` +
    `prev_prio=120 prev_state=R ==> next_comm=other next_pid=9 next_prio=120\n` +
    ` odd name-x-12     (     12) [000] d..2.  ${
      us(frame, 4)
    }: sched_switch: prev_comm=odd name-x ` +
    `prev_pid=12 prev_prio=120 prev_state=S ==> next_comm=kworker/0:1 next_pid=10 next_prio=120\n` +
    `     kworker/0:1-10      [000] d..2.  ${us(frame, 7)}: sched_switch: prev_comm=kworker/0:1 ` +
    `prev_pid=10 prev_prio=120 prev_state=I ==> next_comm=odd name-x next_pid=12 next_prio=120\n` +
    `      odd name-x-12      [000] .....  ${us(frame, 9)}: v4l2_dqbuf: ${dequeued(frame)}\n`,
  "trace-cmd report": (frame) =>
    `vpipe-76:           <idle>-0     [001] d....  ${
      us(frame, 0)
    }: sched_switch:         swapper/1:0 ` +
    `[120] R ==> other:9 [120]\n` +
    `vpipe-76:     odd name-x-12    [000] d....  ${
      us(frame, 4)
    }: sched_switch:         odd name-x:12 ` +
    `[120] S ==> kworker/0:1:10 [120]\n` +
    `vpipe-76:    kworker/0:1-10    [000] d....  ${
      us(frame, 7)
    }: sched_switch:         kworker/0:1:10 ` +
    `[120] I ==> odd name-x:12 [120]\n` +
    `vpipe-76:     odd name-x-12    [000] .....  ${us(frame, 9)}: v4l2_dqbuf:           ` +
    `${dequeued(frame)}\n`,
};
const FROM_BEGIN = `            sh-1         [000] .....  ${us(0, -1)}: sys_enter: NR 1\n`;
const TO_END = `            sh-1         [000] .....  ${us(40, 0)}: sys_enter: NR 1\n`;

Deno.test("trace-frames: who had the CPU on which a frame was got, by either text", async () => {
  for (const [from, kernel] of Object.entries(KERNELS)) {
    const text = ["cpus=2\n# tracer: nop\n", FROM_BEGIN, kernel(0), kernel(1), kernel(2), TO_END];
    const { report, failure, events } = await traceOf(
      fixture(3, 20_000),
      "out/trace.json",
      text.join(""),
    );
    assertEquals([from, failure], [from, ""]);
    assertEquals(report!.text.slice(0, 4), [
      `f, frame 0, at ${SECOND}.000 s: 10.9 us`,
      "  QBUF 101 ns, queue wait 102 ns, kernel copy 5.10 us, filter 3.10 us, checksum 1.10 us, " +
      "finish 1.10 us, wake-up 284 ns, requeue 99 ns, measuring 501 ns",
      "  minor faults 2, involuntary switches 1, run delay 77 ns",
      "  CPU 0: odd name-x-12 7.90 us, kworker/0:1-10 3.00 us",
    ]);
    const cpu = slicesOf(events, "CPU 0").filter(({ name }) => name.startsWith("kworker"));
    assertEquals(cpu.map(nsOf), [[3999, 3000], [23_999, 3000], [43_999, 3000]]);
    assertEquals(slicesOf(events, "CPU 1").map(({ name }) => name), ["other-9"]);
  }
});

Deno.test("trace-frames: a trace of another clock is refused, and nothing written", async () => {
  const kernel = KERNELS["trace-cmd report"];
  const whole = FROM_BEGIN + [0, 1, 2].map(kernel).join("") + TO_END;
  const clock = "trace with the clock mono (trace_clock in tracefs, trace-cmd record -C mono)";
  const refused = async (text: string) => {
    const { failure, written } = await traceOf(fixture(3, 20_000), "out/trace.json", text);
    assertEquals(written, false);
    return failure;
  };
  assertEquals(
    await refused(whole.replaceAll(` ${SECOND}.`, " 99.")),
    `/trace.txt: from 99.000 s to 99.001 s, no frame is within (they are from ${SECOND}.000 s to ` +
      `${SECOND}.000 s): is it of this run? ${clock}`,
  );
  assertEquals(
    await refused(
      whole.replaceAll("sequence = ", "sequence = 1").replaceAll("sequence = 12", "sequence = 0"),
    ),
    `/trace.txt: no frame's VIDIOC_DQBUF is within the frame's times: ${clock}`,
  );
  assertEquals(
    await refused(whole.replaceAll(`${SECOND}.`, "")),
    `/trace.txt: its times count no seconds: ${clock}`,
  );
  assertEquals(
    await refused("x\n"),
    "/trace.txt: no event in it: is it the kernel's trace as text?",
  );
  assertEquals(
    (await refused("\x17\x08Dtracing6")).split(": ")[1],
    "is trace-cmd's own file",
  );
});

Deno.test("trace-frames: a trace without switches, or without the buffers of the frames", async () => {
  const kernel = KERNELS["trace-cmd report"];
  const lines = FROM_BEGIN + [0, 1, 2].map(kernel).join("") + TO_END;
  const without = async (event: string) => {
    const text = lines.split("\n").filter((line) => !line.includes(event)).join("\n");
    return (await traceOf(fixture(3, 20_000), "out/trace.json", text)).report!.text[3];
  };
  assertEquals(await without("sched_switch"), "  CPU 0: no sched_switch of it is in the trace");
  assertEquals(await without("v4l2_dqbuf"), "  its VIDIOC_DQBUF is not in the trace");
});

Deno.test("trace-frames: where the trace lost events nobody is said to have run, and how many is told", async () => {
  const loss: [says: string, told: string, count: string][] = [
    ["[LOST 12 EVENTS]", "24 events", "2 places"],
    ["[LOST EVENTS]", "events", "2 places"],
    ["[12 EVENTS DROPPED]", "24 events", "2 places"],
    ["[EVENTS DROPPED]", "events", "2 places"],
  ];
  for (const [i, kernel] of Object.values(KERNELS).entries()) {
    for (const [says, told, count] of loss.slice(2 * i, 2 * i + 2)) {
      // Behind the kworker's coming, and before CPU 1's first.
      const [idle, comes, ...more] = kernel(0).split("\n");
      const text = [`CPU:1 ${says}`, idle, comes, `CPU:0 ${says}`, ...more].join("\n");
      const { report, warnings, failure } = await traceOf(
        ...[fixture(3, 20_000), "out/trace.json", FROM_BEGIN + text + TO_END] as const,
      );
      assertEquals(failure, "");
      assert(
        warnings.includes(`/trace.txt: lost ${told} in ${count}: who ran there is not known`),
        warnings.join(),
      );
      assertEquals(report!.text[3], "  CPU 0: odd name-x-12 7.90 us");
    }
  }
});

Deno.test("trace-frames: a trace whose lines end as another system's is the same", async () => {
  for (const kernel of Object.values(KERNELS)) {
    const lines = FROM_BEGIN + [0, 1, 2].map(kernel).join("") + TO_END;
    const of = async (text: string) => {
      const { report, failure } = await traceOf(fixture(3, 20_000), "out/trace.json", text);
      return failure || report!.text.slice(0, -2);
    };
    assertEquals(await of(lines.replaceAll("\n", "\r\n")), await of(lines));
  }
});

Deno.test("who had a CPU: not where the trace has lost who came", () => {
  const event = (ns: number, previous: string, next: string) => ({
    ...{ thread: 1, cpu: 3, ns, name: "sched_switch" },
    says: `${previous} [120] S ==> ${next} [120]`,
  });
  const lost = [event(10, "a:1", "b:2"), event(20, "b:2", "c:3"), event(50, "d:4", "a:1")];
  assertEquals(
    [...tasksOnCpus(lost, { first: 0, last: 60 })]
      .map(({ name, begin, end }) => [name, begin, end]),
    [["a-1", 0, 10], ["b-2", 10, 20], ["a-1", 50, 60]],
  );
  const told = [{ cpu: 3, lost: 9 }, lost[0], { cpu: 3, lost: 9 }, event(20, "b:2", "c:3"), {
    cpu: 3,
    lost: 9,
  }];
  assertEquals([...tasksOnCpus(told, { first: 0, last: 60 })], []);
});
