import { assert, assertEquals, assertThrows } from "@std/assert";
import type { StopRequest } from "../../lib/cli/stop.ts";
import { openCamera, setUpCamera } from "../../lib/frames/camera.ts";
import { captureFrames } from "../../lib/frames/capture_frames.ts";
import { runFrameLoop } from "../../lib/frames/frame_loop.ts";
import { FrameWaiter } from "../../lib/frames/frame_waiter.ts";
import { type BreakSettings, TraceBreak } from "../../lib/frames/trace_break.ts";
import { EAGAIN, EDQUOT } from "../../lib/sys/errno.ts";
import { O_WRONLY } from "../../lib/sys/file.ts";
import { libc } from "../../lib/sys/libc.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { MmapQueue } from "../../lib/v4l2/queue/queue.ts";
import { returned } from "./fake_ioctl.ts";
import { Camera, CAPTURE, HEIGHT, rowsOf, SIZE, WIDTH } from "./fake_camera.ts";

/** What capture-mmap does, and the rows that it wrote. */
async function capture(
  camera: Camera,
  frames: number,
  stopAt = Infinity,
  breaking: BreakSettings = {},
) {
  const warnings: string[] = [];
  const csv = Deno.makeTempFileSync();
  Deno.writeTextFileSync(csv, "of,an,earlier,run\n");
  const stop = {
    get requested() {
      return camera.frames >= stopAt;
    },
  } as StopRequest;
  try {
    const settings = { size: [WIDTH, HEIGHT], fps: 0, "warm-up": 2, timeout: 0.2, stages: true };
    using device = openCamera(camera.path, "streaming");
    const cameraFormat = setUpCamera(device, settings);
    using queue = new MmapQueue(device, cameraFormat.type, 3);
    const more = [{ name: "pixel", value: (index: number) => queue.mappings[index].bytes[0] }];
    const report = await captureFrames(
      { ...settings, ...breaking, tool: "capture-mmap", queue, cameraFormat, csv, frames, more },
      { quiet: true, stop, warn: (warning) => void warnings.push(warning) },
    );
    return { report, rows: rowsOf(csv), text: Deno.readTextFileSync(csv), warnings };
  } finally {
    Deno.removeSync(csv);
  }
}

Deno.test("capturing: a row a frame, each of its own buffer, those to warm up left out", async () => {
  using camera = new Camera();
  const { report, rows } = await capture(camera, 7);
  assertEquals(report.failure, undefined);
  assertEquals(
    rows.map(({ frame, sequence, pixel, bytesused }) => [frame, sequence, pixel, bytesused]),
    [
      ...Array.from({ length: 7 }, (_, i) => [`${i}`, `${i + 2}`, `${i + 2}`, `${SIZE}`]),
    ],
  );
  assertEquals(rows.map(({ v4l2_timestamp_sec: sec }) => Number(sec)), [2, 3, 4, 5, 6, 7, 8]);
  for (const row of rows) {
    const times = ["enqueue", "dequeue", "requeue", "requeued"].map((name) =>
      BigInt(row[`${name}_monotonic_ns`])
    );
    assert(times.every((time, i) => i === 0 || times[i - 1] <= time), `${times}`);
  }
  assertEquals([camera.open, camera.queue(CAPTURE).buffers], [0, 0]);
});

Deno.test("capturing: an error that poll tells once may be a signal, one that stays is the device's", () => {
  using camera = new Camera();
  using device = openCamera(camera.path, "streaming");
  const waiter = new FrameWaiter({ device, dequeue: () => -EAGAIN }, 10, () => {});
  camera.errors = 1;
  assertEquals(waiter.next(), -EAGAIN);
  assertEquals(waiter.next(), -EAGAIN);
  camera.errors = Infinity;
  assertThrows(
    () => {
      for (let looks = 0; looks < 20; looks++) waiter.next();
    },
    Error,
    `${camera.path}: the device stopped the stream`,
  );
});

