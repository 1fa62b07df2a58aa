/**
 * Queues whose buffers have one or more planes, each with memory of its own.
 *
 * @module
 */
import { addressOf } from "../../sys/libc.ts";
import { Mapping } from "../../sys/mmap.ts";
import type { View } from "../../uapi/struct.ts";
import type { VideoDevice } from "../device.ts";
import { type Exported, exportPlane, mapBuffers } from "./buffer_memory.ts";
import type { Format } from "../format.ts";
import { isMultiPlanar } from "../format.ts";
import { type Buffer, MmapQueue, Queue } from "./queue.ts";
import * as v4l2 from "../../uapi/videodev2.ts";

/** One `struct v4l2_plane`. */
export type Plane = View<typeof v4l2.v4l2_plane.fields>;

/** Gives a buffer descriptor its array of planes; the pointer to it is made here, once. */
function attachPlanes(buffer: Buffer, count: number): Plane[] {
  const { size } = v4l2.v4l2_plane;
  // The views keep the memory alive.
  const array = new Uint8Array(size * count);
  buffer.planes = addressOf(array);
  buffer.length = count;
  return Array.from({ length: count }, (_, i) => v4l2.v4l2_plane.at(array, i * size));
}

/** What the multi-planar queues of all memory kinds have in common. */
export abstract class MplaneQueue extends Queue {
  /** The planes of each buffer, by its index, ready for VIDIOC_QBUF. */
  readonly planes: readonly (readonly Plane[])[];
  /** The planes of the buffer in `dequeued`. */
  readonly dequeuedPlanes: readonly Plane[];

  /**
   * As that of `Queue`.
   *
   * @param planes of a buffer, from its format
   */
  protected constructor(
    device: VideoDevice,
    type: number,
    memory: number,
    count: number,
    planes: number,
  ) {
    super(device, type, memory, count);
    this.planes = this.buffers.map((buffer) => attachPlanes(buffer, planes));
    this.dequeuedPlanes = attachPlanes(this.dequeued, planes);
  }

  /** Of all planes. */
  override get payload(): number {
    let bytes = 0;
    for (let i = 0; i < this.dequeuedPlanes.length; i++) bytes += this.dequeuedPlanes[i].bytesused;
    return bytes;
  }

  /**
   * Hands buffer `index` to the driver.
   *
   * @param bytesused payload in bytes, of the first plane of an OUTPUT buffer
   * @throws {SysError} as VIDIOC_QBUF
   */
  override enqueue(index: number, bytesused = 0): void {
    this.planes[index][0].bytesused = bytesused;
    super.enqueue(index);
  }
}

/** A multi-planar queue whose buffers the driver allocates and the program maps. */
export class MplaneMmapQueue extends MplaneQueue {
  /** The planes' memory, by buffer and plane. */
  readonly mappings: readonly (readonly Mapping[])[];

  /**
   * Allocates and maps the buffers, for reading and writing.
   *
   * @param type V4L2_BUF_TYPE_*_MPLANE
   * @param count buffers wanted; the driver may give more or fewer
   * @param planes of a buffer, from its format
   * @throws {SysError} as VIDIOC_REQBUFS, or mmap(2); nothing is left allocated
   */
  constructor(device: VideoDevice, type: number, count: number, planes: number) {
    super(device, type, v4l2.V4L2_MEMORY_MMAP, count, planes);
    const planesOf = ({ index }: Buffer) =>
      this.planes[index].map(({ length, mem_offset: offset }) => ({ length, offset }));
    try {
      this.mappings = mapBuffers(device, this.buffers, Mapping.shared, planesOf);
    } catch (error) {
      super.close();
      throw error;
    }
  }

  /**
   * Exports every plane as a dma-buf (VIDIOC_EXPBUF).
   *
   * @returns by buffer and plane; the caller closes them
   * @throws {SysError} ENOTTY where the driver cannot
   */
  export(): Exported[][] {
    const { device, type } = this;
    // A process that maps it writes to it.
    return this.planes.map((planes, index) =>
      planes.map(({ length }, plane) => exportPlane(device, { type, index, plane }, length))
    );
  }

  /** Unmaps the buffers, stops the stream and frees them. A device that is gone is no error. */
  override close(): void {
    // The kernel keeps the memory of a buffer for as long as it is mapped.
    for (const mapping of this.mappings.flat()) mapping.close();
    super.close();
  }
}

