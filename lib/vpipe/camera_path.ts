/**
 * The way of a camera's frame: from the camera's buffers into the filter's OUTPUT queue, as DMABUF
 * or copied into MMAP buffers, and out of CAPTURE buffers that the filter allocated.
 *
 * @module
 */
import { counted } from "../measure/format.ts";
import { DeviceError, type VideoDevice } from "../v4l2/device.ts";
import type { Format } from "../v4l2/format.ts";
import type { Mapping } from "../sys/mmap.ts";
import { mmapQueue } from "../v4l2/queue/mplane_queue.ts";
import { DmabufQueue, MmapQueue, type Queue } from "../v4l2/queue/queue.ts";
import { V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_BUF_TYPE_VIDEO_OUTPUT } from "../uapi/videodev2.ts";
import { WHOLE_FRAME } from "../image/threshold.ts";
import { openFilter, setFilterControls, setFilterSize } from "./filter.ts";
import { VPIPE_CID_SRC_SEQUENCE } from "../uapi/vpipe.ts";

/** How a frame gets from the camera's buffer into the filter's. */
export const TRANSPORTS = ["dmabuf", "mmap"] as const;

/** From which camera through which filter, and what is done on the way. */
export interface CameraRoute {
  /** An open camera with its format set. */
  readonly camera: VideoDevice;
  readonly format: Format & { readonly type: number };
  /** The filter's video node. */
  readonly filter: string;
  readonly transport: typeof TRANSPORTS[number];
  /** VPIPE_ALGO_* */
  readonly algorithm: number;
  /** 0..255 */
  readonly threshold: number;
  /** Buffers on each queue. */
  readonly buffers: number;
}

/** All three queues streaming; camera and CAPTURE buffers are with their drivers. */
export class CameraPath implements Disposable {
  readonly filter: VideoDevice;
  readonly camera: Queue;
  /** The camera buffers' memory by index. */
  readonly memory: readonly Mapping[];
  readonly output: Queue;
  readonly capture: MmapQueue;
  /** The camera buffers' dma-buf descriptors by index; empty with MMAP. */
  readonly dmabufs: readonly number[];
  readonly #copyTo: MmapQueue | undefined;
  readonly #sequence: { set(value: number): void };
  readonly #resources = new DisposableStack();

  /** @throws {SysError | DeviceError} naming what failed; nothing is left behind */
  constructor(
    { camera, format, filter, transport, algorithm, threshold, buffers }: CameraRoute,
  ) {
    const resources = this.#resources;
    const output = V4L2_BUF_TYPE_VIDEO_OUTPUT;
    const capture = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    try {
      this.filter = resources.use(openFilter(filter));
      const size = setFilterSize(this.filter, format.width, format.height);
      if (format.sizeimage < size) {
        throw new DeviceError(
          camera.path,
          `dma-buf of ${format.sizeimage} bytes is too small for a frame of ${size} bytes`,
        );
      }
      setFilterControls(this.filter, { sequence: 0, algorithm, threshold, roi: WHOLE_FRAME });
      this.#sequence = this.filter.control(VPIPE_CID_SRC_SEQUENCE);
      const source = mmapQueue(camera, format, buffers);
      this.camera = resources.use(source.queue);
      this.memory = source.planes.map(([first]) => first);
      // A frame is queued under the number of the camera's buffer: there is one for each.
      const count = this.camera.buffers.length;
      if (transport === "dmabuf") {
        const exported = source.export().map(([first]) => first);
        for (const { file } of exported) resources.use(file);
        this.dmabufs = exported.map(({ fd }) => fd);
        this.output = resources.use(new DmabufQueue(this.filter, output, exported));
      } else {
        this.dmabufs = [];
        this.#copyTo = resources.use(new MmapQueue(this.filter, output, count));
        this.output = this.#copyTo;
      }
      if (this.output.buffers.length < count) {
        throw new DeviceError(
          filter,
          `gives ${counted(this.output.buffers.length, "OUTPUT buffer")}, the camera has ${count}`,
        );
      }
      this.capture = resources.use(new MmapQueue(this.filter, capture, buffers));
      for (const { index } of this.capture.buffers) this.capture.enqueue(index);
      for (const { index } of this.camera.buffers) this.camera.enqueue(index);
      this.capture.streamOn();
      this.output.streamOn();
      this.camera.streamOn();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Sets the source sequence that the next OUTPUT buffer carries into the metadata. */
  prepare(sequence: number): void {
    // The control is an int, a V4L2 sequence an unsigned one.
    this.#sequence.set(sequence & 0x7fff_ffff);
  }

  /**
   * With the MMAP transport: copies the camera's buffer `index` into OUTPUT buffer `index`.
   *
   * @returns whether there was something to copy
   */
  copy(index: number, bytesused: number): boolean {
    if (this.#copyTo === undefined) return false;
    const from = this.memory[index].bytes;
    this.#copyTo.mappings[index].bytes.set(
      bytesused === from.length ? from : from.subarray(0, bytesused),
    );
    return true;
  }

  close(): void {
    this.#resources.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
