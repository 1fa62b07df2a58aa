/**
 * capture-userptr: frames from a capture device into the program's own memory.
 *
 * @module
 */
import { CAPTURE_OPTIONS, openCamera, setUpCamera } from "../lib/frames/camera.ts";
import { captureFrames, stampColumn } from "../lib/frames/capture_frames.ts";
import { BUFFERS, CSV, FRAMES } from "../lib/cli/shared_options.ts";
import { choice, path } from "../lib/cli/parameters.ts";
import { schedule } from "../lib/cli/scheduling.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { ThreadUsage } from "../lib/sys/thread.ts";
import type { VideoDevice } from "../lib/v4l2/device.ts";
import { UserptrQueue } from "../lib/v4l2/queue/queue.ts";
import { V4L2_BUF_TYPE_VIDEO_CAPTURE } from "../lib/uapi/videodev2.ts";

/** Counts the page faults of each queueing: what pinning the memory costs. */
class CountingQueue extends UserptrQueue {
  readonly #usage = new ThreadUsage();
  /** Minor faults in the last VIDIOC_QBUF of each buffer. */
  readonly faults: Float64Array;

  constructor(device: VideoDevice, count: number, size: number) {
    super(device, V4L2_BUF_TYPE_VIDEO_CAPTURE, count, size);
    this.faults = new Float64Array(this.buffers.length);
  }

  override enqueue(index: number): void {
    const before = this.#usage.minorFaults();
    super.enqueue(index);
    this.faults[index] = this.#usage.minorFaults() - before;
  }

  override streamOn(): void {
    // The first queueing pins memory in either mode and is no frame's cost.
    this.faults.fill(0);
    super.streamOn();
  }
}

export const tool = declareTool({
  name: "capture-userptr",
  summary: "Captures frames from a V4L2 device by USERPTR and writes one CSV row a frame, " +
    "with the page faults of its VIDIOC_QBUF.",
  positionals: {
    device: path("DEV", "capture device, such as /dev/video0"),
    csv: CSV,
    frames: FRAMES,
    mode: {
      ...choice("MODE", "reset: fresh memory for each VIDIOC_QBUF; noreset: the same again", [
        "reset",
        "noreset",
      ]),
      fallback: "reset" as const,
    },
  },
  options: { ...CAPTURE_OPTIONS, buffers: BUFFERS },
  async run(values, session) {
    schedule(values);
    const { device: path, buffers, mode } = values;
    using device = openCamera(path, "streaming");
    const { sizeimage } = setUpCamera(device, values);
    using queue = new CountingQueue(device, buffers, sizeimage);
    return await captureFrames({
      ...values,
      tool: "capture-userptr",
      queue,
      more: [
        { name: "minor_faults_delta", value: (index) => queue.faults[index] },
        ...stampColumn(values.stamp, (index) => queue.mappings[index].bytes),
      ],
      refill: mode === "reset" ? (index) => queue.remap(index) : undefined,
    }, session);
  },
});

if (import.meta.main) await main(tool);
