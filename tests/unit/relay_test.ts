import { assertEquals } from "@std/assert";
import type { StopRequest } from "../../lib/cli/stop.ts";
import { openSink } from "../../lib/frames/frame_sink.ts";
import { relayFrames } from "../../lib/frames/relay_frames.ts";
import { EAGAIN } from "../../lib/sys/errno.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { VPIPE_ALGO_NONE, VPIPE_CID_SRC_SEQUENCE } from "../../lib/uapi/vpipe.ts";
import { TRANSPORTS } from "../../lib/vpipe/camera_path.ts";
import { VideoDevice } from "../../lib/v4l2/device.ts";
import { Camera, CAPTURE, HEIGHT, rowsOf, SIZE, WIDTH } from "./fake_camera.ts";
import { FakeNode, FakeQueue } from "./fake_node.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;

/** A filter that only counts, and keeps what it was given and told. */
class Filter extends FakeNode {
  readonly frames: { readonly pixel: number; readonly sequence: number | undefined }[] = [];

  /** @param broken number of a frame that comes back with the error flag */
  constructor(readonly broken = NaN) {
    const queues = [OUTPUT, CAPTURE].map((type) =>
      new FakeQueue(type, {
        ...{ width: WIDTH, height: HEIGHT, pixelformat: v4l2.V4L2_PIX_FMT_GREY },
        planes: [{ bytesperline: WIDTH, sizeimage: SIZE }],
      })
    );
    super(v4l2.V4L2_CAP_VIDEO_M2M, queues, "/dev/fake-filter", "vpipe");
  }

  protected override work(): void {
    const [output, capture] = this.queues;
    if (!output.streaming || output.queued.length === 0 || capture.queued.length === 0) return;
    const from = output.queued.shift()!;
    const { index } = capture.queued.shift()!;
    const sequence = this.frames.length;
    const [pixel] = this.bytes(output, from.index);
    this.frames.push({ pixel, sequence: this.controls.get(VPIPE_CID_SRC_SEQUENCE) });
    const flags = sequence === this.broken ? v4l2.V4L2_BUF_FLAG_ERROR : 0;
    capture.done.push({ index, bytesused: [SIZE], sequence, flags });
    output.done.push({ index: from.index, bytesused: from.bytesused });
  }
}

/** What capture-m2m does, and the rows that it wrote. */
async function relay(camera: Camera, filter: Filter, transport: typeof TRANSPORTS[number]) {
  const csv = Deno.makeTempFileSync();
  const stop = { requested: false } as StopRequest;
  try {
    const report = await relayFrames({
      ...{ tool: "capture-m2m", source: camera.path, filter: filter.path, csv, frames: 6 },
      ...{ size: [WIDTH, HEIGHT], fps: 0, "warm-up": 1, timeout: 0.2, stages: true, buffers: 3 },
      ...{ transport, algorithm: VPIPE_ALGO_NONE, threshold: 0, details: {} },
      columns: {
        camera: [String, (frame) => frame.cameraSequence],
        filter: [String, (frame) => frame.filterSequence],
        dmabuf: [String, (frame) => frame.dmabuf],
      },
    }, { quiet: true, stop, warn() {} });
    return { report, rows: rowsOf(csv) };
  } finally {
    Deno.removeSync(csv);
  }
}

for (const transport of TRANSPORTS) {
  Deno.test(`relaying by ${transport}: each frame under the camera's number, all let go`, async () => {
    using camera = new Camera();
    using filter = new Filter();
    const { report, rows } = await relay(camera, filter, transport);
    assertEquals(report.failure, undefined);
    assertEquals(rows.map((row) => [row.camera, row.filter]), [
      ...[1, 2, 3, 4, 5, 6].map((number) => [`${number}`, `${number}`]),
    ]);
    assertEquals(filter.frames.map(({ sequence }) => sequence), [0, 1, 2, 3, 4, 5, 6]);
    if (transport === "mmap") {
      assertEquals(filter.frames.map(({ pixel }) => pixel), [0, 1, 2, 3, 4, 5, 6]);
    }
    // One for each of the camera's buffers, or none.
    assertEquals(new Set(rows.map(({ dmabuf }) => dmabuf)).size, transport === "mmap" ? 1 : 3);
    assertEquals([camera.open, filter.open], [0, 0]);
  });
}

Deno.test("relaying: a frame that the filter could not do ends it, and those before are kept", async () => {
  using camera = new Camera();
  using filter = new Filter(4);
  const { report, rows } = await relay(camera, filter, "mmap");
  const message = `${filter.path}: the filter returned the frame with an error`;
  assertEquals(report.failure?.message, `${message}, after 3 of 6 frames`);
  assertEquals(rows.map(({ filter }) => filter), ["1", "2", "3"]);
});

Deno.test("a sink hands out its buffers, then those that came back", () => {
  for (const io of ["mmap", "userptr"] as const) {
    using filter = new Filter(1);
    using device = VideoDevice.open(filter.path, v4l2.V4L2_CAP_VIDEO_M2M, "device");
    using sink = openSink(device, io, { buffers: 2, size: SIZE, heap: "" });
    const output = filter.queue(OUTPUT);
    assertEquals([sink.acquire(), sink.acquire(), sink.acquire()], [0, 1, -EAGAIN]);
    for (const index of [1, 0]) sink.submit(index, SIZE);
    assertEquals(output.queued.map(({ index }) => index), [1, 0]);
    output.done.push({ index: 1, bytesused: [SIZE], sequence: 0 });
    assertEquals([sink.acquire(), sink.errors, sink.misnumbered], [1, 0, 0]);
    // The device's number of it is another one, and it is broken.
    const flags = v4l2.V4L2_BUF_FLAG_ERROR;
    output.done.push({ index: 0, bytesused: [SIZE], sequence: 7, flags });
    assertEquals([sink.acquire(), sink.errors, sink.misnumbered], [0, 1, 1]);
  }
});
