/**
 * Both ends of the loopback node, step by step, by each I/O method. A frame is its number and bytes
 * that follow from it, so a reader sees whether it is whole, and newer than the one before.
 *
 * @module
 */
import { Dmabuf } from "../../../lib/dmabuf/dma_buf.ts";
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { EAGAIN, SysError } from "../../../lib/sys/errno.ts";
import { IoBuffer } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { DmabufQueue, MmapQueue, Queue, UserptrQueue } from "../../../lib/v4l2/queue/queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { heapQueue } from "../../../lib/vpipe/heap_queue.ts";
import { sharedBuffers } from "../../../lib/vpipe/loop.ts";
import { VPIPE_LOOP_CID_LEND_IMPORTS } from "../../../lib/uapi/vpipe_loop.ts";
import { HEAP } from "../../harness/context.ts";
import { CheckFailure, expect } from "../../harness/suite.ts";

export const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
export const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;

const WRITER_BUFFERS = 4;
const READER_BUFFERS = 4;

/** Of a 1080p frame, the largest there is here. */
const LARGEST = 1920 * 1080;

/** Width and height in pixels, a byte each. */
export type Size = readonly [width: number, height: number];
export const SIZES: readonly Size[] = [[2, 2], [64, 48], [61, 7], [320, 240], [640, 480], [
  1920,
  1080,
]];

export const WRITER_IO = ["write", "mmap", "userptr", "dmabuf"] as const;
export type WriterIo = typeof WRITER_IO[number];

/** `view` maps for reading alone, `mmap` for writing too; `shared` queues the writer's own buffers. */
export const READER_IO = ["read", "view", "mmap", "userptr", "heap", "shared"] as const;
export type ReaderIo = typeof READER_IO[number];

let latest: number | undefined;

/** Greater than any before, of earlier writers in other processes too; see `isNewer`. */
function nextNumber(): number {
  // The clock goes on faster than anybody writes frames.
  const clock = Math.floor(Date.now() * 16) >>> 0;
  const fresh = latest === undefined || isNewer(clock, latest);
  latest = fresh ? clock : (latest! + 1) >>> 0;
  if ((latest & 255) === SECRET) latest++;
  return latest;
}

const isNewer = (number: number, than: number) => ((number - than) | 0) > 0;

/** What a writer draws that is not for readers: no frame has it, but in its number. */
export const SECRET = 0xee;

function fill(bytes: Uint8Array, number: number): void {
  bytes.fill(number & 255);
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, number, true);
}

/** The number of a frame of `size` bytes; fails where it is not whole. */
export function numberOf(bytes: Uint8Array, size: number): number {
  const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const expected = number & 255;
  for (let i = 4; i < size; i++) {
    if (bytes[i] === expected) continue;
    throw new CheckFailure(`byte ${i} of ${size} of frame ${number} is ${bytes[i]}`);
  }
  return number;
}

/** An open side of the node, and what goes with it. */
class LoopEnd implements Disposable {
  readonly device: VideoDevice;
  protected readonly resources = new DisposableStack();
  protected queue?: Queue;
  protected memory: readonly { readonly bytes: Uint8Array }[] = [];

  constructor(node: string, capability: number, role: string) {
    this.device = this.resources.use(VideoDevice.open(node, capability, role));
  }

  /** Closes the file first, which is all that the end of a process does. */
  abandon(): void {
    this.device.close();
    this.close();
  }

