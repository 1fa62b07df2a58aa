/**
 * Buffer queues. A queue exists only once it has buffers (REQBUFS succeeded), so there is no state
 * in which `enqueue` or `streamOn` could be called too early; `close` stops the stream and frees
 * the buffers.
 *
 * The two calls of a frame loop, `enqueue` and `dequeue`, allocate nothing and return negated
 * errnos instead of throwing what is not an error: a buffer that is not done yet.
 *
 * @module
 */
import { EAGAIN, SysError } from "../../sys/errno.ts";
import { ioctl, tryIoctl } from "../../sys/ioctl.ts";
import { Mapping } from "../../sys/mmap.ts";
import { Poller, POLLOUT } from "../../sys/poll.ts";
import type { View } from "../../uapi/struct.ts";
import { DeviceError, type VideoDevice } from "../device.ts";
import { type Exported, exportPlane, mapBuffers } from "./buffer_memory.ts";
import * as v4l2 from "../../uapi/videodev2.ts";

/** One `struct v4l2_buffer`. */
export type Buffer = View<typeof v4l2.v4l2_buffer.fields>;

const QBUF = v4l2.VIDIOC_QBUF.request;
const DQBUF = v4l2.VIDIOC_DQBUF.request;

const RECLAIM_POLL_MS = 100;
const RECLAIM_POLLS = 10;

/** What the queues of all memory kinds have in common. */
export abstract class Queue implements Disposable {
  /** The buffer of the last `dequeue`: index, bytesused, flags, timestamp, sequence. */
  readonly dequeued: Buffer;
  /** One descriptor a buffer, ready for VIDIOC_QBUF. */
  readonly buffers: readonly Buffer[];
  readonly #fd: number;
  readonly #dequeuedBytes: Uint8Array<ArrayBuffer>;
  readonly #bytes: readonly Uint8Array<ArrayBuffer>[];
  readonly #writable: Poller;
  #streaming = false;

  /**
   * Asks for buffers (VIDIOC_REQBUFS).
   *
   * @param type V4L2_BUF_TYPE_*
   * @param memory V4L2_MEMORY_*
   * @param count buffers wanted; the driver may give more or fewer
   * @throws {SysError} EBUSY while another program owns the queue, ENOMEM, EINVAL for a memory kind
   * the driver lacks
   */
  protected constructor(
    readonly device: VideoDevice,
    readonly type: number,
    readonly memory: number,
    count: number,
  ) {
    this.#fd = device.fd;
    const granted = this.#request(count);
    this.buffers = Array.from(
      { length: granted },
      (_, index) => v4l2.v4l2_buffer.alloc({ index, type, memory }),
    );
    this.#bytes = this.buffers.map((buffer) => buffer.bytes);
    this.dequeued = v4l2.v4l2_buffer.alloc({ type, memory });
    this.#dequeuedBytes = this.dequeued.bytes;
    this.#writable = new Poller(device, POLLOUT);
  }

