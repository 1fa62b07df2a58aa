/** camera-report: what it writes of a camera without a kernel, and what it says. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/cli/parameters.ts";
import { STREAMS } from "../../lib/cli/say.ts";
import { StopRequest } from "../../lib/cli/stop.ts";
import { parse, type Report } from "../../lib/cli/tool.ts";
import { ReaderQueue } from "../../lib/files/reader_queue.ts";
import { disappointments, EXPECTATION } from "../../lib/report/expectations.ts";
import { sequenceGaps } from "../../lib/measure/gaps.ts";
import type { RunFigures } from "../../lib/report/figures.ts";
import { machineCsv } from "../../lib/report/machine.ts";
import { EIO, ENOENT } from "../../lib/sys/errno.ts";
import { libc } from "../../lib/sys/libc.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { cameraLines, describeCamera } from "../../lib/v4l2/cameras.ts";
import { tool } from "../../tools/camera-report.ts";
import { Camera, CAPTURE, HEIGHT, rowsOf, stamped, WIDTH } from "./fake_camera.ts";
import { fakeIoctl, list, on, returned } from "./fake_ioctl.ts";

/** What the tool says of a command line. */
async function report(...argv: string[]): Promise<{ report: Report; warnings: string[] }> {
  const warnings: string[] = [];
  using stop = new StopRequest();
  const session = { quiet: true, stop, warn: (says: string) => void warnings.push(says) };
  return { report: await tool.run(parse(tool, argv), session), warnings };
}

/** What it says where it does nothing. */
const refusal = (...argv: string[]): Promise<string> =>
  report(...argv).then(() => "nothing", ({ message }: Error) => message);

/** A folder that is not there yet. */
function newFolder(): { path: string } & Disposable {
  const parent = Deno.makeTempDirSync();
  return {
    path: `${parent}/a/report`,
    [Symbol.dispose]: () => Deno.removeSync(parent, { recursive: true }),
  };
}

const SHORT = ["--seconds", "0.1", "--warm-up", "2", "--timeout", "0.2"];
const AGO_NS = 5e6;