  close(): void {
    this.resources.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Someone who writes frames. */
export class LoopWriter extends LoopEnd {
  frames = 0;
  /** Of the frame that was handed over last. */
  number = 0;
  /** Of how many buffers it makes use; the others it keeps. */
  use = Infinity;
  /** Draws in one of its buffers what no reader may see, and only then a frame. */
  secret = false;
  #size = 0;
  #source?: IoBuffer;
  #free: number[] = [];
  #drawn = -1;

  constructor(node: string, readonly io: WriterIo) {
    super(node, v4l2.V4L2_CAP_VIDEO_OUTPUT, "output device");
  }

  setFormat([width, height]: Size): void {
    const pixelformat = v4l2.V4L2_PIX_FMT_GREY;
    this.#size = this.device.setFormat(OUTPUT, { width, height, pixelformat }).sizeimage;
  }

  request(): void {
    const { device, io } = this;
    if (io === "write") {
      this.#source = new IoBuffer(new Uint8Array(this.#size));
      return;
    }
    if (io === "mmap") {
      const queue = this.resources.use(new MmapQueue(device, OUTPUT, WRITER_BUFFERS));
      this.queue = queue;
      this.memory = queue.mappings;
    } else if (io === "userptr") {
      const queue = this.resources.use(
        new UserptrQueue(device, OUTPUT, WRITER_BUFFERS, this.#size),
      );
      this.queue = queue;
      this.memory = queue.mappings;
    } else {
      device.setControl(VPIPE_LOOP_CID_LEND_IMPORTS, 1);
      const { queue, dmabufs } = heapQueue(device, OUTPUT, WRITER_BUFFERS, HEAP, this.#size);
      for (const dmabuf of dmabufs) this.resources.use(dmabuf);
      this.queue = this.resources.use(queue);
      this.memory = dmabufs;
    }
    this.#free = this.queue.buffers.map(({ index }) => index);
  }

  /** Hands over one frame, if there is a free buffer for it. */
  frame(): boolean {
    if (this.io === "write") return this.#write();
    const queue = this.queue!;
    const free = this.#free.pop() ?? queue.dequeue();
    if (free < 0 || free >= this.use) return false;
    const index = this.secret ? this.#draw(free) : free;
    if (index < 0) return false;
    this.number = nextNumber();
    fill(this.memory[index].bytes.subarray(0, this.#size), this.number);
    queue.enqueue(index, this.#size);
    this.frames++;
    return true;
  }

  /** Returns the buffer that was drawn in before. */
  #draw(index: number): number {
    this.memory[index].bytes.fill(SECRET);
    const before = this.#drawn;
    this.#drawn = index;
    return before;
  }

  #write(): boolean {
    const source = this.#source!;
    this.number = nextNumber();
    fill(source.bytes, this.number);
    const written = this.device.tryWrite(source);
    if (written === -EAGAIN) return false;
    if (written < 0) throw new SysError(this.device.path, "write", -written);
    this.frames++;
    return true;
  }

  start(): void {
    this.queue?.streamOn();
  }

  /** Ends the stream; the buffers are free again. write(2) has no such thing. */
  stop(): void {
    if (this.queue === undefined) return;
    this.queue.streamOff();
    this.#drawn = -1;
    this.#free = this.queue.buffers.map(({ index }) => index);
  }

  /** Up to and with a stream that has begun. */
  begin(size: Size): this {
    this.setFormat(size);
    this.request();
    this.start();
    return this;
  }
}

/** CAPTURE buffers that the program may write to. */
class WritableQueue extends Queue {
  readonly mappings: Mapping[] = [];

  constructor(device: VideoDevice, count: number) {
    super(device, CAPTURE, v4l2.V4L2_MEMORY_MMAP, count);
    for (const buffer of this.buffers) {
      ioctl(device, v4l2.VIDIOC_QUERYBUF, buffer.bytes);
      this.mappings.push(Mapping.shared(device, buffer.length, buffer.offset));
    }
  }

  override close(): void {
    for (const mapping of this.mappings) mapping.close();
    super.close();
  }
}

/** Someone who reads frames and compares each. */
export class LoopReader extends LoopEnd {
  #buffers = new DisposableStack();
  readonly #ready: Poller;
  readonly #target = new IoBuffer(new Uint8Array(LARGEST));
  readonly #held: { index: number; number: number; size: number }[] = [];
  #last?: number;
  #sum = 0;
  frames = 0;
  /** Those that were not newer than the one before. */
  repeated = 0;

  /** @param mayRepeat whether there may be time-out images */
  constructor(node: string, readonly io: ReaderIo, readonly mayRepeat = false) {
    super(node, v4l2.V4L2_CAP_VIDEO_CAPTURE, "capture device");
    this.#ready = new Poller(this.device, POLLIN);
  }

  request(): void {
    const { device, io } = this;
    this.#buffers = this.resources.use(new DisposableStack());
    if (io === "read") return;
    if (io === "view") {
      const queue = this.#buffers.use(new MmapQueue(device, CAPTURE, READER_BUFFERS));
      this.queue = queue;
      this.memory = queue.mappings;
    } else if (io === "mmap") {
      const queue = this.#buffers.use(new WritableQueue(device, READER_BUFFERS));
      this.queue = queue;
      this.memory = queue.mappings;
    } else if (io === "userptr") {
      const { sizeimage } = device.getFormat(CAPTURE);
      const queue = this.#buffers.use(
        new UserptrQueue(device, CAPTURE, READER_BUFFERS, sizeimage),
      );
      this.queue = queue;
      this.memory = queue.mappings;
    } else {
      const dmabufs = io === "shared" ? sharedBuffers(device) : this.#allocate();
      for (const dmabuf of dmabufs) this.#buffers.use(dmabuf);
      this.queue = this.#buffers.use(new DmabufQueue(device, CAPTURE, dmabufs));
      this.memory = dmabufs;
    }
  }

  #allocate(): Dmabuf[] {
    const { sizeimage } = this.device.getFormat(CAPTURE);
    return Array.from({ length: READER_BUFFERS }, () => allocateFromHeap(HEAP, sizeimage));
  }

  enqueue(): void {
    const queue = this.queue;
    for (const { index } of queue?.buffers ?? []) queue!.enqueue(index);
  }

  start(): void {
    this.queue?.streamOn();
  }

  begin(): this {
    this.request();
    this.enqueue();
    this.start();
    return this;
  }

  /** Ends the stream, and keeps the buffers. */
  stop(): void {
    this.queue?.streamOff();
    this.#held.length = 0;
  }

  /** Ends the stream and frees the buffers. */
  release(): void {
    this.#buffers.dispose();
    this.#held.length = 0;
    this.memory = [];
  }

  /** dma-bufs of the buffers that the node allocated. */
  export(): Dmabuf[] {
    const queue = this.queue;
    if (!(queue instanceof MmapQueue)) return [];
    return queue.export().map(({ file, size }) => new Dmabuf(file, size, Mapping.readOnly));
  }

  /** Until there may be a frame, for some time. */
  wait(ms: number): number {
    return this.#ready.wait(ms);
  }

  /**
   * Takes the next frame, if there is one, and keeps its buffer until `hold` later ones were taken:
   * it has to be as it was then.
   *
   * @throws {SysError} EIO when the format has changed
   */
  take(hold = 0): boolean {
    if (this.io === "read") return this.#read();
    const queue = this.queue!;
    const index = queue.dequeue();
    if (index < 0) return false;
    const { bytesused: size, flags } = queue.dequeued;
    expect((flags & v4l2.V4L2_BUF_FLAG_ERROR) === 0, "a frame came back as broken");
    expect(size >= 4, `a frame has ${size} bytes`);
    const number = numberOf(this.memory[index].bytes, size);
    this.#count(number);
    this.#held.push({ index, number, size });
    while (this.#held.length > hold) this.#release();
    return true;
  }

  /** Takes the next frame, if there is one, and looks at its first byte. */
  skip(): void {
    if (this.io === "read") {
      this.device.tryRead(this.#target);
      return;
    }
    const index = this.queue!.dequeue();
    if (index < 0) return;
    this.#sum += this.memory[index].bytes[0];
    this.queue!.enqueue(index);
  }

  #release(): void {
    const { index, number, size } = this.#held.shift()!;
    // The writer's own memory is the writer's again if it stops.
    if (this.io !== "shared") {
      const now = numberOf(this.memory[index].bytes, size);
      expect(now === number, `frame ${number} became ${now} in its reader's hands`);
    }
    this.queue!.enqueue(index);
  }

  #read(): boolean {
    const got = this.device.tryRead(this.#target);
    if (got === -EAGAIN) return false;
    if (got < 0) throw new SysError(this.device.path, "read", -got);
    this.#count(numberOf(this.#target.bytes, got));
    return true;
  }

  #count(number: number): void {
    this.frames++;
    if (this.#last === undefined || isNewer(number, this.#last)) {
      this.#last = number;
      return;
    }
    this.repeated++;
    expect(this.mayRepeat, `frame ${number} came after ${this.#last}`);
  }

  /**
   * All of the memory that this reader has mapped: it must be there, whatever became of the rest.
   * Windows to the writer's frames show nothing while the reader has none.
   */
  touch(): number {
    let sum = 0;
    if (this.io === "shared") return sum;
    for (const { bytes } of this.memory) {
      for (let i = 0; i < bytes.length; i += 4096) sum += bytes[i];
    }
    return sum;
  }
}

/** Fails unless `frames` of the writer's reach the reader. */
export function expectFrames(writer: LoopWriter, reader: LoopReader, frames: number): void {
  const wanted = reader.frames + frames;
  for (let turns = 0; reader.frames < wanted; turns++) {
    expect(turns < 1000 + frames, `${reader.io} gets none of ${writer.io}'s frames`);
    writer.frame();
    reader.take();
  }
}