  #request(count: number): number {
    const { type, memory } = this;
    const request = v4l2.v4l2_requestbuffers.alloc({ count, type, memory });
    ioctl(this.device, v4l2.VIDIOC_REQBUFS, request.bytes);
    return request.count;
  }

  /**
   * Hands buffer `index` to the driver.
   *
   * @param bytesused payload in bytes, of an OUTPUT buffer
   * @throws {SysError} as VIDIOC_QBUF
   */
  enqueue(index: number, bytesused = 0): void {
    this.buffers[index].bytesused = bytesused;
    const result = tryIoctl(this.#fd, QBUF, this.#bytes[index]);
    if (result < 0) throw new SysError(this.device.path, v4l2.VIDIOC_QBUF.name, -result);
  }

  /**
   * Takes a finished buffer from the driver into `dequeued`.
   *
   * @returns its index, or -EAGAIN where none is ready
   * @throws {SysError} as VIDIOC_DQBUF
   */
  dequeue(): number {
    const result = tryIoctl(this.#fd, DQBUF, this.#dequeuedBytes);
    if (result >= 0) return this.dequeued.index;
    if (result === -EAGAIN) return result;
    throw new SysError(this.device.path, v4l2.VIDIOC_DQBUF.name, -result);
  }

  /** Bytes of the frame in `dequeued`. */
  get payload(): number {
    return this.dequeued.bytesused;
  }

  /**
   * Takes back the OUTPUT buffer of a frame that was had: a mem2mem driver may be done with it a
   * moment after the CAPTURE buffer.
   *
   * @returns its index
   * @throws {SysError | DeviceError} as VIDIOC_DQBUF, or where it does not come within a second
   */
  reclaim(): number {
    let index = this.dequeue();
    for (let polls = 0; index < 0; polls++) {
      if (polls === RECLAIM_POLLS) {
        throw new DeviceError(this.device.path, "keeps the OUTPUT buffer of a finished frame");
      }
      this.#writable.wait(RECLAIM_POLL_MS);
      index = this.dequeue();
    }
    return index;
  }

  /**
   * Starts the stream; from here on the driver works on the buffers that it has.
   *
   * @throws {SysError} as VIDIOC_STREAMON
   */
  streamOn(): void {
    this.#stream(v4l2.VIDIOC_STREAMON);
    this.#streaming = true;
  }

  /**
   * Stops the stream; every buffer is the program's again.
   *
   * @throws {SysError} as VIDIOC_STREAMOFF
   */
  streamOff(): void {
    this.#streaming = false;
    this.#stream(v4l2.VIDIOC_STREAMOFF);
  }

  #stream(call: typeof v4l2.VIDIOC_STREAMON): void {
    ioctl(this.device, call, new Uint8Array(Uint32Array.of(this.type).buffer));
  }

  /** Stops the stream and frees the buffers. A device that is already gone is no error. */
  close(): void {
    try {
      if (this.#streaming) this.streamOff();
      this.#request(0);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A queue whose buffers the driver allocates and the program maps. */
export class MmapQueue extends Queue {
  /**
   * The buffers' memory, by index; all of the buffer, `bytesused` says how much of it is frame. That
   * of CAPTURE buffers can only be read.
   */
  readonly mappings: readonly Mapping[];

  /**
   * Allocates and maps the buffers.
   *
   * @param type V4L2_BUF_TYPE_*
   * @param count buffers wanted; the driver may give more or fewer
   * @throws {SysError} as VIDIOC_REQBUFS, or mmap(2); nothing is left allocated
   */
  constructor(device: VideoDevice, type: number, count: number) {
    super(device, type, v4l2.V4L2_MEMORY_MMAP, count);
    // A driver can show a reader memory of another's, where it knows that it will only be read.
    const map = type === v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT ? Mapping.shared : Mapping.readOnly;
    try {
      this.mappings = mapBuffers(device, this.buffers, map, (buffer) => [buffer]).flat();
    } catch (error) {
      super.close();
      throw error;
    }
  }

  /**
   * Exports every buffer as a dma-buf (VIDIOC_EXPBUF).
   *
   * @returns one descriptor and its size in bytes a buffer, in their order; the caller closes them
   * @throws {SysError} ENOTTY where the driver cannot
   */
  export(): Exported[] {
    const { device, type } = this;
    return this.buffers.map(({ index, length }) =>
      exportPlane(device, { type, index, plane: 0 }, length)
    );
  }

  /** Unmaps the buffers, stops the stream and frees them. A device that is gone is no error. */
  override close(): void {
    // The kernel keeps the memory of a buffer for as long as it is mapped.
    for (const mapping of this.mappings) mapping.close();
    super.close();
  }
}

/** A queue whose buffers are dma-bufs that something else allocated. */
export class DmabufQueue extends Queue {
  /**
   * Gives each buffer its dma-buf; the driver looks at it in `enqueue`.
   *
   * @param type V4L2_BUF_TYPE_*
   * @param dmabufs one descriptor and its size in bytes a buffer; the caller keeps them open
   * @throws {SysError} as VIDIOC_REQBUFS
   */
  constructor(
    device: VideoDevice,
    type: number,
    dmabufs: readonly { readonly fd: number; readonly size: number }[],
  ) {
    super(device, type, v4l2.V4L2_MEMORY_DMABUF, dmabufs.length);
    for (const { index } of this.buffers) this.assign(index, dmabufs[index % dmabufs.length]);
  }

  /**
   * Makes a dma-buf the memory of buffer `index`, from its next `enqueue` on.
   *
   * @param dmabuf which the caller keeps open, and its size in bytes
   */
  assign(index: number, dmabuf: { readonly fd: number; readonly size: number }): void {
    this.buffers[index].fd = dmabuf.fd;
    this.buffers[index].length = dmabuf.size;
  }
}

/** A queue whose buffers are the program's own memory. */
export class UserptrQueue extends Queue {
  /** The buffers' memory, by index. */
  readonly mappings: Mapping[] = [];
  readonly #size: number;

  /**
   * Gives each buffer anonymous memory; the driver looks at it in `enqueue`.
   *
   * @param type V4L2_BUF_TYPE_*
   * @param count buffers wanted; the driver may give more or fewer
   * @param size of a frame in bytes
   * @throws {SysError} as VIDIOC_REQBUFS, or ENOMEM; nothing is left allocated
   */
  constructor(device: VideoDevice, type: number, count: number, size: number) {
    super(device, type, v4l2.V4L2_MEMORY_USERPTR, count);
    this.#size = size;
    try {
      for (const { index } of this.buffers) this.remap(index);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Gives buffer `index` memory that the kernel has not seen: none of its pages exist, and pinning
   * them starts anew. The old memory goes only then, so that the address is another one too.
   *
   * @throws {SysError} ENOMEM
   */
  remap(index: number): void {
    const old = this.mappings[index];
    const memory = Mapping.anonymous(this.#size);
    this.mappings[index] = memory;
    const buffer = this.buffers[index];
    buffer.userptr = memory.address;
    buffer.length = memory.length;
    old?.close();
  }

  /** Stops the stream, and unmaps the memory. A device that is gone is no error. */
  override close(): void {
    super.close();
    for (const mapping of this.mappings) mapping.close();
  }
}
