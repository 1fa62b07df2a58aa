/**
 * The way of a fixture: one copy into dma-heap buffers, then as DMABUF through the filter into
 * CAPTURE buffers that the driver allocated.
 *
 * @module
 */
import type { Dmabuf } from "../dmabuf/dma_buf.ts";
import { allocateFromHeap } from "../dmabuf/dma_heap.ts";
import type { GreyImage } from "../image/image.ts";
import { DeviceError, type VideoDevice } from "../v4l2/device.ts";
import { DmabufQueue, MmapQueue } from "../v4l2/queue/queue.ts";
import {
  V4L2_BUF_FLAG_ERROR,
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
} from "../uapi/videodev2.ts";
import { type FilterControls, openFilter, setFilterControls, setFilterSize } from "./filter.ts";

/** Where a fixture goes and what is done to it. */
export interface FixtureRoute {
  /** The filter's video node. */
  readonly device: string;
  readonly heap: string;
  readonly image: GreyImage;
  readonly controls: FilterControls;
  /** Buffers on each queue. */
  readonly buffers: number;
}

/** Both queues streaming, every OUTPUT buffer filled, every CAPTURE buffer with the driver. */
export class FixturePath implements Disposable {
  readonly device: VideoDevice;
  readonly output: DmabufQueue;
  readonly capture: MmapQueue;
  readonly image: GreyImage;
  readonly #resources = new DisposableStack();

  /** @throws {SysError | DeviceError} naming what failed; nothing is left behind */
  constructor({ device: path, heap, image, controls, buffers }: FixtureRoute) {
    const resources = this.#resources;
    this.image = image;
    try {
      this.device = resources.use(openFilter(path));
      const size = setFilterSize(this.device, image.width, image.height);
      setFilterControls(this.device, controls);
      const sources: Dmabuf[] = [];
      for (let i = 0; i < buffers; i++) {
        sources.push(resources.use(allocateFromHeap(heap, size)));
        sources[i].write(image.pixels);
      }
      this.output = resources.use(
        new DmabufQueue(this.device, V4L2_BUF_TYPE_VIDEO_OUTPUT, sources),
      );
      this.capture = resources.use(
        new MmapQueue(this.device, V4L2_BUF_TYPE_VIDEO_CAPTURE, buffers),
      );
      for (const { index } of this.capture.buffers) this.capture.enqueue(index);
      this.capture.streamOn();
      this.output.streamOn();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Size of a frame in bytes. */
  get size(): number {
    return this.image.pixels.length;
  }

  /**
   * Checks that the CAPTURE buffer just dequeued holds a whole frame.
   *
   * @throws {DeviceError} where the driver flagged or shortened it
   */
  checkDequeued(): void {
    const { flags, bytesused } = this.capture.dequeued;
    if (flags & V4L2_BUF_FLAG_ERROR) {
      throw new DeviceError(this.device.path, "the filter returned the frame with an error");
    }
    if (bytesused !== this.size) {
      throw new DeviceError(
        this.device.path,
        `the filter returned ${bytesused} of ${this.size} bytes`,
      );
    }
  }

  /** The frame in CAPTURE buffer `index`, in place: the buffer's until it is queued again. */
  frame(index: number): GreyImage {
    const { width, height } = this.image;
    return { width, height, pixels: this.capture.mappings[index].bytes.subarray(0, this.size) };
  }

  close(): void {
    this.#resources.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
