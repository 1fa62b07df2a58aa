/**
 * Whether the decomposition finds a delay where it is: pauses of known length are put into the tools' own
 * measured paths and into the filter, at one stage after the other, and looked for in the figures that a report
 * has of them.
 * Beside it, what the instrument itself costs a frame. It needs the filter's node and a camera of GREY frames.
 *
 *     deno run --allow-all tests/bench/calibrate.ts FILTER HEAP PGM CAMERA
 *
 * @module
 */
import { StopRequest } from "../../lib/cli/stop.ts";
import {
  type Options,
  parse,
  type Positionals,
  type Report,
  type Tool,
} from "../../lib/cli/tool.ts";
import { drainMetadata } from "../../lib/frames/drain_metadata.ts";
import { formatNs } from "../../lib/measure/format.ts";
import type { PartName } from "../../lib/report/analysis/recorded_paths.ts";
import { median } from "../../lib/report/analysis/percentiles.ts";
import { FIGURES } from "../../lib/report/figures.ts";
import { readBench } from "../../lib/report/folder.ts";
import { markdownTable } from "../../lib/report/markdown.ts";
import { monotonicNs } from "../../lib/sys/clock.ts";
import { libc } from "../../lib/sys/libc.ts";
import { RUSAGE_THREAD } from "../../lib/sys/thread.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { CameraPath } from "../../lib/vpipe/camera_path.ts";
import { tool as fixtureTool } from "../../tools/bench-fixture.ts";
import { tool as cameraTool } from "../../tools/capture-m2m.ts";
import { Tracing } from "../harness/trace.ts";

const META = "/dev/vpipe-meta";
const PARAMETER = "/sys/module/vpipe/parameters/delay_ns";
/** What the parameter's numbers are of (kmod/filter/delay.h). */
const STAGES = ["queue wait", "kernel copy", "filter", "checksum", "finish"] as const;
const DELAYS_NS = [50e3, 500e3, 5e6];
const SHARE = 0.05;
const LEAST_NS = 20e3;
const REMAINDER = "remainder";

const WORDS = `## Calibration

Pauses of known length, put into the tools' own paths and, by a parameter of the module, into the filter's by
\`make calibrate\` (\`tests/bench/calibrate.ts\`, in the guest uml on one CPU), and what the parts of a frame make of
them: medians of the changes between runs with and without, by turns. One holds where its own part has all of it and
no other part has changed, both within 5 % or 20 us. What a camera's frame takes longer is waited less for the next
one, which is the source wait's. The source itself is not covered.
`;

const [filter, heap, image, camera] = Deno.args;
if (camera === undefined) throw new Error("usage: calibrate.ts FILTER HEAP PGM CAMERA");

/** One look at the clock, in ns: a pause is longer by one than the clock says. */
const CLOCK_NS = median(Array.from({ length: 1001 }, () => -monotonicNs() + monotonicNs()));

/** A pause in a path, until it is disposed of. */
interface Plant extends Disposable {
  /** @param ns 0 for none */
  set(ns: number): void;
  /** How long the pauses since it was set were, in ns. */
  planted(): number;
}

/** Waits where it is called. */
class Pause {
  #ns = 0;
  #real: number[] = [];

  set(ns: number): void {
    this.#ns = ns;
    this.#real = [];
  }

