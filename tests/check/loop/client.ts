/**
 * The suite as writer and reader of a loopback node, in one process and one frame at a time: what
 * comes out does not depend on how fast the machine is.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type FrameSink, type IoMethod, openSink } from "../../../lib/frames/frame_sink.ts";
import { stampOf } from "../../../lib/frames/stamp.ts";
import { type Dmabuf, READING } from "../../../lib/dmabuf/dma_buf.ts";
import { randomBytes } from "../../../lib/image/patterns.ts";
import { GREY, type PixelFormat } from "../../../lib/image/pixel_format.ts";
import { EAGAIN, EINVAL, SysError } from "../../../lib/sys/errno.ts";
import { IoBuffer } from "../../../lib/sys/file.ts";
import { Poller, POLLIN, POLLOUT } from "../../../lib/sys/poll.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { DmabufQueue, MmapQueue, type Queue, UserptrQueue } from "../../../lib/v4l2/queue/queue.ts";
import {
  fourcc,
  V4L2_BUF_FLAG_ERROR,
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
  V4L2_CAP_VIDEO_CAPTURE,
  V4L2_CAP_VIDEO_OUTPUT,
} from "../../../lib/uapi/videodev2.ts";
import { heapQueue } from "../../../lib/vpipe/heap_queue.ts";
import { sharedBuffers } from "../../../lib/vpipe/loop.ts";
import { VPIPE_LOOP_CID_LEND_IMPORTS } from "../../../lib/uapi/vpipe_loop.ts";
import { HEAP, heap } from "../../harness/context.ts";
import { expect, expectEqual } from "../../harness/suite.ts";

/** How frames get from the node to a program. */
export const READ_METHODS = ["read", "mmap", "userptr", "dmabuf"] as const;
export type ReadMethod = typeof READ_METHODS[number];

export const VGA = [640, 480] as const;
export const VGA_BYTES = 640 * 480;

// Nothing takes long; a guest may stand still for a while.
const WAIT_MS = 20_000;
const BUFFERS = 4;

/** Opens a node for its OUTPUT side. */
export function openOutput(node: string): VideoDevice {
  return VideoDevice.open(node, V4L2_CAP_VIDEO_OUTPUT, "output device");
}

/** Opens a node for its CAPTURE side. */
export function openCapture(node: string): VideoDevice {
  return VideoDevice.open(node, V4L2_CAP_VIDEO_CAPTURE, "capture device");
}

const NOISE = randomBytes(VGA_BYTES + 256);

/** Frame `number` of VGA in GREY: noise, with the number in front; no two frames look alike. */
export function numbered(number: number): Uint8Array {
  const at = number % 251;
  const frame = NOISE.slice(at, at + VGA_BYTES);
  new DataView(frame.buffer).setUint32(0, number, true);
  return frame;
}

/** Fails the running check unless the bytes are those expected. */
export function expectBytes(what: string, actual: Uint8Array, expected: Uint8Array): void {
  expectEqual(`bytes of ${what}`, actual.length, expected.length);
  if (Buffer.compare(actual, expected) === 0) return;
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  const number = (frame: Uint8Array) => frame.length < 4 ? "" : `, number ${stampOf(frame)}`;
  expect(
    false,
    `${what}: byte ${at} is ${actual[at]}, expected ${expected[at]}` +
      `${number(actual)} for${number(expected)}`,
  );
}

/** What a writer writes. */
interface Picture {
  readonly format?: PixelFormat;
  readonly size?: readonly [width: number, height: number];
}

/** A program that writes; dma-bufs that it imports are lent. */
export class Writer implements Disposable {
  readonly device: VideoDevice;
  readonly sink: FrameSink;
  readonly #writable: Poller;

  constructor(
    node: string,
    io: IoMethod,
    { format = GREY, size: [width, height] = VGA }: Picture = {},
  ) {
    this.device = openOutput(node);
    try {
      if (io === "dmabuf") this.device.setControl(VPIPE_LOOP_CID_LEND_IMPORTS, 1);
      const pixelformat = fourcc(format.fourcc);
      const wanted = { width, height, pixelformat };
      const { sizeimage: size } = this.device.setFormat(V4L2_BUF_TYPE_VIDEO_OUTPUT, wanted);
      const memory = io === "dmabuf" ? heap() : HEAP;
      this.sink = openSink(this.device, io, { buffers: BUFFERS, size, heap: memory });
    } catch (error) {
      this.device.close();
      throw error;
    }
    this.#writable = new Poller(this.device, POLLOUT);
  }

  #wait(): void {
    expect(this.#writable.wait(WAIT_MS) !== 0, `the writer got no buffer within ${WAIT_MS} ms`);
  }

