/**
 * Frames from a capture device into the program's own memory.
 *
 * @module
 */
import { ThreadUsage } from "../sys/thread.ts";
import { isMultiPlanar } from "../v4l2/format.ts";
import { MplaneUserptrQueue } from "../v4l2/queue/mplane_queue.ts";
import { type Queue, UserptrQueue } from "../v4l2/queue/queue.ts";
import { openCamera, setUpCamera } from "./camera.ts";
import { type BufferSettings, captureFrames, stampColumn } from "./capture_frames.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** Fresh memory for each VIDIOC_QBUF, or the same again. */
export const MEMORY_MODES = ["reset", "noreset"] as const;

/** What the command line says. */
export interface UserptrCapture extends BufferSettings {
  readonly mode: typeof MEMORY_MODES[number];
}

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

/** Captures and records, with the page faults of each VIDIOC_QBUF. */
export async function captureUserptr(
  values: UserptrCapture,
  session: ToolSession,
): Promise<Report> {
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
    queue,
    cameraFormat,
    enqueue: (index) => counter.enqueue(index),
    more: [
      { name: "minor_faults_delta", value: (index) => counter.faults[index] },
      ...stampColumn(values.stamp, (index) => first(index).bytes),
    ],
    refill: mode === "reset" ? (index) => queue.remap(index) : undefined,
  }, session);
}
