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
import { type Buffer, Queue } from "./queue.ts";
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
    this.planes.forEach((planes, index) =>
      planes.forEach((plane, i) => {
        const { fd, size } = dmabufs[index % dmabufs.length][i];
        plane.fd = fd;
        plane.length = size;
      })
    );
  }
}