Deno.test("capturing: last rows that cannot be written end the run as a failure, figures and all", async () => {
  using camera = new Camera();
  using device = openCamera(camera.path, "streaming");
  const settings = { tool: "t", frames: Infinity, seconds: 0, "warm-up": 0, timeout: 1 };
  const failure = await runFrameLoop({
    ...{ settings, source: { device, dequeue: () => 0 }, statistics: [] },
    log: {
      isFull: false,
      flush() {
        throw new Error("rows.csv: write: No space left on device (ENOSPC)");
      },
      clear() {},
    },
    ...{ take: () => 1, turn: () => 0, settle() {} },
  }, { quiet: true, stop: { requested: false } as StopRequest, warn() {} });
  assertEquals(failure?.message, "rows.csv: write: No space left on device (ENOSPC)");
});

Deno.test("capturing: rows that close(2) says are not there end the run as a failure, figures and all", async () => {
  using camera = new Camera();
  const { open, close } = libc;
  const written = new Map<number, string>();
  libc.open = (path, flags, mode) => {
    const fd = open(path, flags, mode);
    const name = new TextDecoder().decode(path as Uint8Array).replace("\0", "");
    if ((flags & 3) === O_WRONLY) written.set(fd, name);
    return fd;
  };
  let csv = "";
  libc.close = (fd) => {
    close(fd);
    csv ||= written.get(fd) ?? "";
    return written.delete(fd) ? returned(-EDQUOT) : 0;
  };
  try {
    const { report, rows } = await capture(camera, 7);
    assertEquals(report.failure?.message, `${csv}: close: Disk quota exceeded (EDQUOT)`);
    assertEquals([report.json.frames, rows.length], [7, 7]);
  } finally {
    Object.assign(libc, { open, close });
  }
});

Deno.test("capturing: what a buffer says of its clock, its field and its faults is in its row", async () => {
  using camera = new Camera();
  const buffers = [
    [0x2000, v4l2.V4L2_FIELD_NONE, "monotonic,eof,none,0"],
    [0x12040, v4l2.V4L2_FIELD_INTERLACED, "monotonic,soe,interlaced,1"],
    [0x4000, v4l2.V4L2_FIELD_TOP, "copy,eof,top,0"],
    [0, v4l2.V4L2_FIELD_SEQ_TB, "unknown,eof,seq-tb,0"],
    [0x76000, 12, "0x6000,0x70000,12,0"],
  ] as const;
  camera.saying = (sequence) => {
    const [flags, field] = buffers[sequence % buffers.length];
    return { flags, field };
  };
  const { rows, report } = await capture(camera, 5);
  rows.forEach((row) => {
    const [flags, , words] = buffers[Number(row.sequence) % buffers.length];
    const { timestamp_type, timestamp_source, field, error } = row;
    assertEquals([timestamp_type, timestamp_source, field, error].join(), words);
    assertEquals(row.flags, `${flags}`);
  });
  assertEquals([rows.length, report.json.errors], [5, 1]);
});

Deno.test("capturing: a sequence that repeats or is never set is no drop, and nobody says that there was none", async () => {
  for (const [sequence, backwards] of [[() => 0, 5], [(n: number) => n >> 1, 3]] as const) {
    using camera = new Camera();
    camera.saying = (number) => ({ sequence: sequence(number) });
    const { report } = await capture(camera, 6);
    const { dropped, backwards: found, frames } = report.json;
    assertEquals([dropped, found, frames], [0, backwards, 6]);
    const says =
      `dropped: cannot be told (sequence not above the one before: ${backwards} times), 0 with errors`;
    assert(report.text[0].includes(says), report.text[0]);
  }
});

Deno.test("capturing: fields that alternate share a frame's number, and are half a frame each", async () => {
  using camera = new Camera(Infinity, [6, 9, 10, 11]);
  camera.queue(CAPTURE).format.field = v4l2.V4L2_FIELD_ALTERNATE;
  camera.saying = (number) => ({
    sequence: number >> 1,
    field: number % 2 === 0 ? v4l2.V4L2_FIELD_BOTTOM : v4l2.V4L2_FIELD_TOP,
  });
  const { report, rows } = await capture(camera, 12);
  const { frames, dropped, gaps, backwards, field, frames_per_second: rate } = report.json;
  assertEquals([frames, dropped, gaps, backwards, field], [12, 4, 2, 0, "alternate"]);
  const [first, last] = [rows[0], rows[11]].map((row) => Number(row.dequeue_monotonic_ns));
  assertEquals((rate as number * (last - first) / 1e9).toFixed(2), "5.50");
  assert(/: 12 fields of .* frames a second, 4 dropped in 2 gaps/.test(report.text[0]));
});

