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
import { isMultiPlanar } from "../lib/v4l2/format.ts";
import { MplaneUserptrQueue } from "../lib/v4l2/queue/mplane_queue.ts";
import { type Queue, UserptrQueue } from "../lib/v4l2/queue/queue.ts";

/** Counts the page faults of each queueing: what pinning the memory costs. */
class FaultCounter {
  readonly #usage = new ThreadUsage();
  readonly #queue: Queue;
  /** Which buffers were queued before: the first queueing pins memory in either mode and is no frame's cost. */
  readonly #queued: Uint8Array;
  /** Minor faults in the last VIDIOC_QBUF of each buffer. */
  readonly faults: Float64Array;

  constructor(queue: Queue) {
    this.#queue = queue;
    this.#queued = new Uint8Array(queue.buffers.length);
    this.faults = new Float64Array(queue.buffers.length);
  }

  enqueue(index: number): void {
    const before = this.#usage.minorFaults();
    this.#queue.enqueue(index);
    const faults = this.#usage.minorFaults() - before;
    this.faults[index] = this.#queued[index] * faults;
    this.#queued[index] = 1;
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
    const cameraFormat = setUpCamera(device, values);
    const { type, planes, sizeimage } = cameraFormat;
    using queue = isMultiPlanar(type)
      ? new MplaneUserptrQueue(device, type, buffers, planes.map(({ sizeimage }) => sizeimage))
      : new UserptrQueue(device, type, buffers, sizeimage);
    const { mappings } = queue;
    const counter = new FaultCounter(queue);
    const first = (index: number) => {
      const memory = mappings[index];
      return "bytes" in memory ? memory : memory[0];
    };
    return await captureFrames({
      ...values,
      tool: "capture-userptr",
      queue,
      cameraFormat,
      enqueue: (index) => counter.enqueue(index),
      more: [
        { name: "minor_faults_delta", value: (index) => counter.faults[index] },
        ...stampColumn(values.stamp, (index) => first(index).bytes),
      ],
      refill: mode === "reset" ? (index) => queue.remap(index) : undefined,
    }, session);
  },
});

if (import.meta.main) await main(tool);