  /** Hands one frame over. */
  write(frame: Uint8Array): void {
    const { sink } = this;
    let index = -1;
    while ((index = sink.acquire()) < 0) this.#wait();
    sink.begin(index);
    sink.buffers[index].bytes.set(frame);
    sink.end(index);
    while (sink.submit(index, frame.length) < 0) this.#wait();
    // Of write(2) nothing comes back.
    expectEqual("frames that came back broken", sink.errors ?? 0, 0);
    expectEqual("frames that came back with another number", sink.misnumbered ?? 0, 0);
  }

  /** Has had each of the writer's buffers once. */
  fillAll(): void {
    for (let i = 0; i < BUFFERS; i++) this.write(numbered(i));
  }

  close(): void {
    this.sink[Symbol.dispose]();
    this.device.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A frame that a reader has, until it gives it back. */
export interface Taken {
  /** Of the buffer. */
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Undefined by read(2), which has none. */
  readonly sequence: number | undefined;
}

/** A program that reads; it streams from the start. */
export class Reader implements Disposable {
  readonly device: VideoDevice;
  /** Undefined by read(2). */
  readonly queue: Queue | undefined;
  readonly #readable: Poller;
  readonly #memory: readonly { readonly bytes: Uint8Array }[];
  readonly #dmabufs: readonly Dmabuf[] = [];
  readonly #frame: IoBuffer;

  /** @param io dmabuf: into the writer's own dma-bufs, where it has some, else the heap's */
  constructor(node: string, io: ReadMethod, buffers = BUFFERS) {
    this.device = openCapture(node);
    const { device } = this;
    const type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    const { sizeimage } = device.getFormat(type);
    this.#readable = new Poller(device, POLLIN);
    this.#frame = new IoBuffer(new Uint8Array(io === "read" ? sizeimage : 0));
    this.#memory = [this.#frame];
    try {
      if (io === "mmap") {
        const queue = new MmapQueue(device, type, buffers);
        this.queue = queue;
        this.#memory = queue.mappings;
      } else if (io === "userptr") {
        const queue = new UserptrQueue(device, type, buffers, sizeimage);
        this.queue = queue;
        this.#memory = queue.mappings;
      } else if (io === "dmabuf") {
        const { queue, dmabufs } = dmabufQueue(device, buffers, sizeimage);
        this.queue = queue;
        this.#memory = this.#dmabufs = dmabufs;
      } else {
        // The first poll starts reading, as the first read does.
        this.#readable.wait(0);
      }
      if (this.queue === undefined) return;
      for (const { index } of this.queue.buffers) this.queue.enqueue(index);
      this.queue.streamOn();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The next frame, if it is there. */
  tryTake(): Taken | undefined {
    const { queue, device } = this;
    if (queue === undefined) {
      const got = device.tryRead(this.#frame);
      if (got === -EAGAIN) return undefined;
      if (got < 0) throw new SysError(device.path, "read", -got);
      return { index: 0, bytes: this.#frame.bytes.subarray(0, got), sequence: undefined };
    }
    const index = queue.dequeue();
    if (index < 0) return undefined;
    const { flags, bytesused, sequence } = queue.dequeued;
    expectEqual("error flag", flags & V4L2_BUF_FLAG_ERROR, 0);
    this.#dmabufs[index]?.begin(READING);
    return { index, bytes: this.#memory[index].bytes.subarray(0, bytesused), sequence };
  }

  /** Waits for the next frame. */
  take(): Taken {
    let taken = this.tryTake();
    while (taken === undefined) {
      expect(this.#readable.wait(WAIT_MS) !== 0, `no frame within ${WAIT_MS} ms`);
      taken = this.tryTake();
    }
    return taken;
  }

  /** Queues a frame's buffer again. */
  give({ index }: Taken): void {
    this.#dmabufs[index]?.end(READING);
    this.queue?.enqueue(index);
  }

  /** Takes the next frame, which has to be this one, and gives it back. */
  expectFrame(what: string, sequence: number, bytes: Uint8Array): void {
    const taken = this.take();
    if (this.queue) expectEqual(`sequence of ${what}`, taken.sequence, sequence);
    expectBytes(what, taken.bytes, bytes);
    this.give(taken);
  }

  close(): void {
    this.queue?.close();
    for (const dmabuf of this.#dmabufs) dmabuf.close();
    this.device.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The writer's own dma-bufs as a reader's buffers; of the heap where it has none. */
function dmabufQueue(
  device: VideoDevice,
  buffers: number,
  size: number,
): { queue: DmabufQueue; dmabufs: readonly Dmabuf[] } {
  try {
    const dmabufs = sharedBuffers(device);
    return { queue: new DmabufQueue(device, V4L2_BUF_TYPE_VIDEO_CAPTURE, dmabufs), dmabufs };
  } catch (error) {
    if (!(error instanceof SysError && error.code === EINVAL)) throw error;
    return heapQueue(device, V4L2_BUF_TYPE_VIDEO_CAPTURE, buffers, heap(), size);
  }
}