Deno.test("capturing: frames that the camera left out are counted as dropped", async () => {
  using camera = new Camera(Infinity, [5, 6, 9]);
  const { report } = await capture(camera, 8);
  const { frames, dropped, gaps } = report.json;
  assertEquals([frames, dropped, gaps], [8, 3, 2]);
});

Deno.test("capturing: a camera that stands still is given up, and its frames are kept", async () => {
  using camera = new Camera(6);
  const { report, rows } = await capture(camera, 10);
  assertEquals(
    report.failure?.message,
    `${camera.path}: no frame within 0.2 s, after 4 of 10 frames`,
  );
  assertEquals(rows.length, 4);
});

Deno.test("capturing: where no frame counts, the rows of an earlier run stay", async () => {
  for (const most of [0, 2]) {
    using camera = new Camera(most);
    const { report, text } = await capture(camera, 10);
    assertEquals([report.json.frames, text], [0, "of,an,earlier,run\n"]);
    // Nor is anything said of it that would be a run's.
    const { warm_up_frames, dropped, gaps, errors, frames_per_second } = report.json;
    const none = [warm_up_frames, dropped, gaps, errors, frames_per_second];
    assertEquals(none, Array(5).fill(undefined));
    assertEquals(report.text.map((line) => line.replace(/^.*: /, "")), [
      `0 frames of ${WIDTH}x${HEIGHT} grey, stopped while warming up`,
    ]);
    const why = "no frame within 0.2 s, " +
      (most === 0 ? "while warming up" : "after 0 of 10 frames");
    assertEquals(report.failure?.message, `${camera.path}: ${why}`);
  }
});

Deno.test("capturing: a signal ends it with complete rows", async () => {
  using camera = new Camera();
  const { report, rows } = await capture(camera, Infinity, 20);
  assertEquals(report.failure, undefined);
  assertEquals(rows.map(({ frame }) => frame), Array.from({ length: 18 }, (_, i) => `${i}`));
});

Deno.test("capturing: the first slow frame stops the trace, and is the last one", async () => {
  const trace = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${trace}/tracing_on`, "1");
  try {
    using camera = new Camera();
    // No frame takes less; those to warm up do not count.
    const { report, rows, warnings } = await capture(camera, 9, Infinity, { "break-at": 1, trace });
    assertEquals(report.failure, undefined);
    assertEquals(rows.map(({ sequence }) => sequence), ["2"]);
    assertEquals(Deno.readTextFileSync(`${trace}/tracing_on`), "0");
    assertEquals(warnings.length, 1);
    assert(/^frame 0 took .*: .*\/tracing_on is 0 since$/.test(warnings[0]), warnings[0]);
  } finally {
    Deno.removeSync(trace, { recursive: true });
  }
});

Deno.test("break-at: frames up to it, and those to warm up, leave the trace alone", () => {
  const trace = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${trace}/tracing_on`, "1");
  try {
    using brake = new TraceBreak({ "break-at": 1000, trace });
    assertEquals([brake.look(-1, 5000), brake.look(0, 1000)], [false, false]);
    assertEquals([Deno.readTextFileSync(`${trace}/tracing_on`), brake.words], ["1", undefined]);
    assertEquals(brake.look(1, 1001), true);
    assertEquals(Deno.readTextFileSync(`${trace}/tracing_on`), "0");
  } finally {
    Deno.removeSync(trace, { recursive: true });
  }
  assertThrows(
    () => new TraceBreak({ "break-at": 1000, trace }),
    Error,
    `${trace}/tracing_on: open: No such file or directory (ENOENT) (--break-at needs tracefs, and root)`,
  );
  assertThrows(() => new TraceBreak({ trace }), Error, "--trace is for --break-at");
});
