/**
 * Where frames go: the buffers of an OUTPUT queue of any memory kind, or write(2).
 *
 * @module
 */
import { type Dmabuf, WRITING } from "../dmabuf/dma_buf.ts";
import { EAGAIN, SysError } from "../sys/errno.ts";
import { IoBuffer } from "../sys/file.ts";
import { Mapping } from "../sys/mmap.ts";
import { DeviceError, type VideoDevice } from "../v4l2/device.ts";
import { MmapQueue, type Queue, UserptrQueue } from "../v4l2/queue/queue.ts";
import { V4L2_BUF_FLAG_ERROR, V4L2_BUF_TYPE_VIDEO_OUTPUT } from "../uapi/videodev2.ts";
import { heapQueue } from "../vpipe/heap_queue.ts";

/** How frames get from the program to the driver. */
export const IO_METHODS = ["write", "mmap", "userptr", "dmabuf"] as const;
export type IoMethod = typeof IO_METHODS[number];

/** Buffers to fill, and to hand over. What a frame loop calls allocates nothing. */
export interface FrameSink extends Disposable {
  /** The buffers' memory, by index. */
  readonly buffers: readonly IoBuffer[];
  /** Frames that came back with the error flag; undefined where nothing comes back. */
  readonly errors?: number;
  /** Frames that the device numbered other than by counting from 0; undefined as well. */
  readonly misnumbered?: number;
  /** @returns index of a buffer that nobody uses, or -EAGAIN */
  acquire(): number;
  /** The program is about to write to a buffer. */
  begin(index: number): void;
  /** The program has written to it. */
  end(index: number): void;
  /**
   * Hands a buffer over.
   *
   * @param size of the frame in bytes
   * @returns 0, or -EAGAIN: once more later
   * @throws {SysError | DeviceError} naming the device and the call
   */
  submit(index: number, size: number): number;
}

/** What a sink is made for. */
export interface SinkSettings {
  /** Buffers wanted. */
  readonly buffers: number;
  /** Of a buffer, in bytes. */
  readonly size: number;
  /** dma-heap for DMABUF. */
  readonly heap: string;
}

/**
 * Makes a device's OUTPUT side ready for frames; its format has been set.
 *
 * @throws {SysError} EBUSY where another program has the queue, EINVAL for a memory kind that the
 * driver lacks
 */
export function openSink(device: VideoDevice, io: IoMethod, settings: SinkSettings): FrameSink {
  const { buffers, size, heap } = settings;
  const type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
  switch (io) {
    case "write":
      return new WriteSink(device, size);
    case "mmap": {
      const queue = new MmapQueue(device, type, buffers);
      return new QueueSink(queue, queue.mappings);
    }
    case "userptr": {
      const queue = new UserptrQueue(device, type, buffers, size);
      return new QueueSink(queue, queue.mappings);
    }
    case "dmabuf": {
      const { queue, dmabufs } = heapQueue(device, type, buffers, heap, size);
      return new QueueSink(queue, dmabufs, dmabufs);
    }
  }
}

/** The buffers of a queue. */
class QueueSink implements FrameSink {
  readonly buffers: readonly IoBuffer[];
  errors = 0;
  misnumbered = 0;
  readonly #queue: Queue;
  readonly #dmabufs: readonly Dmabuf[] | undefined;
  /** The number of the frame that each buffer was queued with. */
  readonly #numbers: Uint32Array;
  #fresh = 0;
  #submitted = 0;

  constructor(
    queue: Queue,
    memory: readonly { readonly bytes: Uint8Array<ArrayBuffer> }[],
    dmabufs?: readonly Dmabuf[],
  ) {
    this.#queue = queue;
    this.#dmabufs = dmabufs;
    this.#numbers = new Uint32Array(memory.length);
    this.buffers = memory.map(({ bytes }) => new IoBuffer(bytes));
    queue.streamOn();
  }

  acquire(): number {
    if (this.#fresh < this.buffers.length) return this.#fresh++;
    const index = this.#queue.dequeue();
    if (index < 0) return index;
    const { flags, sequence } = this.#queue.dequeued;
    if (flags & V4L2_BUF_FLAG_ERROR) this.errors++;
    if (sequence !== this.#numbers[index]) this.misnumbered++;
    return index;
  }

  begin(index: number): void {
    this.#dmabufs?.[index].begin(WRITING);
  }

  end(index: number): void {
    this.#dmabufs?.[index].end(WRITING);
  }

  submit(index: number, size: number): number {
    this.#numbers[index] = this.#submitted++;
    const buffer = this.#queue.buffers[index];
    // QBUF put a time into it, which would count as this frame's.
    buffer.timestamp_sec = 0;
    buffer.timestamp_usec = 0;
    this.#queue.enqueue(index, size);
    return 0;
  }

  [Symbol.dispose](): void {
    this.#queue.close();
    for (const dmabuf of this.#dmabufs ?? []) dmabuf.close();
  }
}

/** write(2) from one page-aligned piece of memory. */
class WriteSink implements FrameSink {
  readonly buffers: readonly IoBuffer[];
  readonly #device: VideoDevice;
  readonly #memory: Mapping;

  constructor(device: VideoDevice, size: number) {
    this.#device = device;
    this.#memory = Mapping.anonymous(size);
    this.buffers = [new IoBuffer(this.#memory.bytes)];
  }

  acquire(): number {
    return 0;
  }

  begin(): void {}

  end(): void {}

  submit(index: number, size: number): number {
    const source = this.buffers[index];
    source.length = size;
    const written = this.#device.tryWrite(source);
    if (written === size) return 0;
    if (written === -EAGAIN) return written;
    const { path } = this.#device;
    if (written < 0) throw new SysError(path, "write", -written);
    throw new DeviceError(path, `write took ${written} of the ${size} bytes of a frame`);
  }

  [Symbol.dispose](): void {
    this.#memory.close();
  }
}