Deno.test("camera-report: a folder with rows, figures, machine and page, and five lines", async () => {
  using camera = new Camera(Infinity, [20, 21]);
  using folder = newFolder();
  stamped(camera, AGO_NS);
  const { report: said, warnings } = await report(camera.path, folder.path, ...SHORT);
  assertEquals([said.failure, said.status, warnings], [undefined, 0, []]);
  assertEquals(
    [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort(),
    ["machine.csv", "mmap.csv", "mmap.json", "report.html"],
  );
  const rows = rowsOf(`${folder.path}/mmap.csv`);
  const [first, second, third, fourth, ...more] = said.text;
  assertEquals(more, []);
  assert(
    first.startsWith(`${folder.path}: ${rows.length} frames, ${WIDTH}x${HEIGHT} grey, `),
    first,
  );
  assert(/^ +interval +p50 .* p99 /.test(second), second);
  assert(/^ +latency +p50 .* p99 .* \(start of exposure to dequeueing\)$/.test(third), third);
  assertEquals(fourth, "  camera: 2 lost (gaps: 1); errors: 0");
  const [run] = said.json.paths as { latency_ns: { min: number } }[];
  assert(run.latency_ns.min >= AGO_NS, `${run.latency_ns.min}`);
  const page = Deno.readTextFileSync(`${folder.path}/report.html`);
  assert(page.includes("start of exposure to dequeueing") && page.includes("camera_driver"));
  assertEquals([camera.open, camera.queue(CAPTURE).buffers], [0, 0]);
});

Deno.test("camera-report: the first frame of --seconds or later is the last one", async () => {
  using camera = new Camera();
  using folder = newFolder();
  await report(camera.path, folder.path, ...SHORT);
  const times = rowsOf(`${folder.path}/mmap.csv`).map((row) => BigInt(row.dequeue_monotonic_ns));
  const since = times.map((time) => Number(time - times[0]));
  assert(since.at(-1)! >= 1e8, `${since.at(-1)}`);
  assert(since.at(-2)! < 1e8, `${since.at(-2)}`);
});

Deno.test("camera-report: a clock that is not the program's is named, and not subtracted", async () => {
  using camera = new Camera();
  using folder = newFolder();
  camera.saying = () => ({ flags: v4l2.V4L2_BUF_FLAG_TIMESTAMP_COPY });
  const { report: said } = await report(camera.path, folder.path, ...SHORT);
  const named = "(queueing to dequeueing; the buffer's time: the writer's, copied)";
  assert(said.text[2].endsWith(named), said.text[2]);
});

Deno.test("camera-report: of a camera that stops there are its rows, its page and why", async () => {
  using camera = new Camera(6);
  using folder = newFolder();
  const options = ["--warm-up", "2", "--timeout", "0.2", "--expect", "frames>4"];
  const { report: said, warnings } = await report(camera.path, folder.path, ...options);
  assertEquals(said.failure?.message, `${camera.path}: no frame within 0.2 s, after 4 frames`);
  assertEquals(rowsOf(`${folder.path}/mmap.csv`).length, 4);
  assertEquals(warnings, ["frames>4 does not hold: it is 4"]);
  const page = Deno.readTextFileSync(`${folder.path}/report.html`);
  assert(page.includes(`the run failed: ${camera.path}: no frame within 0.2 s`));
});

Deno.test("camera-report: of a camera without a frame nothing is expected in vain", async () => {
  using camera = new Camera(0);
  using folder = newFolder();
  const expect = ["--expect", "dropped<=1", "--expect", "latency_p99<1s"];
  const { report: said, warnings } = await report(camera.path, folder.path, ...SHORT, ...expect);
  assertEquals(said.text, [`${camera.path}: no frame`]);
  assertEquals(warnings, [
    "dropped<=1 does not hold: it cannot be told",
    "latency_p99<1s does not hold: it cannot be told",
  ]);
  assert(said.failure !== undefined);
});

Deno.test("camera-report: what ended before the first frame leaves no folder, so that the next may", async () => {
  using folder = newFolder();
  for (const most of [0, 2]) {
    using camera = new Camera(most);
    const ended = await report(camera.path, folder.path, ...SHORT);
    assertEquals(ended.report.failure?.message.startsWith(`${camera.path}: no frame within`), true);
    assertThrows(() => Deno.statSync(folder.path), Deno.errors.NotFound);
  }
  {
    using camera = new Camera(0);
    const begin = performance.now();
    const stop = {
      get requested() {
        return performance.now() - begin > 50;
      },
    } as StopRequest;
    const endless = ["--seconds", "9", "--timeout", "9"];
    const values = parse(tool, [camera.path, folder.path, ...endless]);
    const said = await tool.run(values, { quiet: true, stop, warn() {} });
    assertEquals([said.failure, said.text], [undefined, [`${camera.path}: no frame`]]);
    assertEquals([said.json.folder, said.json.report], [undefined, undefined]);
  }
  assertThrows(() => Deno.statSync(folder.path), Deno.errors.NotFound);
  using camera = new Camera();
  assertEquals((await report(camera.path, folder.path, ...SHORT)).report.failure, undefined);
});

Deno.test("camera-report: where a file of the folder cannot be written, the run is told all the same", async () => {
  using camera = new Camera(Infinity, [20]);
  using folder = newFolder();
  // What is in the way comes while it captures, as a disk becomes full.
  camera.saying = () => {
    Deno.mkdirSync(`${folder.path}/mmap.json`, { recursive: true });
    return {};
  };
  const { report: said, warnings } = await report(
    ...[camera.path, folder.path, ...SHORT, "--expect", "dropped=0"],
  );
  assert(said.text[0].includes(`${WIDTH}x${HEIGHT} grey`), said.text[0]);
  assertEquals(said.text.at(-1), "  camera: 1 lost (gaps: 1); errors: 0");
  assertEquals(warnings, ["dropped=0 does not hold: it is 1"]);
  assertEquals(
    said.failure?.message,
    `${folder.path}/mmap.json: open: Is a directory (EISDIR)`,
  );
  assertEquals(Deno.statSync(`${folder.path}/report.html`).isFile, true);
});

/** A camera that cannot stream. */
class Broken extends Camera {
  constructor() {
    super();
    this.handle(v4l2.VIDIOC_STREAMON, () => -EIO);
  }
}

Deno.test("camera-report: of a run that never began there is no folder, so that the next may", async () => {
  using folder = newFolder();
  {
    using camera = new Broken();
    assertEquals(
      await refusal(camera.path, folder.path, ...SHORT),
      `${camera.path}: VIDIOC_STREAMON: Input/output error (EIO)`,
    );
  }
  assertThrows(() => Deno.statSync(folder.path), Deno.errors.NotFound);
  using camera = new Camera();
  assertEquals((await report(camera.path, folder.path, ...SHORT)).report.failure, undefined);
});

Deno.test("camera-report: what is not as expected is told, and the status is 1", async () => {
  using camera = new Camera(Infinity, [20, 21]);
  using folder = newFolder();
  const expect = ["--expect", "dropped<=1", "--expect", "errors=0", "--expect", "frames>=1"];
  const { report: said, warnings } = await report(camera.path, folder.path, ...SHORT, ...expect);
  assertEquals([said.status, warnings], [1, ["dropped<=1 does not hold: it is 2"]]);
});

Deno.test("camera-report: below the rate that is set, the exposure is told where there is one", async () => {
  const tails: [controls: [number, number][], tail: string][] = [
    [[], ""],
    [[[v4l2.V4L2_CID_EXPOSURE_ABSOLUTE, 500]], ": exposure time 50.0 ms"],
    [
      [[v4l2.V4L2_CID_EXPOSURE_ABSOLUTE, 333], [v4l2.V4L2_CID_EXPOSURE_AUTO_PRIORITY, 1]],
      ": exposure time 33.3 ms, exposure_dynamic_framerate 1",
    ],
  ];
  for (const [controls, tail] of tails) {
    using camera = new Camera();
    using folder = newFolder();
    // No program takes so many.
    camera.rate = 1e9;
    for (const [id, value] of controls) camera.controls.set(id, value);
    const { report: said } = await report(camera.path, folder.path, ...SHORT);
    assertEquals(said.text[4], `  below the 1000000000 a second that are set${tail}`);
    assertEquals(said.text.length, 5);
  }
  using camera = new Camera();
  using folder = newFolder();
  camera.rate = 1;
  assertEquals((await report(camera.path, folder.path, ...SHORT)).report.text.length, 4);
});

Deno.test("camera-report --live: a folder where DIR names one, and why the rate falls short in any case", async () => {
  let written = "";
  const { isTerminal } = Deno.stdout;
  Deno.stdout.isTerminal = () => true;
  const terminal = ReaderQueue.of("stdout", STREAMS.stdout);
  terminal.append = (bytes) => void (written += new TextDecoder().decode(bytes));
  try {
    for (const isNamed of [false, true]) {
      using camera = new Camera();
      using folder = newFolder();
      camera.rate = 1e9;
      camera.controls.set(v4l2.V4L2_CID_EXPOSURE_ABSOLUTE, 500);
      const directory = isNamed ? [folder.path] : [];
      const before = [...Deno.readDirSync(".")].length;
      const { report: said } = await report(camera.path, ...directory, ...SHORT, "--live");
      assertEquals([...Deno.readDirSync(".")].length, before);
      assertEquals([said.failure, said.json.exposure_time_ns], [undefined, 50e6]);
      const why = "  below the 1000000000 a second that are set: exposure time 50.0 ms";
      assertEquals(said.text.at(-1), why);
      const where = isNamed ? folder.path : camera.path;
      assert(said.text[0].startsWith(`${where}: `), said.text[0]);
      if (isNamed) assert(rowsOf(`${folder.path}/mmap.csv`).length > 0);
    }
  } finally {
    Deno.stdout.isTerminal = isTerminal;
    Reflect.deleteProperty(terminal, "append");
  }
  assert(written.startsWith("\x1b[?1049h") && written.endsWith("\x1b[?1049l"));
});

Deno.test("camera-report: a folder in use is left alone, and so is the camera", async () => {
  using camera = new Camera();
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/mine`, "");
  try {
    const refusals: [directory: string, says: string][] = [
      [folder, `${folder}: is not empty (DIR may be another place)`],
      [`${folder}/mine`, `${folder}/mine: opendir: Not a directory (ENOTDIR)`],
      ["/proc/none/here", "/proc/none: mkdir: No such file or directory (ENOENT)"],
    ];
    for (const [directory, says] of refusals) {
      assertEquals(await refusal(camera.path, directory, ...SHORT), says);
    }
    assertEquals([...Deno.readDirSync(folder)].length, 1);
    assertEquals([camera.frames, camera.open], [0, 0]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("camera-report: no camera is said, and an expectation needs one", async () => {
  assertEquals(await refusal("--expect", "dropped=0"), "DEV is missing: --expect is of it");
  assertEquals(await refusal("--live"), "DEV is missing: --live is of it");
  assertEquals(
    await refusal("/dev/null", "--live", "--expect", "dropped=0"),
    "DIR is missing: --expect with --live is of its rows",
  );
  const real = libc.open;
  libc.open = () => returned(-ENOENT);
  try {
    const none = "no camera: /dev/video* has none, or none that may be opened";
    assertEquals(await refusal(), none);
  } finally {
    libc.open = real;
  }
});

Deno.test("cameras: formats, sizes and rates in lines, and a node that is none", () => {
  let device_caps = v4l2.V4L2_CAP_VIDEO_CAPTURE_MPLANE;
  const each = (min: number, max: number, step: number) => ({
    ...{ min_width: min, max_width: max, step_width: step },
    ...{ min_height: min, max_height: max, step_height: step },
  });
  const rates = (...rates: number[]) =>
    rates.map((rate) => ({
      type: v4l2.V4L2_FRMIVAL_TYPE_DISCRETE,
      min_numerator: 1001,
      min_denominator: rate * 1000,
    }));
  using _fake = fakeIoctl(
    on(v4l2.VIDIOC_QUERYCAP, v4l2.v4l2_capability, (caps) => {
      Object.assign(caps, { card: "Some Camera", driver: "some", device_caps });
      return 0;
    }),
    list(
      v4l2.VIDIOC_ENUM_FMT,
      v4l2.v4l2_fmtdesc,
      ({ type }) =>
        type === v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
          ? [
            { pixelformat: v4l2.V4L2_PIX_FMT_YUYV, description: "YUYV 4:2:2" },
            { pixelformat: v4l2.V4L2_PIX_FMT_GREY, description: "8-bit Greyscale" },
          ]
          : [],
    ),
    list(
      v4l2.VIDIOC_ENUM_FRAMESIZES,
      v4l2.v4l2_frmsizeenum,
      ({ pixel_format }) =>
        pixel_format === v4l2.V4L2_PIX_FMT_YUYV
          ? [
            { type: v4l2.V4L2_FRMSIZE_TYPE_DISCRETE, width: 640, height: 480 },
            { type: 3, ...each(16, 1024, 16) },
          ]
          : [],
    ),
    list(
      v4l2.VIDIOC_ENUM_FRAMEINTERVALS,
      v4l2.v4l2_frmivalenum,
      ({ width }) => width === 640 ? rates(30, 60) : [],
    ),
  );
  assertEquals(cameraLines(describeCamera("/dev/null")!), [
    "/dev/null: Some Camera (some)",
    "  YUYV  YUYV 4:2:2",
    "    640 x 480: 29.97 59.94 frames a second",
    "    16-1024 x 16-1024",
    "  GREY  8-bit Greyscale",
  ]);
  device_caps = v4l2.V4L2_CAP_VIDEO_M2M;
  assertEquals(describeCamera("/dev/null"), undefined);
});

/** Figures of a run, as far as an expectation looks at them. */
const RUN = {
  frames: 600,
  rate: 29.2,
  gaps: [{ of: "camera", lost: 2, gaps: 1, backwards: 0 }],
  interval: { p99: 40e6, max: 41e6 },
  latency: { p50: 950 },
} as unknown as RunFigures;

Deno.test("expectations: what holds at a limit and beside it, with units and margins", () => {
  const cases: [expression: string, holds: boolean][] = [
    ["dropped<=2", true],
    ["dropped<2", false],
    ["dropped<=1", false],
    ["dropped=2", true],
    ["frames>=600", true],
    ["frames>600", false],
    ["interval_p99<40ms", false],
    ["interval_p99<=40ms", true],
    ["interval_p99 < 40.1ms", true],
    ["interval_max<0.042s", true],
    ["latency_p50<1us", true],
    ["latency_p50>=951ns", false],
    ["interval_p99 < 40.1 ms", true],
    ["fps = 30 +- 5 %", true],
    ["fps=30+-5%", true],
    ["fps=30+-2%", false],
    ["fps=30+-0.8", true],
    ["fps=30+-0.7", false],
    ["interval_p99=38ms+-2ms", true],
    ["interval_p99=38ms+-1999us", false],
    // Not recorded.
    ["errors=0", false],
  ];
  for (const [expression, holds] of cases) {
    const found = disappointments([EXPECTATION.parse(expression)], RUN);
    assertEquals(found.length === 0, holds, expression);
  }
  const [{ says }] = disappointments([EXPECTATION.parse("interval_max<1ms")], RUN);
  assertEquals(says, "interval_max<1ms does not hold: it is 41.0 ms");
});

/** What is said of one expectation that does not hold. */
const saysOf = (expression: string, run: unknown): string | undefined =>
  disappointments([EXPECTATION.parse(expression)], run as RunFigures | undefined).at(0)?.says;

Deno.test("expectations: what is found is never rounded to what was expected", () => {
  const run = { ...RUN, rate: 29.99996, interval: { p99: 33_340_000, max: 1_000_400_000 } };
  const cases = [
    ["fps>=30", "it is 29.99996"],
    ["fps>=31", "it is 30"],
    ["interval_p99<=33.3ms", "it is 33.34 ms"],
    ["interval_max<=1s", "it is 1.0004 s"],
  ];
  for (const [expression, found] of cases) {
    assertEquals(saysOf(expression, run), `${expression} does not hold: ${found}`);
  }
});

Deno.test("expectations: numbers that stand still tell of no drops, and no frame is 0 frames", () => {
  const gaps = sequenceGaps([7, 7, 7], [0, 1, 2]);
  const still = { ...RUN, gaps: [{ of: "camera", ...gaps }] };
  assertEquals(saysOf("dropped=0", still), "dropped=0 does not hold: it cannot be told");
  assertEquals(saysOf("frames>=1", undefined), "frames>=1 does not hold: it is 0");
  assertEquals(saysOf("frames=0", undefined), undefined);
  assertEquals(saysOf("errors=0", undefined), "errors=0 does not hold: it cannot be told");
});

Deno.test("expectations: a wrong one is refused, and the names are told", () => {
  const wrong: [expression: string, says: string][] = [
    ["drops<=1", 'knows no "drops"; names: frames, fps, dropped, errors, interval_min'],
    ["constructor=1", 'knows no "constructor"'],
    ["dropped", 'must look like dropped<=1 or fps=30+-5%, not "dropped"; names: frames, fps'],
    ["dropped==1", "must look like"],
    ["dropped<=-1", "must look like"],
    ["", "must look like"],
    ["interval_p99<40", 'needs ns, us, ms, s behind 40, not ""'],
    ["interval_p99<40m", 'needs ns, us, ms, s behind 40, not "m"'],
    ["dropped<1ms", 'has "ms" behind 1, which is no time'],
    ["fps<30+-5%", "takes +- behind = alone"],
    ["interval_p50=40ms+-1", 'needs ns, us, ms, s behind 1, not ""'],
  ];
  for (const [expression, says] of wrong) {
    assertThrows(() => EXPECTATION.parse(expression), UsageError, says);
  }
});

Deno.test("machine.csv: what scripts/machine.sh writes of this machine", () => {
  const script = new URL("../../scripts/machine.sh", import.meta.url).pathname;
  const { stdout } = new Deno.Command(script).outputSync();
  const written = new TextDecoder().decode(stdout).split("\n");
  const [header, ...rows] = machineCsv({ camera: 'a "camera", black' }).trimEnd().split("\n");
  assertEquals(header, "property,value");
  assertEquals(rows.pop(), 'camera,"a ""camera"", black"');
  const dated = rows.pop()!;
  assert(/^date,\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(dated), dated);
  assertEquals(rows.length, 10);
  for (const row of rows) assert(written.includes(row), `${row}: not in ${written.join("\n")}`);
});
