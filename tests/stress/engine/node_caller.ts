/**
 * A node with two queues called at random: what is the same for each of them. Most arguments are nearly
 * right: what is refused at the door tests the door only.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { SysError } from "../../../lib/sys/errno.ts";
import { File, O_RDWR } from "../../../lib/sys/file.ts";
import { _IOWR, type Ioctl } from "../../../lib/uapi/ioctl_number.ts";
import { libc } from "../../../lib/sys/libc.ts";
import type { Mapping } from "../../../lib/sys/mmap.ts";
import { Poller } from "../../../lib/sys/poll.ts";
import {
  MEDIA_IOC_REQUEST_ALLOC,
  MEDIA_REQUEST_IOC_QUEUE,
  MEDIA_REQUEST_IOC_REINIT,
} from "../../../lib/v4l2/media.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { HEAP } from "../../harness/context.ts";
import { Caller } from "./caller.ts";
import { orErrno, raw } from "./libc.ts";
import type { Random } from "../../harness/random.ts";
import * as uapi from "./uapi.ts";

/** Of a queue: VB2_MAX_FRAME. */
export const MAX_BUFFERS = 32;

// linux/videodev2.h has it only since Linux 6.10.
export const VIDIOC_REMOVE_BUFS = {
  name: "VIDIOC_REMOVE_BUFS",
  request: _IOWR("V", 104, 64),
};

// Numbers whose size this worker must not lose sight of.
const ALLOCATING = [v4l2.VIDIOC_S_FMT, v4l2.VIDIOC_REQBUFS, uapi.VIDIOC_CREATE_BUFS]
  .map(({ request }) => request & 255);

/** An open file of the node, and what is believed to be true of it. Queues by V4L2_BUF_TYPE_*. */
export interface OpenFile {
  readonly path: string;
  readonly fd: number;
  readonly memory: Record<number, number>;
  readonly buffers: Record<number, number>;
  /** Whether its OUTPUT buffers come with requests, as all of a queue's have to. */
  requests: boolean;
}

/** Something to import: from the heap, or exported by the node itself. */
interface Importable {
  readonly fd: number;
  readonly size: number;
  close(): void;
}

/** Which node, and how far to go with it. */
export interface NodeFacts {
  /** Where it takes requests. */
  mediaNode?(): string;
  /** V4L2_BUF_TYPE_* of both queues. */
  readonly output: number;
  readonly capture: number;
  /** At most so many of each kind of thing that is opened. */
  readonly maxOpen: number;
  /** Of this project's own ioctls, which the node does not have. */
  readonly magic: string;
}

/** Open files of the node and what belongs to them, and random calls on all of it. */
export abstract class NodeCaller<F extends OpenFile> extends Caller {
  protected readonly files: F[] = [];
  protected readonly importables: Importable[] = [];
  protected readonly mappings: Mapping[] = [];
  readonly #requests: number[] = [];
  #media = -1;

  constructor(random: Random, protected readonly facts: NodeFacts) {
    super(random);
  }

  /** What to do, each as often as it is worth. */
  protected abstract readonly actions: readonly [weight: number, action: (file: F) => void][];
  #lots: readonly ((file: F) => void)[] = [];

  /** Adds an open file: `fd`, or a new one. */
  abstract open(fd?: number): F;

  protected abstract enqueue(file: F, side: number, index: number, request?: number): void;
  protected abstract map(file: F, side: number): void;
  protected abstract setControls(file: F, which: number, request_fd: number): void;

