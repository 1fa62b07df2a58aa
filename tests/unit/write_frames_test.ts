import { assert, assertEquals } from "@std/assert";
import { readFile } from "../../lib/files/files.ts";
import type { FrameInput } from "../../lib/frames/frame_input.ts";
import type { FrameSink } from "../../lib/frames/frame_sink.ts";
import type { StopRequest } from "../../lib/cli/stop.ts";
import { writeFrames, type Writing } from "../../lib/frames/write_frames.ts";
import { GREY } from "../../lib/image/pixel_format.ts";
import { monotonicNs, sleepUntil } from "../../lib/sys/clock.ts";
import { EAGAIN } from "../../lib/sys/errno.ts";
import { File, IoBuffer, O_RDWR } from "../../lib/sys/file.ts";
import type { VideoDevice } from "../../lib/v4l2/device.ts";

const SIZE = 8;

/** An input of `count` frames; `before` may hold one up. */
class Frames implements FrameInput {
  readonly format = GREY;
  readonly width = 4;
  readonly height = 2;
  next = 0;
  rewinds = 0;
  constructor(readonly count: number, readonly before: (frame: number) => void = () => {}) {}

  fill({ bytes }: IoBuffer): number {
    if (this.next === this.count) return 0;
    this.before(this.next);
    bytes.fill(100 + this.next++);
    return SIZE;
  }

  rewind(): void {
    this.next = 0;
    this.rewinds++;
  }

  [Symbol.dispose](): void {}
}

/** Two buffers; keeps what it is handed. `refuse` says how often a frame is not taken at once. */
class Sink implements FrameSink {
  readonly buffers = [0, 1].map(() => new IoBuffer(new Uint8Array(SIZE)));
  readonly errors = 0;
  readonly misnumbered = 0;
  readonly taken: number[][] = [];
  #refused = 0;
  #next = 0;
  constructor(readonly refuse = 0) {}

  acquire(): number {
    return this.#next++ % 2;
  }

  begin(): void {}

  end(): void {}