  planted(): number {
    return median(this.#real);
  }

  wait(): void {
    if (this.#ns === 0) return;
    const begin = monotonicNs();
    let now = begin;
    while (now - begin < this.#ns - CLOCK_NS) now = monotonicNs();
    this.#real.push(now - begin + CLOCK_NS);
  }
}

/** What puts a pause into a function, and takes it out. */
function plant(into: (pause: Pause) => () => void): Plant {
  const pause = new Pause();
  const restore = into(pause);
  return {
    set: (ns) => pause.set(ns),
    planted: () => pause.planted(),
    [Symbol.dispose]: restore,
  };
}

/** A pause in the filter, whose module looks at the clock itself. */
function inFilter(stage: number): Plant {
  let length = 0;
  const set = (ns: number) => {
    length = ns;
    Deno.writeTextFileSync(PARAMETER, STAGES.map((_, i) => i === stage ? ns : 0).join());
  };
  return { set, planted: () => length, [Symbol.dispose]: () => set(0) };
}

/** A pause in front of an ioctl on a queue of this type, or on any. */
function beforeIoctl(request: number, type?: number): Plant {
  const { ioctl } = libc;
  const { offset } = v4l2.v4l2_buffer.fields.type;
  return plant((pause) => {
    libc.ioctl = (fd, asked, argument) => {
      const isIt = asked === request &&
        (type === undefined || (argument as Uint8Array)[offset] === type);
      if (isIt) pause.wait();
      return ioctl(fd, asked, argument);
    };
    return () => void (libc.ioctl = ioctl);
  });
}

function beforeUsage(): Plant {
  const { getrusage } = libc;
  return plant((pause) => {
    libc.getrusage = (who, usage) => {
      if (who === RUSAGE_THREAD) pause.wait();
      return getrusage(who, usage);
    };
    return () => void (libc.getrusage = getrusage);
  });
}

function beforeCopy(): Plant {
  const { copy } = CameraPath.prototype;
  return plant((pause) => {
    CameraPath.prototype.copy = function (index, bytesused) {
      pause.wait();
      return copy.call(this, index, bytesused);
    };
    return () => void (CameraPath.prototype.copy = copy);
  });
}

/** A path whose frames are taken apart. */
interface Path {
  readonly name: string;
  readonly frames: number;
  readonly warmUp: number;
  readonly pairs: number;
  run(
    csv: string,
    frames: number,
    more: readonly (string | number)[],
    stop: StopRequest,
  ): Promise<Report>;
  /** What waits for the source waits so much less: the camera's frames come when they come. */
  readonly balance?: PartName;
}

/** Runs a tool in this process. */
async function runTool<P extends Positionals, O extends Options>(
  tool: Tool<P, O>,
  argv: readonly (string | number)[],
  stop: StopRequest,
): Promise<Report> {
  const session = { quiet: true, stop, warn: (says: string) => console.error(says) };
  const report = await tool.run(parse(tool, argv.map(String)), session);
  if (report.failure !== undefined) throw report.failure;
  return report;
}

const FIXTURE: Path = {
  name: "bench-fixture, 4x4",
  frames: 150,
  warmUp: 60,
  pairs: 5,
  run: (csv, frames, more, stop) =>
    runTool(fixtureTool, [filter, heap, image, csv, frames, ...more], stop),
};

const THRESHOLD: Path = {
  ...FIXTURE,
  name: `${FIXTURE.name}, threshold`,
  run: (csv, frames, more, stop) => FIXTURE.run(csv, frames, ["threshold", 127, ...more], stop),
};

const CAMERA: Path = {
  name: "capture-m2m, mmap",
  frames: 60,
  warmUp: 20,
  pairs: 3,
  run: (csv, frames, more, stop) =>
    runTool(
      cameraTool,
      [camera, filter, csv, frames, "mmap", "--fps", 25, "--size", "320x180", ...more],
      stop,
    ),
  balance: "source wait",
};

/** Where pauses go, and the part that has to have them. */
const PLANTS: readonly (readonly [PartName, Path, () => Plant, where: string])[] = [
  [
    "QBUF",
    FIXTURE,
    () => beforeIoctl(v4l2.VIDIOC_QBUF.request, v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT),
    "before VIDIOC_QBUF of OUTPUT",
  ],
  [
    "wake-up",
    FIXTURE,
    () => beforeIoctl(v4l2.VIDIOC_DQBUF.request, v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE),
    "before VIDIOC_DQBUF of CAPTURE",
  ],
  [
    "requeue",
    FIXTURE,
    () => beforeIoctl(v4l2.VIDIOC_QBUF.request, v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE),
    "before VIDIOC_QBUF of CAPTURE",
  ],
  ...STAGES.map((part, stage) =>
    // Without an algorithm all rows are copied.
    [part, part === "filter" ? THRESHOLD : FIXTURE, () =>
      inFilter(stage), "the module's delay_ns"] as const
  ),
  ["measuring", FIXTURE, beforeUsage, "before getrusage(2)"],
  [
    "controls",
    CAMERA,
    () => beforeIoctl(v4l2.VIDIOC_S_CTRL.request),
    "before VIDIOC_S_CTRL",
  ],
  ["user copy", CAMERA, beforeCopy, "before the program's copy"],
];

/** The medians of a run's parts and of its remainder, in ns. */
async function partsOf(path: Path, stop: StopRequest): Promise<Map<string, number>> {
  const folder = Deno.makeTempDirSync();
  try {
    const { frames, warmUp } = path;
    const meta = {
      ...{ device: META, csv: `${folder}/run.meta.csv`, frames: warmUp + frames },
      ...{ stages: true, ready: false, timeout: 10 },
    };
    const drained = drainMetadata(meta, { quiet: true, stop, warn() {} });
    const options = ["--stages", "--warm-up", String(warmUp)];
    const report = await path.run(`${folder}/run.csv`, frames, options, stop);
    const { failure } = await drained;
    if (failure !== undefined) throw failure;
    Deno.writeTextFileSync(`${folder}/run.json`, JSON.stringify(report.json));
    const [machine] = readBench(folder, FIGURES);
    const found = machine?.runs.at(0)?.decomposition;
    if (found === undefined || found.frames < frames / 2) {
      throw new Error(`${path.name}: no run to take apart: ${JSON.stringify(machine?.notices)}`);
    }
    const parts = [...found.parts].map(([name, { p50 }]) => [name, p50] as const);
    return new Map<string, number>([...parts, [REMAINDER, found.remainder.p50]]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** What a pause of `ns` was found to be. */
interface Finding {
  readonly planted: number;
  /** How much more was found than planted: of runs with their own pauses, as a busy machine makes some longer. */
  readonly excess: number;
  /** The largest change of another part. */
  readonly other: string;
  readonly elsewhere: number;
  readonly balance?: number;
}

/** Runs with and without the pause by turns: what drifts on the machine is in both. */
async function look(
  path: Path,
  part: PartName,
  pause: Plant,
  ns: number,
  stop: StopRequest,
): Promise<Finding> {
  const changes = new Map<string, number[]>();
  const planted: number[] = [];
  const excess: number[] = [];
  for (let pair = 0; pair < path.pairs && !stop.requested; pair++) {
    pause.set(0);
    const without = await partsOf(path, stop);
    pause.set(ns);
    const paused = await partsOf(path, stop);
    for (const [name, median] of paused) {
      const all = changes.get(name) ?? [];
      all.push(median - (without.get(name) ?? 0));
      changes.set(name, all);
    }
    planted.push(pause.planted());
    excess.push((changes.get(part)?.at(-1) ?? NaN) - planted.at(-1)!);
  }
  const change = new Map([...changes].map(([name, all]) => [name, median(all)]));
  const others = [...change].filter(([name]) => name !== part && name !== path.balance)
    .sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  return {
    planted: median(planted),
    excess: median(excess),
    other: others[0][0],
    elsewhere: others[0][1],
    balance: path.balance && change.get(path.balance),
  };
}

/** A part by its columns, in ns, and the same frames' time between two events of ftrace's, in us. */
interface Traced {
  readonly what: string;
  readonly recorded: number;
  readonly traced: number;
}

/** What the kernel's own tracing says of the filter's stages, of the same frames. */
async function trace(stage: number, ns: number, stop: StopRequest): Promise<Traced[]> {
  using pause = inFilter(stage);
  pause.set(ns);
  using tracing = new Tracing("vpipe", "vpipe_queued", "vpipe_run", "vpipe_done");
  const parts = await partsOf(FIXTURE, stop);
  // A frame behind the other: the three events of each are beside each other.
  const events = tracing.events().slice(-3 * FIXTURE.frames);
  const between = (from: number, to: number) =>
    median(
      Array.from(
        { length: FIXTURE.frames },
        (_, i) => 1e3 * (events[3 * i + to].us - events[3 * i + from].us),
      ),
    );
  const sum = (names: readonly PartName[]) =>
    names.reduce((sum, name) => sum + (parts.get(name) ?? NaN), 0);
  return [
    { what: STAGES[0], recorded: sum(STAGES.slice(0, 1)), traced: between(0, 1) },
    { what: STAGES.slice(1).join(", "), recorded: sum(STAGES.slice(1)), traced: between(1, 2) },
  ];
}

/** ns a turn of the loop, by the tool's own rate. */
async function turnNs(stop: StopRequest, ...more: string[]): Promise<number> {
  const { json } = await FIXTURE.run("/dev/null", 2000, ["--warm-up", "300", ...more], stop);
  return 1e9 / (json.frames_per_second as number);
}

const signed = (ns: number) => (ns < 0 ? "-" : "+") + formatNs(Math.abs(ns));

using stop = new StopRequest();
stop.listen();
let failed = 0;
const rows: string[][] = [];
for (const [part, path, planting, where] of PLANTS) {
  for (const ns of DELAYS_NS) {
    if (stop.requested) break;
    using pause = planting();
    const { planted, excess, other, elsewhere, balance } = await look(path, part, pause, ns, stop);
    const limit = Math.max(SHARE * planted, LEAST_NS);
    const isFound = Math.abs(excess) <= limit;
    const isAlone = Math.abs(elsewhere) <= limit;
    if (!isFound || !isAlone) failed++;
    rows.push([
      `${path.name}: ${where}`,
      formatNs(planted),
      part,
      `${signed(excess)} (${(100 * excess / planted).toFixed(1)} %)`,
      `${signed(elsewhere)} (${other})`,
      balance === undefined ? "-" : signed(balance),
      isFound && isAlone ? "yes" : isFound ? "no: elsewhere too" : "no: not found",
    ]);
    console.error(rows.at(-1)!.join(" | "));
  }
}
console.log(WORDS);
const headings = [
  "pause",
  "planted",
  "in",
  "found, less planted",
  "most in another",
  "source wait",
  "holds",
];
for (const line of markdownTable(headings, rows)) console.log(line);

console.log(`
The same frames by the kernel's trace events (vpipe_queued to vpipe_run to vpipe_done), in whole microseconds, with a
pause in the stage that is named first. A sum of the medians of four parts is no median, and what an event costs is in
the stage before it.
`);
const traced: string[][] = [];
for (const [stage, ns] of [[0, 500e3], [0, 5e6], [1, 500e3], [1, 5e6]] as const) {
  if (stop.requested) break;
  for (const { what, recorded, traced: events } of await trace(stage, ns, stop)) {
    const isNear = Math.abs(events - recorded) <= Math.max(SHARE * recorded, LEAST_NS);
    if (!isNear) failed++;
    traced.push([
      `${STAGES[stage]}, ${formatNs(ns)}`,
      what,
      formatNs(recorded),
      formatNs(events),
      signed(events - recorded),
      isNear ? "yes" : "no",
    ]);
    console.error(traced.at(-1)!.join(" | "));
  }
}
const columns = ["pause in", "part", "recorded", "by ftrace", "ftrace's is more by", "holds"];
for (const line of markdownTable(columns, traced)) console.log(line);

const costs: number[] = [];
const turns: number[] = [];
for (let pair = 0; pair < 5 && !stop.requested; pair++) {
  const without = await turnNs(stop);
  turns.push(without);
  costs.push(await turnNs(stop, "--stages") - without);
}
if (costs.length > 0) {
  console.log(`
The instrument: \`--stages\` adds ${formatNs(median(costs))} to a turn of ${formatNs(median(turns))}
(${FIXTURE.name}, medians of ${costs.length} pairs); a look at the clock is ${
    formatNs(CLOCK_NS)
  }.`);
}
Deno.exit(stop.status || (failed > 0 ? 1 : 0));