  /** One random call, or a few that belong together. */
  step(): void {
    if (this.#lots.length === 0) {
      this.#lots = this.actions.flatMap(([weight, action]) => Array(weight).fill(action));
    }
    try {
      // For a while, a file without a device is worth a call too.
      if (this.lost && this.random.chance(0.05)) this.#closeAll();
      if (this.files.length === 0) this.open();
      this.random.pick(this.#lots)(this.random.pick(this.files));
    } catch (error) {
      // The set-up of a call failed: an open, a mapping, a heap.
      if (!(error instanceof SysError)) throw error;
      this.count(error.call, -error.code);
    }
  }

  protected side(): number {
    return this.random.pick([this.facts.output, this.facts.capture]);
  }

  protected anyIndex(file: F, side: number): number {
    return this.random.below(Math.min(file.buffers[side], MAX_BUFFERS) + 1);
  }

  protected removeBuffers(file: F, type: number): void {
    // index, count, type
    const words = new Uint32Array(16);
    words.set([this.random.below(file.buffers[type] + 2), this.random.below(4), type]);
    const argument = new Uint8Array(words.buffer);
    this.spoil(argument);
    this.ioctl(file.fd, VIDIOC_REMOVE_BUFS, argument);
  }

  /** Queues a buffer in the way that this queue's buffers are. */
  protected give(file: F, side: number, index = this.anyIndex(file, side)): void {
    if (side === this.facts.output && file.requests) this.request(file, index);
    else this.enqueue(file, side, index);
  }

  /** A dma-buf that `size` bytes fit into, mostly. */
  protected importable(size: number): { readonly fd: number } {
    const { random } = this;
    if (this.wildly(0.1)) {
      return { fd: random.pick([-1, 0, 9999, ...this.#requests, ...this.files.map((f) => f.fd)]) };
    }
    const fitting = this.importables.filter((dmabuf) => dmabuf.size >= size);
    if (fitting.length > 1) return random.pick(fitting);
    const dmabuf = allocateFromHeap(HEAP, Math.max(size, 1));
    this.keep(this.importables, dmabuf);
    return dmabuf;
  }

  protected keep<T extends { close(): void }>(things: T[], thing: T): void {
    things.push(thing);
    if (things.length > this.facts.maxOpen) this.drop(things)?.close();
  }

  /** Mappings outlive their buffer and their file. */
  protected touch(file: F): void {
    const { random } = this;
    if (this.mappings.length === 0) return this.map(file, this.side());
    const { bytes } = random.pick(this.mappings);
    bytes[random.below(bytes.length)]++;
  }

  protected startOrStop(file: F, call: Ioctl, side: number): void {
    const argument = new Uint8Array(Uint32Array.of(side).buffer);
    this.spoil(argument);
    this.ioctl(file.fd, call, argument);
  }

  /** A request with controls and a buffer, most often queued. */
  protected request(file: F, index = this.anyIndex(file, this.facts.output)): void {
    const { random, facts } = this;
    if (this.#media < 0 || random.chance(0.05)) this.#openMedia();
    const argument = new Uint8Array(Int32Array.of(-1).buffer);
    if (this.ioctl(this.#media, MEDIA_IOC_REQUEST_ALLOC, argument) < 0) return;
    const [request] = new Int32Array(argument.buffer);
    this.#requests.push(request);
    if (this.#requests.length > facts.maxOpen) libc.close(this.drop(this.#requests)!);
    for (let i = random.below(3); i > 0; i--) {
      this.setControls(file, v4l2.V4L2_CTRL_WHICH_REQUEST_VAL, request);
    }
    this.enqueue(file, this.wildly(0.1) ? facts.capture : facts.output, index, request);
    if (this.wildly(0.1)) return;
    this.ioctl(request, MEDIA_REQUEST_IOC_QUEUE, argument);
  }

  #openMedia(): void {
    if (this.#media >= 0) libc.close(this.#media);
    this.#media = -1;
    this.#media = File.open(this.facts.mediaNode!(), O_RDWR).fd;
  }

  protected reuseRequest(): void {
    const { random } = this;
    if (this.#requests.length === 0) return;
    if (random.chance(0.3)) return void libc.close(this.drop(this.#requests)!);
    const call = random.pick([MEDIA_REQUEST_IOC_REINIT, MEDIA_REQUEST_IOC_QUEUE]);
    this.ioctl(random.pick(this.#requests), call, new Uint8Array(4));
  }

  protected poll(file: F): void {
    const { random } = this;
    const fd = random.pick([file.fd, ...this.#requests, ...this.importables.map(({ fd }) => fd)]);
    const events = new Poller({ path: file.path, fd }, random.below(0x800)).wait(random.below(3));
    this.count("poll", events);
  }

  /** Any number, any size, any content; also what V4L2 has and this driver has not. */
  protected anything(file: F): void {
    const { random } = this;
    const number = random.below(110);
    if (ALLOCATING.includes(number)) return;
    // An ioctl's size field has 14 bits.
    const argument = new Uint8Array(1 << 14);
    for (let i = random.below(64); i > 0; i--) argument[random.below(256)] = random.below(256);
    const size = random.pick([0, 4, 8, 64, 88, 208, 256, random.below(1 << 14)]);
    const request = _IOWR(random.pick(["V", "V", "V", "|", this.facts.magic]), number, size);
    this.ioctl(file.fd, { name: `ioctl 0x${request.toString(16)}`, request }, argument);
  }

  protected duplicate(file: F): void {
    if (this.files.length >= this.facts.maxOpen) return this.closeFile();
    const fd = this.count("dup", orErrno(raw.dup(file.fd)));
    if (fd >= 0) this.files.push({ ...file, fd });
  }

  #closeAll(): void {
    while (this.files.length > 0) this.closeFile();
    if (this.#media >= 0) libc.close(this.#media);
    this.#media = -1;
    this.lost = false;
  }

  protected closeFile(): void {
    if (this.files.length > 0) this.close(this.random.pick(this.files));
  }

  protected close(file: F): void {
    this.files.splice(this.files.indexOf(file), 1);
    libc.close(file.fd);
  }
}
