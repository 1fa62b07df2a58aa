/**
 * A queue whose buffers are dma-bufs of a dma-heap.
 *
 * @module
 */
import type { Dmabuf } from "../dmabuf/dma_buf.ts";
import { allocateFromHeap } from "../dmabuf/dma_heap.ts";
import type { VideoDevice } from "../v4l2/device.ts";
import { MplaneDmabufQueue } from "../v4l2/queue/mplane_queue.ts";
import { DmabufQueue } from "../v4l2/queue/queue.ts";

/** A queue and its memory. */
export interface HeapQueue {
  readonly queue: DmabufQueue;
  /** By index; the caller closes them, after the queue. */
  readonly dmabufs: readonly Dmabuf[];
}

/**
 * @param type V4L2_BUF_TYPE_*
 * @param count buffers wanted; the driver may give more
 * @param heap path of the dma-heap
 * @param size of a buffer in bytes
 * @throws {SysError} as open(2) of the heap, or as VIDIOC_REQBUFS; nothing is left behind
 */
export function heapQueue(
  device: VideoDevice,
  type: number,
  count: number,
  heap: string,
  size: number,
): HeapQueue {
  const dmabufs: Dmabuf[] = [];
  try {
    while (dmabufs.length < count) dmabufs.push(allocateFromHeap(heap, size));
    const queue = new DmabufQueue(device, type, dmabufs);
    // Each of those that were not asked for needs memory of its own too.
    while (dmabufs.length < queue.buffers.length) {
      const dmabuf = allocateFromHeap(heap, size);
      queue.assign(dmabufs.push(dmabuf) - 1, dmabuf);
    }
    return { queue, dmabufs };
  } catch (error) {
    for (const dmabuf of dmabufs) dmabuf.close();
    throw error;
  }
}

/** A multi-planar queue and its memory. */
export interface MplaneHeapQueue {
  readonly queue: MplaneDmabufQueue;
  /** By buffer and plane; the caller closes them, after the queue. */
  readonly dmabufs: readonly (readonly Dmabuf[])[];
}

/**
 * The same of a multi-planar queue.
 *
 * @param sizes of a buffer's planes in bytes
 */
export function mplaneHeapQueue(
  device: VideoDevice,
  type: number,
  count: number,
  heap: string,
  sizes: readonly number[],
): MplaneHeapQueue {
  using made = new DisposableStack();
  const dmabufs: Dmabuf[][] = [];
  const add = () => dmabufs.push(sizes.map((size) => made.use(allocateFromHeap(heap, size)))) - 1;
  while (dmabufs.length < count) add();
  const queue = made.use(new MplaneDmabufQueue(device, type, dmabufs));
  while (dmabufs.length < queue.buffers.length) {
    const index = add();
    queue.assign(index, dmabufs[index]);
  }
  made.move();
  return { queue, dmabufs };
}
