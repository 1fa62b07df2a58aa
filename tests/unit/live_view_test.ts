/** `--live`: what its screen says of a camera without a kernel, and what becomes of the terminal. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Screen, type Terminal, wrapped } from "../../lib/cli/screen.ts";
import { StopRequest } from "../../lib/cli/stop.ts";
import { captureBy } from "../../lib/frames/capture_by.ts";
import { bars } from "../../lib/report/bars.ts";
import { LiveFigures, LiveView } from "../../lib/report/live_view.ts";
import { RecentRows } from "../../lib/report/recent_rows.ts";
import { monotonicNs, sleepUntil } from "../../lib/sys/clock.ts";
import { EIO } from "../../lib/sys/errno.ts";
import { libc } from "../../lib/sys/libc.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { Camera, CAPTURE, HEIGHT, rowsOf, stamped, WIDTH } from "./fake_camera.ts";
import { returned } from "./fake_ioctl.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/** A terminal that keeps what was written. */
class FakeTerminal implements Terminal {
  readonly written: string[] = [];
  /** When, by `monotonicNs`. */
  readonly times: number[] = [];
  /** Writes that succeed. */
  left = Infinity;

  constructor(readonly columns = 80, readonly rows = 24) {}

  isTerminal(): boolean {
    return true;
  }

  size() {
    return { columns: this.columns, rows: this.rows };
  }

  /** What was drawn before is yet to be shown. */
  behind = false;

  wait(): void {}
  isBehind(): boolean {
    return this.behind;
  }

  write(text: string): void {
    if (this.left-- <= 0) throw new Error("Input/output error (os error 5)");
    this.times.push(monotonicNs());
    this.written.push(text);
  }

  /** The lines of each screen that was drawn; all of them are within it. */
  get screens(): string[][] {
    return this.written.filter((text) => text.startsWith("\x1b[H")).map((text) => {
      const lines = text.slice("\x1b[H".length).replace("\r\n\x1b[J", "").split("\r\n")
        .map((line) => {
          assert(line.startsWith("\x1b[K"), `${JSON.stringify(line)} is not cleared`);
          return line.slice("\x1b[K".length);
        });
      assert(lines.length <= this.rows, `${lines.length} lines on ${this.rows}`);
      for (const line of lines) {
        assert(/^[\x20-\x7e]*$/.test(line), JSON.stringify(line));
        assert(line.length <= this.columns, `${this.columns} columns: ${line}`);
      }
      return lines;
    });
  }
}

/** What a capture on this terminal leaves. */
async function live(camera: Camera, terminal: Terminal, more: Record<string, unknown> = {}) {
  using stop = new StopRequest();
  using watch = new LiveView(
    { title: `${camera.path}: a camera`, driver: "fake" },
    terminal,
  );
  return await captureBy("mmap", {
    ...{ tool: "camera-report", device: camera.path, csv: "", frames: Infinity, stages: false },
    ...{ fps: 0, "warm-up": 2, timeout: 0.3, buffers: 3, heap: "", watch, ...more },
  }, { quiet: true, stop, warn() {} });
}

/** The terminal of some seconds with a camera; the screens on it are at most two a second. */
async function watched(seconds: number) {
  using camera = new Camera(Infinity, [20, 21]);
  stamped(camera, 5e6);
  const { saying } = camera;
  // So slow that rows are not written for their number.
  camera.saying = (sequence) => {
    sleepUntil(monotonicNs() + 3e6);
    return saying(sequence);
  };
  const terminal = new FakeTerminal();
  const begin = monotonicNs();
  const said = await live(camera, terminal, { seconds });
  assertEquals(said.failure, undefined);
  const { written, screens, times } = terminal;
  assertEquals([written[0], written.at(-1)], [ENTER, LEAVE]);
  assertEquals(written.length, screens.length + 2);
  for (const [i] of screens.entries()) {
    const early = begin + i * 0.5e9 - times[1 + i];
    assert(early <= 0, `screen ${i} comes ${early} ns early`);
  }
  return { camera, said, screens };
}

