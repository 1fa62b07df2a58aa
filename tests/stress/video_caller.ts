/**
 * The filter's video node, called at random. Most arguments are nearly right: what is refused at
 * the door tests the door only.
 *
 * @module
 */
import { allocateFromHeap } from "../../lib/dmabuf/dma_heap.ts";
import { SysError } from "../../lib/sys/errno.ts";
import { File, O_NONBLOCK, O_RDWR } from "../../lib/sys/file.ts";
import { tryIoctl } from "../../lib/sys/ioctl.ts";
import { _IOWR, type Ioctl } from "../../lib/sys/ioctl_number.ts";
import { addressOf, libc } from "../../lib/sys/libc.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import { Poller } from "../../lib/sys/poll.ts";
import {
  MEDIA_IOC_REQUEST_ALLOC,
  MEDIA_REQUEST_IOC_QUEUE,
  MEDIA_REQUEST_IOC_REINIT,
} from "../../lib/v4l2/media.ts";
import * as v4l2 from "../../lib/v4l2/videodev2.ts";
import { VPIPE_CID_BASE } from "../../lib/vpipe/uapi.ts";
import { HEAP } from "../check/context.ts";
import { BAD_ADDRESSES, Caller } from "./caller.ts";
import { mediaNode, videoNode } from "./filter.ts";
import { orErrno, raw } from "./libc.ts";
import * as uapi from "./uapi.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const MMAP = v4l2.V4L2_MEMORY_MMAP;
const USERPTR = v4l2.V4L2_MEMORY_USERPTR;
const DMABUF = v4l2.V4L2_MEMORY_DMABUF;

type Side = typeof OUTPUT | typeof CAPTURE;

/** A queue has at most 32 buffers of at most 16 MiB: too much for a small guest, so stay below. */
const MAX_BUFFERS = 32;
const QUEUE_BYTES = 8 << 20;

/** At most so many of each kind of thing that is opened. */
const MAX_OPEN = 8;

// linux/videodev2.h has it only since Linux 6.10.
const VIDIOC_REMOVE_BUFS = { name: "VIDIOC_REMOVE_BUFS", request: _IOWR("V", 104, 64) };

// Numbers whose size this worker must not lose sight of.
const ALLOCATING = [v4l2.VIDIOC_S_FMT, v4l2.VIDIOC_REQBUFS, uapi.VIDIOC_CREATE_BUFS]
  .map(({ request }) => request & 255);

/** An open file of the node, and what is believed to be true of it. */
interface OpenFile {
  readonly path: string;
  readonly fd: number;
  /** Bytes of a frame. */
  size: number;
  readonly memory: Record<Side, number>;
  readonly buffers: Record<Side, number>;
  /** Whether its OUTPUT buffers come with requests, as all of a queue's have to. */
  requests: boolean;
}

/** Something to import: from the heap, or exported by the node itself. */
interface Importable {
  readonly fd: number;
  readonly size: number;
  close(): void;
}

/** Open files of the node and what belongs to them, and random calls on all of it. */
export class VideoCaller extends Caller {
  readonly #files: OpenFile[] = [];
  readonly #importables: Importable[] = [];
  readonly #mappings: Mapping[] = [];
  readonly #requests: number[] = [];
  #media = -1;

  // What the kernel gets addresses of has to outlive the call.
  readonly #memory = new Uint8Array(2 << 20);
  readonly #controls = new Uint8Array(v4l2.v4l2_ext_control.size * MAX_BUFFERS);