/** A queue of buffers that the driver allocates, with one plane or several. */
export interface MappedQueue {
  /** The queue, which its owner closes. */
  readonly queue: Queue;
  /** The planes' memory, by buffer and plane. */
  readonly planes: readonly (readonly Mapping[])[];
  /** Exports every plane as a dma-buf, by buffer and plane; the caller closes them. */
  export(): Exported[][];
}

/**
 * A queue of the driver's own buffers for frames of a format, single- or multi-planar.
 *
 * @param format with the queue's V4L2_BUF_TYPE_*
 * @param count buffers wanted; the driver may give more or fewer
 * @throws {SysError} as VIDIOC_REQBUFS, or mmap(2); nothing is left allocated
 */
export function mmapQueue(
  device: VideoDevice,
  { type, planes }: Pick<Format, "planes"> & { readonly type: number },
  count: number,
): MappedQueue {
  if (isMultiPlanar(type)) {
    const queue = new MplaneMmapQueue(device, type, count, planes.length);
    return { queue, planes: queue.mappings, export: () => queue.export() };
  }
  const queue = new MmapQueue(device, type, count);
  return {
    queue,
    planes: queue.mappings.map((mapping) => [mapping]),
    export: () => queue.export().map((exported) => [exported]),
  };
}

/** A multi-planar queue whose buffers are the program's own memory. */
export class MplaneUserptrQueue extends MplaneQueue {
  /** The planes' memory, by buffer and plane. */
  readonly mappings: Mapping[][] = [];
  readonly #sizes: readonly number[];

  /**
   * Gives each plane anonymous memory; the driver looks at it in `enqueue`.
   *
   * @param type V4L2_BUF_TYPE_*_MPLANE
   * @param count buffers wanted; the driver may give more or fewer
   * @param sizes of the planes of a frame in bytes
   * @throws {SysError} as VIDIOC_REQBUFS, or ENOMEM; nothing is left allocated
   */
  constructor(device: VideoDevice, type: number, count: number, sizes: readonly number[]) {
    super(device, type, v4l2.V4L2_MEMORY_USERPTR, count, sizes.length);
    this.#sizes = sizes;
    try {
      for (const { index } of this.buffers) {
        this.mappings[index] = [];
        this.remap(index);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Gives the planes of buffer `index` memory that the kernel has not seen, as that of `UserptrQueue`.
   *
   * @throws {SysError} ENOMEM
   */
  remap(index: number): void {
    const mappings = this.mappings[index];
    const planes = this.planes[index];
    for (let i = 0; i < planes.length; i++) {
      const old = mappings[i];
      const memory = Mapping.anonymous(this.#sizes[i]);
      mappings[i] = memory;
      planes[i].userptr = memory.address;
      planes[i].length = memory.length;
      old?.close();
    }
  }

  /** Stops the stream, and unmaps the memory. A device that is gone is no error. */
  override close(): void {
    super.close();
    for (const mapping of this.mappings.flat()) mapping.close();
  }
}

/** A multi-planar queue whose planes are dma-bufs that something else allocated. */
export class MplaneDmabufQueue extends MplaneQueue {
  /**
   * Gives each buffer its dma-bufs; the driver looks at them in `enqueue`.
   *
   * @param type V4L2_BUF_TYPE_*_MPLANE
   * @param dmabufs by buffer and plane; the caller keeps them open
   * @throws {SysError} as VIDIOC_REQBUFS
   */
  constructor(
    device: VideoDevice,
    type: number,
    dmabufs: readonly (readonly { readonly fd: number; readonly size: number }[])[],
  ) {
    super(device, type, v4l2.V4L2_MEMORY_DMABUF, dmabufs.length, dmabufs[0].length);
    for (const { index } of this.buffers) this.assign(index, dmabufs[index % dmabufs.length]);
  }

  /** Makes dma-bufs the memory of the planes of buffer `index`, from its next `enqueue` on. */
  assign(
    index: number,
    dmabufs: readonly { readonly fd: number; readonly size: number }[],
  ): void {
    this.planes[index].forEach((plane, i) => {
      plane.fd = dmabufs[i].fd;
      plane.length = dmabufs[i].size;
    });
  }
}