Deno.test("live: twice a second a screen, and the terminal as it was", async () => {
  // A machine may stand still now and then: once it comes in time.
  let run = await watched(1.7);
  const isInTime = () =>
    run.screens.length >= 4 && !run.screens.at(-1)![2].startsWith("  no frame for ");
  for (let tries = 1; !isInTime(); tries++) {
    assert(tries < 50, `${run.screens.length} screens in 1.7 s`);
    run = await watched(1.7);
  }
  const { camera, said, screens } = run;
  // Before the first frame.
  assertEquals(screens[0], [
    `${camera.path}: a camera`,
    "",
    "  no frame that counts yet: the first ones are to warm up",
  ]);
  const [title, blank, rate, interval, latency, all, space, head, ...histogram] = screens.at(-1)!;
  assertEquals([title, blank, space, head], [screens[0][0], "", "", "  latency from, frames"]);
  assert(/^ {2}rate +[\d.]+ a second, of the last \d+ frames$/.test(rate), rate);
  assert(/^ {2}interval +p50 .* p99 /.test(interval), interval);
  assert(/^ {2}latency +p50 .* p99 .*\(start of exposure to dequeueing\)$/.test(latency), latency);
  assert(/^ {2}since the start: \d+ frames; camera: 2 lost \(gaps: 1\); errors: 0$/.test(all), all);
  assert(histogram.some((line) => /\d+ +#+$/.test(line)), histogram.join("\n"));
  assertEquals([camera.open, said.text[0].startsWith(`${camera.path}: `)], [0, true]);
});

Deno.test("live: rows are written as ever while somebody looks", async () => {
  using camera = new Camera();
  const csv = Deno.makeTempFileSync();
  try {
    await live(camera, new FakeTerminal(), { csv, seconds: 0.3 });
    const rows = rowsOf(csv);
    assertEquals(
      rows.map(({ sequence }) => Number(sequence)),
      rows.map((_, i) => 2 + i),
    );
    assert(rows.length > 10);
  } finally {
    Deno.removeSync(csv);
  }
});

Deno.test("live: no screen is too narrow or too low", async () => {
  for (const [columns, rows] of [[80, 24], [40, 10], [20, 4], [3, 2], [1, 1]] as const) {
    // A machine that stands still draws but the first one. The getter looks at each line.
    for (let screens = 0, tries = 0; screens < 2; tries++) {
      assert(tries < 50, `${screens} screens in 0.7 s`);
      using camera = new Camera();
      const terminal = new FakeTerminal(columns, rows);
      await live(camera, terminal, { seconds: 0.7 });
      screens = terminal.screens.length;
    }
  }
  // A pseudo-terminal that nobody gave a size.
  using screen = new Screen(new FakeTerminal(0, 0));
  assertEquals(screen.size, { columns: 80, rows: 24 });
});

Deno.test("live: a camera that stands still or goes away leaves the terminal as it was", async () => {
  for (const [says, lose] of [["no frame within 0.3 s", false], ["VIDIOC_DQBUF", true]] as const) {
    using camera = new Camera(lose ? Infinity : 6);
    const terminal = new FakeTerminal();
    const real = libc.ioctl;
    if (lose) {
      libc.ioctl = (fd, request, argument) =>
        camera.frames > 20 && request === v4l2.VIDIOC_DQBUF.request
          ? returned(-EIO)
          : real(fd, request, argument);
    }
    const said = await live(camera, terminal);
    libc.ioctl = real;
    assert(said.failure?.message.includes(says), said.failure?.message);
    assertEquals([terminal.written[0], terminal.written.at(-1)], [ENTER, LEAVE]);
  }
});

Deno.test("live: a signal ends it, and the terminal is as it was", async () => {
  for (const signal of ["SIGHUP", "SIGTERM"] as const) {
    using camera = new Camera();
    const terminal = new FakeTerminal();
    camera.saying = (sequence) => {
      if (sequence === 50) Deno.kill(Deno.pid, signal);
      return {};
    };
    const said = await live(camera, terminal);
    assertEquals([said.failure, terminal.written.at(-1)], [undefined, LEAVE]);
  }
});

Deno.test("live: a terminal that stands still holds no frame up, and is drawn on once it goes on", async () => {
  using camera = new Camera(60);
  const terminal = new FakeTerminal();
  terminal.behind = true;
  const { json } = await live(camera, terminal);
  assertEquals([json.frames, terminal.screens.length], [58, 0]);
  assertEquals(terminal.written, [ENTER, LEAVE]);
});

Deno.test("live: a terminal that is gone is a failure, and rows are kept", async () => {
  using camera = new Camera();
  const terminal = new FakeTerminal();
  const { saying } = camera;
  camera.saying = (sequence) => {
    if (sequence === 20) terminal.left = 0;
    return saying(sequence);
  };
  const csv = Deno.makeTempFileSync();
  try {
    const { failure } = await live(camera, terminal, { csv });
    assert(failure?.message.startsWith("stdout: Input/output error (os error 5), after "));
    assert(rowsOf(csv).length > 0);
  } finally {
    Deno.removeSync(csv);
  }
});

Deno.test("live: Ctrl-Z gives the terminal back for as long as it stands still", () => {
  const real = libc.raise;
  const terminal = new FakeTerminal();
  const stops: string[] = [];
  libc.raise = (signal) => {
    stops.push(`${signal} after ${JSON.stringify(terminal.written.at(-1))}`);
    return 0;
  };
  return new Promise<void>((resolve) => {
    const screen = new Screen(terminal);
    Deno.kill(Deno.pid, "SIGTSTP");
    const wait = setInterval(() => {
      if (stops.length === 0) return;
      clearInterval(wait);
      libc.raise = real;
      screen[Symbol.dispose]();
      assertEquals(stops, [`19 after ${JSON.stringify(LEAVE)}`]);
      assertEquals(terminal.written, [ENTER, LEAVE, ENTER, LEAVE]);
      resolve();
    }, 5);
  });
});

Deno.test("screen: without a terminal there is none", () => {
  const nothing = {
    ...{ isTerminal: () => false, size: () => ({ columns: 0, rows: 0 }) },
    ...{ write() {}, isBehind: () => false, wait() {} },
  };
  assertThrows(() => new Screen(nothing), Error, "stdout is no terminal to draw on");
});

Deno.test("screen: what a driver calls its camera is shown, not obeyed", () => {
  const terminal = new FakeTerminal();
  using screen = new Screen(terminal);
  screen.draw(["a\x1b[2Jb\x07\u009b1m\u{1f600}"]);
  assertEquals(terminal.screens, [["a?[2Jb??1m??"]]);
});

Deno.test("screen: long lines go on in the next one", () => {
  assertEquals(wrapped("  one two three four", 12), ["  one two", "    three", "    four"]);
  assertEquals(wrapped("abcdef", 3), ["abc", "def"]);
  assertEquals(wrapped("abc", 3), ["abc"]);
  assertEquals(wrapped("", 3), [""]);
});

Deno.test("bars: from the least to the 99th percentile, and what is above apart", () => {
  const values = Float64Array.from({ length: 200 }, (_, i) => 1000 + i % 8 * 1000);
  [values[0], values[199]] = [NaN, 1e9];
  const lines = bars(values, 44);
  const counts = lines.map((line) => Number(line.slice(13, 20)));
  assertEquals(counts, [24, 25, 25, 25, 25, 25, 25, 25]);
  assertEquals(lines[0], "      1.00 us     24  " + "#".repeat(22));
  assert(lines.at(-1)!.startsWith("  >=  8.00 us     25  #"), lines.at(-1));
  assertEquals(bars(Float64Array.of(5, 5, NaN), 30), ["         5 ns      2  ########"]);
  assertEquals(bars(Float64Array.of(NaN), 30), []);
  // One slow one of as many alike that their 99th percentile is the least.
  const alike = new Float64Array(150).fill(1000);
  alike[70] = 25e6;
  assertEquals(bars(alike, 30), [
    "      1.00 us    149  ########",
    "  >=  25.0 ms      1  #",
  ]);
});

Deno.test("recent rows: the last ones, of any number that was added", () => {
  const rows = new RecentRows({ frame: new Float64Array(), unknown: new Float64Array() }, 0, 10);
  let next = 0;
  for (const count of [3, 7, 0, 10, 1, 9, 9, 9, 2]) {
    rows.add({ frame: Float64Array.from({ length: 12 }, (_, i) => next + i) }, count);
    next += count;
    const length = Math.min(next, 10);
    const last = Array.from({ length }, (_, i) => next - length + i);
    assertEquals([...rows.numbers("frame")!], last);
  }
  rows.forgetBefore("frame", next - 2);
  assertEquals([rows.length, [...rows.times("frame")!]], [2, [next - 2, next - 1]]);
  assertEquals(rows.numbers("unknown"), undefined);
});

Deno.test("live: figures are of the last ten seconds, and losses of all", () => {
  const figures = new LiveFigures({ driver: "fake" });
  const start = monotonicNs();
  const MS = 1e6;
  /** A frame each `interval` ms, had 5 ms after the start of its exposure. */
  const add = (from: number, count: number, interval: number, sequence: number, flags = 0) => {
    const column = (value: (i: number) => number) =>
      Float64Array.from({ length: count }, (_, i) => value(i));
    const had = (i: number) => start + (from + i * interval) * MS;
    figures.add({
      frame: column((i) => sequence + i),
      enqueue_monotonic_ns: column((i) => had(i) - 100 * MS),
      dequeue_monotonic_ns: column(had),
      v4l2_timestamp_sec: column(() => 0),
      v4l2_timestamp_usec: column(() => 0),
      sequence: column((i) => sequence + i),
      flags: column(() => flags),
    }, count);
  };
  add(0, 100, 20, 0);
  add(12_000, 100, 50, 103, v4l2.V4L2_BUF_FLAG_ERROR);
  const lines = figures.lines(80, start + 17_000 * MS);
  assertEquals(lines.slice(0, 3), [
    "  rate      20.00 a second, of the last 100 frames",
    "  interval  p50 50.0 ms  p99 50.0 ms",
    "  latency   p50  100 ms  p99  100 ms  (queueing to dequeueing; the buffer's time: of a clock that the driver does not name)",
  ]);
  assertEquals(
    lines[3],
    "  since the start: 200 frames; camera: 3 lost (gaps: 1); errors: 100",
  );
  assertEquals(figures.lines(80, start + 60_000 * MS), [
    "  no frame for 43 s",
    lines[3],
  ]);
});

/** A camera that gives fields one after the other once a size is asked for. */
class Interlaced extends Camera {
  constructor() {
    super();
    const set = this.handle(v4l2.VIDIOC_S_FMT, (argument) => {
      set(argument);
      const field = v4l2.V4L2_FIELD_ALTERNATE;
      this.queue(CAPTURE).format.field = field;
      v4l2.v4l2_format.at(argument).field = field;
      return 0;
    });
    this.saying = (number) => ({
      sequence: number >> 1,
      field: number % 2 === 0 ? v4l2.V4L2_FIELD_TOP : v4l2.V4L2_FIELD_BOTTOM,
    });
  }
}

Deno.test("live: that fields alternate is known when the camera is set up, and not before", async () => {
  using camera = new Interlaced();
  const terminal = new FakeTerminal();
  const { saying } = camera;
  camera.saying = (sequence) => {
    sleepUntil(monotonicNs() + 3e6);
    return saying(sequence);
  };
  await live(camera, terminal, { seconds: 1.2, size: [WIDTH, HEIGHT] });
  const all = terminal.screens.at(-1)!.find((line) => line.startsWith("  since the start: "))!;
  assert(/: \d+ fields; camera: 0 lost; errors: 0$/.test(all), all);
});

Deno.test("live: fields that alternate are counted as such, two a frame", () => {
  const figures = new LiveFigures({ driver: "fake" });
  figures.begin(true);
  const start = monotonicNs();
  const column = (value: (i: number) => number) =>
    Float64Array.from({ length: 100 }, (_, i) => value(i < 50 ? i : i + 1));
  figures.add({
    frame: Float64Array.from({ length: 100 }, (_, i) => i),
    enqueue_monotonic_ns: column((i) => start + i * 20e6 - 1e6),
    dequeue_monotonic_ns: column((i) => start + i * 20e6),
    v4l2_timestamp_sec: column(() => 0),
    v4l2_timestamp_usec: column(() => 0),
    sequence: column((i) => i >> 1),
    flags: column(() => 0),
    field: column((i) => i % 2 === 0 ? v4l2.V4L2_FIELD_TOP : v4l2.V4L2_FIELD_BOTTOM),
  }, 100);
  const lines = figures.lines(80, start + 2e9);
  assertEquals(lines[0], "  rate      24.75 a second, of the last 100 fields");
  assertEquals(lines[3], "  since the start: 100 fields; camera: 1 lost (gaps: 1); errors: 0");
});
