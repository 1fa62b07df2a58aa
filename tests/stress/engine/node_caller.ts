/**
 * A node with two queues called at random: its open files, what belongs to them, and an engine that makes
 * the calls of a table. Most arguments are nearly right: what is refused at the door tests the door only.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { SysError } from "../../../lib/sys/errno.ts";
import { File, O_NONBLOCK, O_RDONLY, O_RDWR } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { _IOWR, type Ioctl } from "../../../lib/uapi/ioctl_number.ts";
import { addressOf, libc } from "../../../lib/sys/libc.ts";
import type { Mapping } from "../../../lib/sys/mmap.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import {
  MEDIA_IOC_REQUEST_ALLOC,
  MEDIA_REQUEST_IOC_QUEUE,
  MEDIA_REQUEST_IOC_REINIT,
} from "../../../lib/uapi/media.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { HEAP } from "../../harness/context.ts";
import type { Random } from "../../harness/random.ts";
import { BAD_ADDRESSES, Caller } from "./caller.ts";
import { orErrno, raw } from "./libc.ts";
import { formatOf, sizesIn } from "./planes.ts";

/** Of a queue: VB2_MAX_FRAME. */
export const MAX_BUFFERS = 32;

// Numbers whose size this worker must not lose sight of.
const ALLOCATING = [v4l2.VIDIOC_S_FMT, v4l2.VIDIOC_REQBUFS, v4l2.VIDIOC_CREATE_BUFS]
  .map(({ request }) => request & 255);

const MMAP = v4l2.V4L2_MEMORY_MMAP;

/** An open file of the node, and what is believed to be true of it. Queues by V4L2_BUF_TYPE_*. */
export interface OpenFile {
  readonly path: string;
  readonly fd: number;
  /** Open for reading alone. */
  readonly readOnly: boolean;
  readonly memory: Record<number, number>;
  readonly buffers: Record<number, number>;
  /** Bytes of the planes of a buffer. */
  readonly planes: Record<number, readonly number[]>;
  /** Whether its OUTPUT buffers come with requests, as all of a queue's have to. */
  requests: boolean;
}

/** Something to import: from the heap, or exported by the node itself. */
interface Importable {
  readonly fd: number;
  readonly size: number;
  close(): void;
}

/** What a call is about, beside the file. */
export interface About {
  /** V4L2_BUF_TYPE_* of the queue. */
  readonly side: number;
  /** Of a buffer, or of how many. */
  readonly number?: number;
  /** Descriptor of the media request that it is for. */
  readonly request?: number;
}

interface Argument {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A call as a row: which one, how its argument is made, and what is known once it succeeded. */
export interface Call<A extends Argument = Argument> {
  readonly ioctl: Ioctl | ((caller: NodeCaller, argument: A) => Ioctl);
  argument(caller: NodeCaller, file: OpenFile, about: About): A;
  /** Of an argument that was spoilt, what would take all of a small guest's memory. */
  limit?(caller: NodeCaller, file: OpenFile, about: About, argument: A): void;
  done?(caller: NodeCaller, file: OpenFile, about: About, argument: A): void;
}

/** What to do, as often as it is worth. */
export type Row = readonly [
  weight: number,
  call: Call | ((caller: NodeCaller, file: OpenFile) => void),
];

/** Which node, and how far to go with it. */
export interface NodeFacts {
  readonly table: readonly Row[];
  /** One of its nodes. */
  path(random: Random): string;
  /** Where it takes requests. */
  mediaNode?(): string;
  /** V4L2_BUF_TYPE_* of both queues. */
  readonly output: number;
  readonly capture: number;
  /** V4L2_MEMORY_* that a queue has, each as often as it is worth. */
  memories(side: number): readonly number[];
  /** What one side is told: the sides whose format a client sets, and one that it may have. */
  readonly formatSides: readonly number[];
  format(
    caller: NodeCaller,
    file: OpenFile,
    side: number,
  ): { width: number; height: number; pixelformat: number; sizeimage?: number };
  /** No format that is larger is set. */
  readonly largest: { readonly side: number; readonly bytes: number };
  /** A queue has at most 32 buffers, too much for a small guest, so stay below. */
  readonly queueBytes: number;
  /** A control, one more than there is now and then, with a value that it may have. */
  control?(caller: NodeCaller): { id: number; value: number };
  /** VIDIOC_S_EXT_CTRLS, as a request is filled with it. */
  readonly controls: Call | ((caller: NodeCaller, file: OpenFile, about: About) => void);
  event(caller: NodeCaller): { type: number; id?: number };
  /** At most so many of each kind of thing that is opened. */
  readonly maxOpen: number;
  /** Of this project's own ioctls, which the node does not have. */
  readonly magic: string;
  /** Whether a file's frames may come with requests. */
  takesRequests?(file: OpenFile): boolean;
  /** One program has either side, and the other side another one. */
  readonly oneSided?: boolean;
  /** What a side needs that has its buffers. */
  prepare?(caller: NodeCaller, file: OpenFile, side: number): void;
  /** Looks at memory of which a part may be only read, in place of writing there. */
  look?(bytes: Uint8Array): void;
  /** Whether an OUTPUT buffer may go on with the picture of the one before. */
  readonly holds?: boolean;
  /** Whether a new file is for reading alone, now and then. */
  readonly readers?: boolean;
}

/** Open files of the node and what belongs to them, and random calls on all of it. */
export class NodeCaller extends Caller {
  readonly files: OpenFile[] = [];
  readonly importables: Importable[] = [];
  readonly mappings: Mapping[] = [];
  /** Index of the last buffer that came back. */
  dequeued = 0;
  readonly #requests: number[] = [];
  #media = -1;
  readonly #lots: readonly Row[1][];
  // What the kernel gets addresses of has to outlive the call.
  readonly #memory = new Uint8Array(2 << 20);