  submit(index: number, size: number): number {
    if (this.#refused++ < this.refuse) return -EAGAIN;
    this.#refused = 0;
    this.taken.push([...this.buffers[index].bytes.subarray(0, size)]);
    return 0;
  }

  [Symbol.dispose](): void {}
}

/** Writes, and gives back the rows of the CSV with it. */
async function write(changes: Partial<Writing> & { input: Frames; sink: Sink }, stopAfter = NaN) {
  const csv = Deno.makeTempFileSync();
  // Always ready for writing.
  using file = File.open("/dev/null", O_RDWR);
  const stop = {
    get requested() {
      return changes.sink.taken.length >= stopAfter;
    },
  } as StopRequest;
  try {
    const report = await writeFrames({
      ...{ tool: "loop-write", device: file as unknown as VideoDevice, name: "input", io: "mmap" },
      ...{ interval: undefined, csv, frames: Infinity, loop: false, stamp: false, "warm-up": 0 },
      ...{ timeout: 10, stages: false },
      ...changes,
    }, { quiet: true, stop, warn() {} });
    const [header, ...lines] = new TextDecoder().decode(readFile(csv)).trimEnd().split("\n");
    const names = header.split(",");
    const rows = lines.map((line) =>
      Object.fromEntries(line.split(",").map((value, i) => [names[i], value]))
    );
    return { report, rows };
  } finally {
    Deno.removeSync(csv);
  }
}

const MS = 1e6;

Deno.test("writing: frames are due by the clock, whatever held one up", async () => {
  const input = new Frames(8, (frame) => {
    if (frame === 2) sleepUntil(monotonicNs() + 70 * MS);
  });
  const sink = new Sink();
  const interval = { numerator: 1, denominator: 50 };
  const begin = monotonicNs();
  const { report, rows } = await write({ input, sink, interval });
  const end = monotonicNs();
  assertEquals(report.failure, undefined);
  assertEquals(rows.map(({ frame, sequence }) => [frame, sequence]), [
    ...Array.from({ length: 8 }, (_, i) => [String(i), String(i)]),
  ]);
  const start = BigInt(rows[0].due_monotonic_ns);
  rows.forEach((row, i) => {
    assertEquals(BigInt(row.due_monotonic_ns) - start, BigInt(i) * 20_000_000n);
    const steps = ["fill", "submit", "submitted"].map((name) =>
      BigInt(row[`${name}_monotonic_ns`])
    );
    assert(steps[0] <= steps[1] && steps[1] <= steps[2], `row ${i}: ${steps}`);
    assert(steps[1] >= BigInt(row.due_monotonic_ns), `frame ${i} is early`);
  });
  const late = rows.map((row) =>
    Number(BigInt(row.submit_monotonic_ns) - BigInt(row.due_monotonic_ns))
  );
  assert(late[2] > 40 * MS && late[3] > 20 * MS, `frames 2 and 3 are late by ${late.slice(2, 4)}`);
  // The last frame has its time as well.
  assert(end - begin >= 8 * 20 * MS, `it took ${end - begin} ns`);
});

Deno.test("writing: waiting for a pipe is no filling", async () => {
  let waited = 0;
  class Slow extends Frames {
    get waited(): number {
      return waited;
    }
  }
  const input = new Slow(4, (frame) => {
    if (frame !== 2) return;
    const since = monotonicNs();
    sleepUntil(since + 50 * MS);
    waited += monotonicNs() - since;
  });
  const { report, rows } = await write({ input, sink: new Sink(), stages: true });
  const spans = rows.map((row) => {
    const [fill, had, filled] = ["fill", "input", "filled"]
      .map((name) => BigInt(row[`${name}_monotonic_ns`]));
    return [Number(had - fill), Number(filled - had)];
  });
  assertEquals(spans.map(([wait]) => wait), [0, 0, waited, 0]);
  assert(spans.every(([, filling]) => 0 <= filling && filling < 40 * MS), `${spans}`);
  const { input_wait_ns: waits, fill_ns: fills } = report.json as Record<string, { max: number }>;
  assertEquals([waits.max, fills.max], [waited, Math.max(...spans.map(([, filling]) => filling))]);
  assert(report.text.some((line) => line.startsWith("  waiting for the input")));
  const { text, json } = (await write({ input: new Frames(2), sink: new Sink() })).report;
  assertEquals([json.input_wait_ns, text.length], [undefined, 3]);
});

Deno.test("writing: numbers in the pixels are the sequence, those to warm up among them", async () => {
  const [input, sink] = [new Frames(3), new Sink()];
  const { rows } = await write({ input, sink, frames: 5, "warm-up": 2, loop: true, stamp: true });
  assertEquals(sink.taken.map(([low, b, c, d, pixel]) => [low, b, c, d, pixel]), [
    ...[[0, 0, 0, 0, 100], [1, 0, 0, 0, 101], [2, 0, 0, 0, 102], [3, 0, 0, 0, 100]],
    ...[[4, 0, 0, 0, 101], [5, 0, 0, 0, 102], [6, 0, 0, 0, 100]],
  ]);
  assertEquals(rows.map(({ frame, sequence }) => [frame, sequence]), [
    ...[["0", "2"], ["1", "3"], ["2", "4"], ["3", "5"], ["4", "6"]],
  ]);
  assertEquals(input.rewinds, 2);
});

Deno.test("writing: a frame that the device does not take yet is neither lost nor doubled", async () => {
  const [input, sink] = [new Frames(4), new Sink(2)];
  const { rows } = await write({ input, sink });
  assertEquals(sink.taken.map(([pixel]) => pixel), [100, 101, 102, 103]);
  assertEquals(rows.length, 4);
});

Deno.test("writing: a device that takes nothing is given up", async () => {
  const [input, sink] = [new Frames(4), new Sink(Infinity)];
  const { report } = await write({ input, sink, timeout: 0.2 });
  assertEquals(
    report.failure?.message,
    "/dev/null: no free buffer within 0.2 s, after 0 frames",
  );
});

Deno.test("writing: a signal ends it with complete rows", async () => {
  const [input, sink] = [new Frames(1000), new Sink()];
  const interval = { numerator: 1, denominator: 200 };
  const { report, rows } = await write({ input, sink, interval }, 30);
  assertEquals(report.failure, undefined);
  assertEquals(rows.length, sink.taken.length);
  assert(rows.length >= 30 && rows.length < 1000);
});

Deno.test("writing: an input that breaks keeps what it gave", async () => {
  const sink = new Sink();
  const input = new Frames(9, (frame) => {
    if (frame === 3) throw new Error("input: broken");
  });
  const { report, rows } = await write({ input, sink, frames: 5 });
  assertEquals(report.failure?.message, "input: broken, after 3 of 5 frames");
  assertEquals(rows.length, 3);
  const before = { "warm-up": 4, interval: { numerator: 1001, denominator: 30_000 } };
  const warming = await write({ input: new Frames(3), sink: new Sink(), ...before });
  const { warm_up_frames, errors, frames_per_second } = warming.report.json;
  assertEquals([warm_up_frames, errors, frames_per_second], [undefined, undefined, undefined]);
  const [line] = warming.report.text;
  assert(line.endsWith("by mmap (29.97 asked for), stopped while warming up"), line);
  const empty = await write({ input: new Frames(0), sink: new Sink(), loop: true });
  assertEquals(empty.report.failure?.message, "input: holds no frame, after 0 frames");
});
