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

/** A multi-planar queue and its memory. */
export interface MplaneHeapQueue {
  readonly queue: MplaneDmabufQueue;
  /** By buffer and plane; the caller closes them, after the queue. */
  readonly dmabufs: readonly (readonly Dmabuf[])[];
}

type Allocate = (size: number) => Dmabuf;

/** @param allocate a buffer's memory, which goes with the queue should anything fail */
function queueOf<Memory, Queue extends DmabufQueue | MplaneDmabufQueue>(
  count: number,
  heap: string,
  allocate: (plane: Allocate) => Memory,
  request: (dmabufs: Memory[]) => Queue & { assign(index: number, memory: Memory): void },
): { queue: Queue; dmabufs: Memory[] } {
  using made = new DisposableStack();
  const dmabufs: Memory[] = [];
  const add = () => dmabufs.push(allocate((size) => made.use(allocateFromHeap(heap, size)))) - 1;
  while (dmabufs.length < count) add();
  const queue = made.use(request(dmabufs));
  // Each of those that were not asked for needs memory of its own too.
  while (dmabufs.length < queue.buffers.length) {
    const index = add();
    queue.assign(index, dmabufs[index]);
  }
  made.move();
  return { queue, dmabufs };
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
  const request = (dmabufs: Dmabuf[]) => new DmabufQueue(device, type, dmabufs);
  return queueOf(count, heap, (plane) => plane(size), request);
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
  const request = (dmabufs: Dmabuf[][]) => new MplaneDmabufQueue(device, type, dmabufs);
  return queueOf(count, heap, (plane) => sizes.map(plane), request);
}