  readonly #actions: readonly [weight: number, action: (file: OpenFile) => void][] = [
    [6, (file) => this.#stream(file)],
    [14, (file) => this.#give(file, this.#side())],
    [14, (file) => this.#dequeue(file, this.#side())],
    [2, (file) => this.#setFormat(file)],
    [3, (file) => this.#requestBuffers(file, this.#side())],
    [2, (file) => this.#createBuffers(file)],
    [2, (file) => this.#removeBuffers(file)],
    [4, (file) => this.#map(file)],
    [2, (file) => this.#touch(file)],
    [2, () => this.drop(this.#mappings)?.close()],
    [3, (file) => this.#export(file)],
    [1, () => this.drop(this.#importables)?.close()],
    [2, (file) => this.#start(file, this.#side())],
    [2, (file) => this.#stop(file, this.#side())],
    [4, (file) => this.#setControl(file)],
    [3, (file) => this.#setControls(file, 0, -1)],
    [2, (file) => this.#request(file)],
    [2, () => this.#reuseRequest()],
    [3, (file) => this.#events(file)],
    [2, (file) => this.#poll(file)],
    [3, (file) => this.#anything(file)],
    [1, (file) => this.#duplicate(file)],
    [1, () => this.#closeFile()],
  ];
  readonly #lots = this.#actions.flatMap(([weight, action]) => Array(weight).fill(action));

  /** Adds an open file: `fd`, or a new one. */
  open(fd?: number): OpenFile {
    const path = videoNode();
    fd ??= File.open(path, O_RDWR | O_NONBLOCK).fd;
    const file = {
      path,
      fd,
      size: 640 * 480,
      memory: { [OUTPUT]: MMAP, [CAPTURE]: MMAP },
      buffers: { [OUTPUT]: 4, [CAPTURE]: 4 },
      requests: false,
    };
    this.#files.push(file);
    return file;
  }

  /** One random call, or a few that belong together. */
  step(): void {
    try {
      // For a while, a file without a device is worth a call too.
      if (this.lost && this.random.chance(0.05)) this.#closeAll();
      if (this.#files.length === 0) this.open();
      this.random.pick(this.#lots)(this.random.pick(this.#files));
    } catch (error) {
      // The set-up of a call failed: an open, a mapping, a heap.
      if (!(error instanceof SysError)) throw error;
      this.count(error.call, -error.code);
    }
  }

  #side(): Side {
    return this.random.pick([OUTPUT, CAPTURE]);
  }

  #memoryKind(side: Side): number {
    if (this.wildly(0.1)) return this.random.below(6);
    return this.random.pick(side === OUTPUT ? [MMAP, USERPTR, DMABUF] : [MMAP, DMABUF]);
  }

  /** A complete stream from its format on, left running. */
  #stream(file: OpenFile): void {
    const { random } = this;
    this.tamely(() => {
      for (const side of [OUTPUT, CAPTURE] as const) {
        this.#stop(file, side);
        this.#requestBuffers(file, side, 0);
      }
      this.#setFormat(file);
      file.requests = random.chance(0.4);
      for (const side of [OUTPUT, CAPTURE] as const) {
        this.#requestBuffers(file, side, random.between(1, 4));
      }
      for (const side of random.shuffle([OUTPUT, CAPTURE] as const)) {
        for (let i = 0; i < file.buffers[side]; i++) this.#give(file, side, i);
        this.#start(file, side);
      }
      for (let i = random.below(12); i > 0; i--) {
        const side = this.#side();
        const index = this.#dequeue(file, side);
        if (index >= 0) this.#give(file, side, index);
      }
    });
  }

  #setFormat(file: OpenFile): void {
    const { random } = this;
    const largest = random.pick([16, 64, 64, 128, 640]);
    const format = v4l2.v4l2_format.alloc({
      type: this.#side(),
      width: random.between(1, largest),
      height: random.between(1, largest),
      pixelformat: v4l2.V4L2_PIX_FMT_GREY,
      field: v4l2.V4L2_FIELD_NONE,
    });
    this.spoil(format.bytes);
    this.ioctl(
      file.fd,
      random.chance(0.1) ? uapi.VIDIOC_TRY_FMT : v4l2.VIDIOC_S_FMT,
      format.bytes,
    );
    this.#refresh(file);
  }

  /** Frame size as it is now: whoever shares the file may have changed it. */
  #refresh(file: OpenFile): void {
    const format = v4l2.v4l2_format.alloc({ type: OUTPUT });
    if (tryIoctl(file.fd, v4l2.VIDIOC_G_FMT.request, format.bytes) >= 0) {
      file.size = format.sizeimage;
    }
  }

  #affordable(file: OpenFile, count: number): number {
    this.#refresh(file);
    return Math.min(count, MAX_BUFFERS) * file.size <= QUEUE_BYTES ? count : 1;
  }

  #requestBuffers(file: OpenFile, side: Side, wanted = this.random.pick([0, 0, 1, 2, 4, 32, 99])) {
    const memory = this.#memoryKind(side);
    const request = v4l2.v4l2_requestbuffers.alloc({ count: wanted, type: side, memory });
    this.spoil(request.bytes);
    request.count = this.#affordable(file, request.count);
    if (this.ioctl(file.fd, v4l2.VIDIOC_REQBUFS, request.bytes) < 0) return;
    file.memory[side] = memory;
    file.buffers[side] = request.count;
  }

  #createBuffers(file: OpenFile): void {
    const { random } = this;
    const type = this.#side();
    this.#refresh(file);
    const request = uapi.v4l2_create_buffers.alloc({
      type,
      memory: random.chance(0.8) ? file.memory[type] : this.#memoryKind(type),
      width: 640,
      height: 480,
      pixelformat: v4l2.V4L2_PIX_FMT_GREY,
      field: v4l2.V4L2_FIELD_NONE,
    });
    this.spoil(request.bytes);
    request.count = this.#affordable(file, random.pick([0, 1, 1, 2, 40]));
    request.sizeimage = random.pick([0, 1, file.size - 1, file.size, file.size, file.size + 1]);
    if (this.ioctl(file.fd, uapi.VIDIOC_CREATE_BUFS, request.bytes) >= 0) {
      file.buffers[type] += request.count;
    }
  }

  #removeBuffers(file: OpenFile): void {
    const type = this.#side();
    // index, count, type
    const words = new Uint32Array(16);
    words.set([this.random.below(file.buffers[type] + 2), this.random.below(4), type]);
    const argument = new Uint8Array(words.buffer);
    this.spoil(argument);
    this.ioctl(file.fd, VIDIOC_REMOVE_BUFS, argument);
  }

  #buffer(file: OpenFile, type: Side, index: number) {
    const memory = file.memory[type];
    return uapi.v4l2_userptr_buffer.alloc({ index, type, memory });
  }

  #anyIndex(file: OpenFile, side: Side): number {
    return this.random.below(file.buffers[side] + 1);
  }

  /** Queues a buffer in the way that this queue's buffers are. */
  #give(file: OpenFile, side: Side, index = this.#anyIndex(file, side)): void {
    if (side === OUTPUT && file.requests) this.#request(file, index);
    else this.#enqueue(file, side, index);
  }

  #enqueue(file: OpenFile, side: Side, index: number, request?: number): void {
    const { random } = this;
    const buffer = this.#buffer(file, side, index);
    buffer.field = random.pick([0, v4l2.V4L2_FIELD_NONE]);
    buffer.length = file.size;
    buffer.bytesused = side === OUTPUT ? random.pick([0, file.size, file.size]) : 0;
    if (buffer.memory === USERPTR) buffer.userptr = this.#userPointer(file);
    else if (buffer.memory === DMABUF) buffer.fd = this.#importable(file.size).fd;
    if (request !== undefined) {
      buffer.flags = v4l2.V4L2_BUF_FLAG_REQUEST_FD;
      buffer.request_fd = request;
    }
    this.spoil(buffer.bytes);
    const call = this.wildly(0.1) ? uapi.VIDIOC_PREPARE_BUF : v4l2.VIDIOC_QBUF;
    this.ioctl(file.fd, call, buffer.bytes);
  }

  /** Memory of this process: mostly its own, at any alignment; or what cannot be pinned. */
  #userPointer(file: OpenFile): bigint {
    const { random } = this;
    if (this.wildly(0.1)) return random.pick(BAD_ADDRESSES);
    if (this.wildly(0.1) && this.#mappings.length > 0) {
      return addressOf(random.pick(this.#mappings).bytes);
    }
    const room = Math.max(this.#memory.length - file.size, 1);
    return addressOf(this.#memory) + BigInt(random.below(Math.min(room, 8192)));
  }

  /** A dma-buf that a frame of `size` bytes fits into, mostly. */
  #importable(size: number): { readonly fd: number } {
    const { random } = this;
    if (this.wildly(0.1)) {
      return { fd: random.pick([-1, 0, 9999, ...this.#requests, ...this.#files.map((f) => f.fd)]) };
    }
    const fitting = this.#importables.filter((dmabuf) => dmabuf.size >= size);
    if (fitting.length > 1) return random.pick(fitting);
    const dmabuf = allocateFromHeap(HEAP, size);
    this.#keep(this.#importables, dmabuf);
    return dmabuf;
  }

  #keep<T extends { close(): void }>(things: T[], thing: T): void {
    things.push(thing);
    if (things.length > MAX_OPEN) this.drop(things)?.close();
  }

  /** Returns the index of the buffer, or the negated errno. */
  #dequeue(file: OpenFile, side: Side): number {
    const buffer = this.#buffer(file, side, 0);
    this.spoil(buffer.bytes);
    const result = this.ioctl(file.fd, v4l2.VIDIOC_DQBUF, buffer.bytes);
    if (result < 0) return result;
    if (buffer.type === CAPTURE && !(buffer.flags & v4l2.V4L2_BUF_FLAG_ERROR)) this.tally.results++;
    return buffer.index;
  }

  #map(file: OpenFile): void {
    const side = this.#side();
    const buffer = this.#buffer(file, side, this.#anyIndex(file, side));
    this.spoil(buffer.bytes);
    if (this.ioctl(file.fd, v4l2.VIDIOC_QUERYBUF, buffer.bytes) < 0) return;
    const { length, offset } = buffer;
    if (buffer.memory !== MMAP || length === 0 || length > QUEUE_BYTES) return;
    this.#keep(this.#mappings, Mapping.shared(file, length, offset));
  }

  /** Mappings outlive their buffer and their file. */
  #touch(file: OpenFile): void {
    const { random } = this;
    if (this.#mappings.length === 0) return this.#map(file);
    const { bytes } = random.pick(this.#mappings);
    bytes[random.below(bytes.length)]++;
  }

  #export(file: OpenFile): void {
    const type = this.#side();
    const index = this.#anyIndex(file, type);
    const request = v4l2.v4l2_exportbuffer.alloc({ type, index, flags: O_RDWR });
    this.spoil(request.bytes);
    if (this.ioctl(file.fd, v4l2.VIDIOC_EXPBUF, request.bytes) < 0) return;
    const exported = new File("exported buffer", request.fd);
    const { size } = file;
    this.#keep(this.#importables, { fd: exported.fd, size, close: () => exported.close() });
  }

  #start(file: OpenFile, side: Side): void {
    this.#startOrStop(file, v4l2.VIDIOC_STREAMON, side);
  }

  #stop(file: OpenFile, side: Side): void {
    this.#startOrStop(file, v4l2.VIDIOC_STREAMOFF, side);
  }

  #startOrStop(file: OpenFile, call: Ioctl, side: Side): void {
    const argument = new Uint8Array(Uint32Array.of(side).buffer);
    this.spoil(argument);
    this.ioctl(file.fd, call, argument);
  }

  #anyControl(): { id: number; value: number } {
    const { random } = this;
    // One more than there is.
    const number = this.wildly(0.1) ? 7 : random.below(7);
    return { id: VPIPE_CID_BASE + number, value: random.pick([0, 1, 7, 64, 255, 4096]) };
  }

  #setControl(file: OpenFile): void {
    const control = v4l2.v4l2_control.alloc(this.#anyControl());
    this.spoil(control.bytes);
    const call = this.random.pick([v4l2.VIDIOC_S_CTRL, v4l2.VIDIOC_G_CTRL]);
    this.ioctl(file.fd, call, control.bytes);
  }

  #setControls(file: OpenFile, which: number, request_fd: number): void {
    const { random } = this;
    const amount = random.between(1, 7);
    for (let i = 0; i < amount; i++) {
      const control = v4l2.v4l2_ext_control.at(this.#controls, i * v4l2.v4l2_ext_control.size);
      Object.assign(control, this.#anyControl(), { size: 0 });
    }
    this.spoil(this.#controls);
    const controls = addressOf(this.#controls);
    const argument = v4l2.v4l2_ext_controls.alloc({ which, count: amount, request_fd, controls });
    this.spoil(argument.bytes);
    const call = this.wildly(0.3) ? uapi.VIDIOC_G_EXT_CTRLS : v4l2.VIDIOC_S_EXT_CTRLS;
    this.ioctl(file.fd, call, argument.bytes);
  }

  /** A request with controls and a buffer, most often queued. */
  #request(file: OpenFile, index = this.#anyIndex(file, OUTPUT)): void {
    const { random } = this;
    if (this.#media < 0 || random.chance(0.05)) this.#openMedia();
    const argument = new Uint8Array(Int32Array.of(-1).buffer);
    if (this.ioctl(this.#media, MEDIA_IOC_REQUEST_ALLOC, argument) < 0) return;
    const [request] = new Int32Array(argument.buffer);
    this.#requests.push(request);
    if (this.#requests.length > MAX_OPEN) libc.close(this.drop(this.#requests)!);
    for (let i = random.below(3); i > 0; i--) {
      this.#setControls(file, v4l2.V4L2_CTRL_WHICH_REQUEST_VAL, request);
    }
    const side = this.wildly(0.1) ? CAPTURE : OUTPUT;
    this.#enqueue(file, side, index, request);
    if (this.wildly(0.1)) return;
    this.ioctl(request, MEDIA_REQUEST_IOC_QUEUE, argument);
  }

  #openMedia(): void {
    if (this.#media >= 0) libc.close(this.#media);
    this.#media = -1;
    this.#media = File.open(mediaNode(), O_RDWR).fd;
  }

  #reuseRequest(): void {
    const { random } = this;
    if (this.#requests.length === 0) return;
    if (random.chance(0.3)) return void libc.close(this.drop(this.#requests)!);
    const call = random.pick([MEDIA_REQUEST_IOC_REINIT, MEDIA_REQUEST_IOC_QUEUE]);
    this.ioctl(random.pick(this.#requests), call, new Uint8Array(4));
  }

  #events(file: OpenFile): void {
    const { random } = this;
    const { id } = this.#anyControl();
    const subscription = uapi.v4l2_event_subscription.alloc({ type: uapi.V4L2_EVENT_CTRL, id });
    this.spoil(subscription.bytes);
    const call = random.pick([uapi.VIDIOC_SUBSCRIBE_EVENT, uapi.VIDIOC_UNSUBSCRIBE_EVENT]);
    this.ioctl(file.fd, call, subscription.bytes);
    this.ioctl(file.fd, uapi.VIDIOC_DQEVENT, uapi.v4l2_event.alloc().bytes);
  }

  #poll(file: OpenFile): void {
    const { random } = this;
    const fd = random.pick([file.fd, ...this.#requests, ...this.#importables.map(({ fd }) => fd)]);
    const events = new Poller({ path: file.path, fd }, random.below(0x800)).wait(random.below(3));
    this.count("poll", events);
  }

  /** Any number, any size, any content; also what V4L2 has and this driver has not. */
  #anything(file: OpenFile): void {
    const { random } = this;
    const number = random.below(110);
    if (ALLOCATING.includes(number)) return;
    // An ioctl's size field has 14 bits.
    const argument = new Uint8Array(1 << 14);
    for (let i = random.below(64); i > 0; i--) argument[random.below(256)] = random.below(256);
    const size = random.pick([0, 4, 8, 64, 88, 256, random.below(1 << 14)]);
    const request = _IOWR(random.pick(["V", "V", "V", "|", "p"]), number, size);
    this.ioctl(file.fd, { name: `ioctl 0x${request.toString(16)}`, request }, argument);
  }

  #duplicate(file: OpenFile): void {
    if (this.#files.length >= MAX_OPEN) return this.#closeFile();
    const fd = this.count("dup", orErrno(raw.dup(file.fd)));
    if (fd >= 0) this.#files.push({ ...file, fd });
  }

  #closeAll(): void {
    while (this.#files.length > 0) this.#closeFile();
    if (this.#media >= 0) libc.close(this.#media);
    this.#media = -1;
    this.lost = false;
  }

  #closeFile(): void {
    const file = this.drop(this.#files);
    if (file !== undefined) libc.close(file.fd);
  }
}