  constructor(random: Random, readonly facts: NodeFacts) {
    super(random);
    this.#lots = facts.table.flatMap(([weight, call]) => Array(weight).fill(call));
  }

  /** Adds an open file: `fd`, or a new one. */
  open(fd?: number): OpenFile {
    const { facts, random } = this;
    const { output, capture } = facts;
    const path = facts.path(random);
    const readOnly = fd === undefined && facts.readers === true && random.chance(0.3);
    fd ??= File.open(path, (readOnly ? O_RDONLY : O_RDWR) | O_NONBLOCK).fd;
    const file = {
      ...{ path, fd, readOnly, requests: false },
      memory: { [output]: MMAP, [capture]: MMAP },
      buffers: { [output]: 4, [capture]: 4 },
      planes: { [output]: [4096], [capture]: [4096] },
    };
    this.files.push(file);
    this.refresh(file);
    return file;
  }

  /** One random call, or a few that belong together. */
  step(): void {
    try {
      // For a while, a file without a device is worth a call too.
      if (this.lost && this.random.chance(0.05)) this.#closeAll();
      if (this.files.length === 0) this.open();
      const call = this.random.pick(this.#lots);
      const file = this.random.pick(this.files);
      if (typeof call === "function") call(this, file);
      else this.make(file, call);
    } catch (error) {
      // The set-up of a call failed: an open, a mapping, a heap.
      if (!(error instanceof SysError)) throw error;
      this.count(error.call, -error.code);
    }
  }

  /** Makes a call of a table; returns its result, or the negated errno. */
  make(file: OpenFile, call: Call, about: About = { side: this.side() }): number {
    const argument = call.argument(this, file, about);
    this.spoil(argument.bytes);
    call.limit?.(this, file, about, argument);
    const { ioctl } = call;
    const which = typeof ioctl === "function" ? ioctl(this, argument) : ioctl;
    const result = this.ioctl(file.fd, which, argument.bytes);
    if (result >= 0) call.done?.(this, file, about, argument);
    return result;
  }

  side(): number {
    return this.random.pick([this.facts.output, this.facts.capture]);
  }

  anyIndex(file: OpenFile, side: number): number {
    return this.random.below(Math.min(file.buffers[side], MAX_BUFFERS) + 1);
  }

  memoryKind(side: number): number {
    return this.wildly(0.1) ? this.random.below(6) : this.random.pick(this.facts.memories(side));
  }

  /** Planes as they are now: whoever shares the file, or the node, may have changed them. */
  refresh(file: OpenFile): void {
    for (const side of [this.facts.output, this.facts.capture]) {
      const format = formatOf(side);
      if (tryIoctl(file.fd, v4l2.VIDIOC_G_FMT.request, format.bytes) < 0) continue;
      file.planes[side] = sizesIn(format).map(({ sizeimage }) => sizeimage);
    }
  }

  /** As many buffers as are wanted, if they are not too much: one then. */
  affordable(file: OpenFile, side: number, count: number): number {
    this.refresh(file);
    const size = file.planes[side].reduce((sum, plane) => sum + plane, 0);
    const bytes = Math.min(count, MAX_BUFFERS) * size;
    return bytes <= this.facts.queueBytes ? count : Math.min(count, 1);
  }

  /** An address of this process's own memory, at any alignment. */
  anywhere(size: number): bigint {
    const room = Math.max(this.#memory.length - size, 1);
    return addressOf(this.#memory) + BigInt(this.random.below(Math.min(room, 8192)));
  }

  /** Mostly memory of this process; or the node's own, or what cannot be pinned. */
  userPointer(size: number): bigint {
    const { random } = this;
    if (this.wildly(0.1)) return random.pick(BAD_ADDRESSES);
    if (this.wildly(0.15) && this.mappings.length > 0) {
      return addressOf(random.pick(this.mappings).bytes);
    }
    return this.anywhere(size);
  }

  /** Queues a buffer in the way that this queue's buffers are. */
  give(file: OpenFile, queue: Call, side: number, number = this.anyIndex(file, side)): void {
    if (side === this.facts.output && file.requests) this.request(file, queue, number);
    else this.make(file, queue, { side, number });
  }

  /** A dma-buf that `size` bytes fit into, mostly. */
  importable(size: number): { readonly fd: number } {
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

  keep<T extends { close(): void }>(things: T[], thing: T): void {
    things.push(thing);
    if (things.length > this.facts.maxOpen) this.drop(things)?.close();
  }

  /** Mappings outlive their buffer and their file. */
  touch(file: OpenFile, query: Call): void {
    const { random, facts: { look } } = this;
    if (this.mappings.length === 0) return void this.make(file, query);
    const { bytes } = random.pick(this.mappings);
    if (look) look(bytes);
    else bytes[random.below(bytes.length)]++;
  }

  /** Waits a moment for something to read. */
  waitForFrame(file: OpenFile): void {
    new Poller(file, POLLIN).wait(this.random.below(5));
  }

  /** A request with controls and a buffer, most often queued. */
  request(file: OpenFile, queue: Call, number?: number): void {
    const { random, facts } = this;
    number ??= this.anyIndex(file, facts.output);
    if (this.#media < 0 || random.chance(0.05)) this.#openMedia();
    const argument = new Uint8Array(Int32Array.of(-1).buffer);
    if (this.ioctl(this.#media, MEDIA_IOC_REQUEST_ALLOC, argument) < 0) return;
    const [request] = new Int32Array(argument.buffer);
    this.#requests.push(request);
    if (this.#requests.length > facts.maxOpen) libc.close(this.drop(this.#requests)!);
    for (let i = random.below(3); i > 0; i--) {
      const { controls } = facts;
      const about = { side: facts.output, request };
      if (typeof controls === "function") controls(this, file, about);
      else this.make(file, controls, about);
    }
    const side = this.wildly(0.1) ? facts.capture : facts.output;
    this.make(file, queue, { side, number, request });
    if (this.wildly(0.1)) return;
    this.ioctl(request, MEDIA_REQUEST_IOC_QUEUE, argument);
  }

  #openMedia(): void {
    if (this.#media >= 0) libc.close(this.#media);
    this.#media = -1;
    this.#media = File.open(this.facts.mediaNode!(), O_RDWR).fd;
  }

  reuseRequest(): void {
    const { random } = this;
    if (this.#requests.length === 0) return;
    if (random.chance(0.3)) return void libc.close(this.drop(this.#requests)!);
    const call = random.pick([MEDIA_REQUEST_IOC_REINIT, MEDIA_REQUEST_IOC_QUEUE]);
    this.ioctl(random.pick(this.#requests), call, new Uint8Array(4));
  }

  poll(file: OpenFile): void {
    const { random } = this;
    const fd = random.pick([file.fd, ...this.#requests, ...this.importables.map(({ fd }) => fd)]);
    const events = new Poller({ path: file.path, fd }, random.below(0x800)).wait(random.below(3));
    this.count("poll", events);
  }

  /** Any number, any size, any content; also what V4L2 has and this driver has not. */
  anything(file: OpenFile): void {
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

  duplicate(file: OpenFile): void {
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

  closeFile(): void {
    if (this.files.length > 0) this.close(this.random.pick(this.files));
  }

  close(file: OpenFile): void {
    this.files.splice(this.files.indexOf(file), 1);
    libc.close(file.fd);
  }
}
