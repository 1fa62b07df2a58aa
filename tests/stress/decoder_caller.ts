/**
 * The decoder's video node, called at random. Most arguments are nearly right: what is refused at
 * the door tests the door only.
 *
 * @module
 */
import { V4L2_CID_STATELESS_AV1_SEQUENCE } from "../../lib/codec/av1_controls.ts";
import {
  V4L2_CID_STATELESS_H264_SPS,
  V4L2_CID_STATELESS_VP9_FRAME,
} from "../../lib/codec/controls.ts";
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
import { HEAP } from "../check/context.ts";
import { Caller } from "./caller.ts";
import { decoder } from "./decoder.ts";
import { CAPTURE, OUTPUT, type Side, SIDES } from "./decoder_client.ts";
import { orErrno, raw } from "./libc.ts";
import * as uapi from "./uapi.ts";

const MMAP = v4l2.V4L2_MEMORY_MMAP;
const DMABUF = v4l2.V4L2_MEMORY_DMABUF;

/** Small pictures, and bitstream of the least size: 32 buffers of each fit a small guest. */
const MAX_SIDE = 64;
const OUTPUT_BYTES = 1 << 16;
const MAX_BUFFERS = 32;
const MAX_PLANES = 8;

/** At most so many of each kind of thing that is opened. */
const MAX_OPEN = 6;

const CODED = [
  v4l2.V4L2_PIX_FMT_VP9_FRAME,
  v4l2.V4L2_PIX_FMT_H264_SLICE,
  v4l2.fourcc("AV1F"),
];
const RAW = [v4l2.V4L2_PIX_FMT_NV12, v4l2.V4L2_PIX_FMT_NV12M, v4l2.V4L2_PIX_FMT_P010];

/** Where the numbers of each codec's stateless controls begin. */
const CONTROL_BASES = [
  V4L2_CID_STATELESS_H264_SPS,
  V4L2_CID_STATELESS_VP9_FRAME,
  V4L2_CID_STATELESS_AV1_SEQUENCE,
];

// linux/videodev2.h has it only since Linux 6.10.
const VIDIOC_REMOVE_BUFS = { name: "VIDIOC_REMOVE_BUFS", request: _IOWR("V", 104, 64) };

// Numbers whose size this worker must not lose sight of.
const ALLOCATING = [v4l2.VIDIOC_S_FMT, v4l2.VIDIOC_REQBUFS, uapi.VIDIOC_CREATE_BUFS]
  .map(({ request }) => request & 255);

/** An open file of the node, and what is believed to be true of it. */
interface OpenFile {
  readonly path: string;
  readonly fd: number;
  readonly memory: Record<Side, number>;
  readonly buffers: Record<Side, number>;
  /** Sizes of the planes of a buffer. */
  readonly planes: Record<Side, number[]>;
  requests: boolean;
}

interface Importable {
  readonly fd: number;
  readonly size: number;
  close(): void;
}

/** Open files of the node and what belongs to them, and random calls on all of it. */
export class DecoderCaller extends Caller {
  readonly #files: OpenFile[] = [];
  readonly #importables: Importable[] = [];
  readonly #mappings: Mapping[] = [];
  readonly #requests: number[] = [];
  #media = -1;

  // What the kernel gets addresses of has to outlive the call.
  readonly #planes = new Uint8Array(v4l2.v4l2_plane.size * MAX_PLANES);
  readonly #controls = new Uint8Array(v4l2.v4l2_ext_control.size * MAX_PLANES);
  readonly #payload = new Uint8Array(1 << 16);

  readonly #actions: readonly [weight: number, action: (file: OpenFile) => void][] = [
    [8, (file) => this.#stream(file)],
    [16, (file) => this.#give(file, this.#side())],
    [16, (file) => this.#dequeue(file, this.#side())],
    [2, (file) => this.#setFormat(file, this.#side())],
    [3, (file) => this.#requestBuffers(file, this.#side())],
    [2, (file) => this.#createBuffers(file, this.#side())],
    [2, (file) => this.#removeBuffers(file, this.#side())],
    [4, (file) => this.#map(file, this.#side())],
    [2, (file) => this.#touch(file)],
    [2, () => this.drop(this.#mappings)?.close()],
    [3, (file) => this.#export(file, this.#side())],
    [1, () => this.drop(this.#importables)?.close()],
    [3, (file) => this.#startOrStop(file, v4l2.VIDIOC_STREAMON, this.#side())],
    [3, (file) => this.#startOrStop(file, v4l2.VIDIOC_STREAMOFF, this.#side())],
    [6, (file) => this.#setControls(file, 0, -1)],
    [3, (file) => this.#request(file)],
    [2, () => this.#reuseRequest()],
    [2, (file) => this.#poll(file)],
    [1, (file) => this.#command(file)],
    [3, (file) => this.#anything(file)],
    [1, (file) => this.#duplicate(file)],
    [1, () => this.#closeFile()],
  ];
  readonly #lots = this.#actions.flatMap(([weight, action]) => Array(weight).fill(action));

  /** Adds an open file: `fd`, or a new one. */
  open(fd?: number): OpenFile {
    const path = decoder.videoNode();
    fd ??= File.open(path, O_RDWR | O_NONBLOCK).fd;
    const file = {
      path,
      fd,
      memory: { [OUTPUT]: MMAP, [CAPTURE]: MMAP },
      buffers: { [OUTPUT]: 4, [CAPTURE]: 4 },
      planes: { [OUTPUT]: [OUTPUT_BYTES], [CAPTURE]: [4096] },
      requests: false,
    };
    this.#files.push(file);
    // The default is too large for many of them.
    this.tamely(() => this.#setFormat(file, OUTPUT));
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
    return this.random.pick(SIDES);
  }

  #memoryKind(): number {
    return this.wildly(0.1) ? this.random.below(6) : this.random.pick([MMAP, MMAP, DMABUF]);
  }

  /** A complete stream from its format on, left running. */
  #stream(file: OpenFile): void {
    const { random } = this;
    this.tamely(() => {
      for (const side of SIDES) {
        this.#startOrStop(file, v4l2.VIDIOC_STREAMOFF, side);
        this.#requestBuffers(file, side, 0);
      }
      this.#setFormat(file, OUTPUT);
      this.#setFormat(file, CAPTURE);
      file.requests = random.chance(0.4);
      for (const side of SIDES) this.#requestBuffers(file, side, random.between(1, 4));
      for (const side of random.shuffle(SIDES)) {
        for (let i = 0; i < file.buffers[side]; i++) this.#give(file, side, i);
        this.#startOrStop(file, v4l2.VIDIOC_STREAMON, side);
      }
      for (let i = random.below(12); i > 0; i--) {
        const side = this.#side();
        const index = this.#dequeue(file, side);
        if (index >= 0) this.#give(file, side, index);
      }
    });
  }

  #setFormat(file: OpenFile, type: Side): void {
    const { random } = this;
    const format = v4l2.v4l2_format_mplane.alloc({
      type,
      width: random.between(1, MAX_SIDE),
      height: random.between(1, MAX_SIDE),
      pixelformat: random.pick(type === OUTPUT ? CODED : RAW),
      field: v4l2.V4L2_FIELD_NONE,
      sizeimage: OUTPUT_BYTES,
      num_planes: 1,
    });
    this.spoil(format.bytes);
    // Wild sizes are tried, not set: they would take all memory.
    const fits = format.width <= MAX_SIDE && format.height <= MAX_SIDE &&
      format.sizeimage <= OUTPUT_BYTES;
    const trial = random.chance(0.1) || !fits;
    this.ioctl(file.fd, trial ? uapi.VIDIOC_TRY_FMT : v4l2.VIDIOC_S_FMT, format.bytes);
    this.#refresh(file);
  }

  /** Planes as they are now: whoever shares the file may have changed them. */
  #refresh(file: OpenFile): void {
    for (const type of SIDES) {
      const format = v4l2.v4l2_format_mplane.alloc({ type });
      if (tryIoctl(file.fd, v4l2.VIDIOC_G_FMT.request, format.bytes) < 0) return;
      const first = v4l2.v4l2_format_mplane.fields.sizeimage.offset;
      const { size } = v4l2.v4l2_plane_pix_format;
      file.planes[type] = Array.from(
        { length: format.num_planes },
        (_, i) => v4l2.v4l2_plane_pix_format.at(format.bytes, first + i * size).sizeimage,
      );
    }
  }

  #requestBuffers(file: OpenFile, side: Side, count = this.random.pick([0, 0, 1, 2, 4, 32, 99])) {
    const memory = this.#memoryKind();
    const request = v4l2.v4l2_requestbuffers.alloc({ count, type: side, memory });
    this.spoil(request.bytes);
    if (this.ioctl(file.fd, v4l2.VIDIOC_REQBUFS, request.bytes) < 0) return;
    file.memory[side] = memory;
    file.buffers[side] = request.count;
  }

  #createBuffers(file: OpenFile, type: Side): void {
    const { random } = this;
    const bytes = new Uint8Array(uapi.v4l2_create_buffers.size);
    const request = uapi.v4l2_create_buffers.at(bytes);
    Object.assign(request, {
      type,
      memory: random.chance(0.8) ? file.memory[type] : this.#memoryKind(),
      count: random.pick([0, 1, 1, 2, 40]),
    });
    const format = v4l2.v4l2_format_mplane.at(bytes, uapi.v4l2_create_buffers.fields.type.offset);
    tryIoctl(file.fd, v4l2.VIDIOC_G_FMT.request, format.bytes);
    if (this.wildly(0.3)) format.sizeimage = random.pick([0, 1, format.sizeimage - 1, 1 << 20]);
    if (this.wildly(0.1)) format.num_planes = random.below(9);
    if (this.ioctl(file.fd, uapi.VIDIOC_CREATE_BUFS, bytes) >= 0) {
      file.buffers[type] += request.count;
    }
  }

  #removeBuffers(file: OpenFile, type: Side): void {
    // index, count, type
    const words = new Uint32Array(16);
    words.set([this.random.below(file.buffers[type] + 2), this.random.below(4), type]);
    const argument = new Uint8Array(words.buffer);
    this.spoil(argument);
    this.ioctl(file.fd, VIDIOC_REMOVE_BUFS, argument);
  }

  #anyIndex(file: OpenFile, side: Side): number {
    return this.random.below(Math.min(file.buffers[side], MAX_BUFFERS) + 1);
  }

  #buffer(file: OpenFile, type: Side, index: number) {
    const buffer = v4l2.v4l2_buffer.alloc({ index, type, memory: file.memory[type] });
    this.#planes.fill(0);
    buffer.planes = addressOf(this.#planes);
    buffer.length = file.planes[type].length;
    return buffer;
  }

  #plane(i: number) {
    return v4l2.v4l2_plane.at(this.#planes, i * v4l2.v4l2_plane.size);
  }

  /** Queues a buffer in the way that this queue's buffers are. */
  #give(file: OpenFile, side: Side, index = this.#anyIndex(file, side)): void {
    if (side === OUTPUT && file.requests) this.#request(file, index);
    else this.#enqueue(file, side, index);
  }

  #enqueue(file: OpenFile, side: Side, index: number, request?: number): void {
    const { random } = this;
    const buffer = this.#buffer(file, side, index);
    buffer.timestamp_usec = random.below(1000);
    for (const [i, size] of file.planes[side].entries()) {
      const plane = this.#plane(i);
      plane.length = size;
      plane.bytesused = side === OUTPUT ? random.pick([0, 1, 100, size]) : 0;
      if (this.wildly(0.02)) plane.data_offset = random.below(100);
      if (buffer.memory === DMABUF) plane.fd = this.#importable(size).fd;
    }
    if (request !== undefined) {
      buffer.flags = v4l2.V4L2_BUF_FLAG_REQUEST_FD;
      buffer.request_fd = request;
    }
    this.spoil(this.random.chance(0.5) ? buffer.bytes : this.#planes);
    const call = this.wildly(0.1) ? uapi.VIDIOC_PREPARE_BUF : v4l2.VIDIOC_QBUF;
    this.ioctl(file.fd, call, buffer.bytes);
  }

  #importable(size: number): { readonly fd: number } {
    const { random } = this;
    if (this.wildly(0.1)) {
      return { fd: random.pick([-1, 0, 9999, ...this.#requests, ...this.#files.map((f) => f.fd)]) };
    }
    const fitting = this.#importables.filter((dmabuf) => dmabuf.size >= size);
    if (fitting.length > 1) return random.pick(fitting);
    const dmabuf = allocateFromHeap(HEAP, Math.max(size, 1));
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
    if (this.wildly(0.1)) buffer.length = this.random.below(10);
    this.spoil(buffer.bytes);
    const result = this.ioctl(file.fd, v4l2.VIDIOC_DQBUF, buffer.bytes);
    if (result < 0) return result;
    if (buffer.type === CAPTURE && !(buffer.flags & v4l2.V4L2_BUF_FLAG_ERROR)) this.tally.results++;
    return buffer.index;
  }

  #map(file: OpenFile, side: Side): void {
    const buffer = this.#buffer(file, side, this.#anyIndex(file, side));
    if (this.ioctl(file.fd, v4l2.VIDIOC_QUERYBUF, buffer.bytes) < 0) return;
    if (buffer.memory !== MMAP) return;
    const { length, mem_offset } = this.#plane(0);
    const offset = this.wildly(0.05) ? this.random.next() : mem_offset;
    if (length > 0) this.#keep(this.#mappings, Mapping.shared(file, length, offset));
  }

  /** Mappings outlive their buffer and their file. */
  #touch(file: OpenFile): void {
    const { random } = this;
    if (this.#mappings.length === 0) return this.#map(file, this.#side());
    const { bytes } = random.pick(this.#mappings);
    bytes[random.below(bytes.length)]++;
  }

  #export(file: OpenFile, type: Side): void {
    const index = this.#anyIndex(file, type);
    const plane = this.wildly(0.2) ? this.random.below(3) : 0;
    const request = v4l2.v4l2_exportbuffer.alloc({ type, index, plane, flags: O_RDWR });
    this.spoil(request.bytes);
    if (this.ioctl(file.fd, v4l2.VIDIOC_EXPBUF, request.bytes) < 0) return;
    const exported = new File("exported buffer", request.fd);
    const [size] = file.planes[type];
    this.#keep(this.#importables, { fd: exported.fd, size, close: () => exported.close() });
  }

  #startOrStop(file: OpenFile, call: Ioctl, side: Side): void {
    const argument = new Uint8Array(Uint32Array.of(side).buffer);
    this.spoil(argument);
    this.ioctl(file.fd, call, argument);
  }

  /** Stateless controls: what they are set to is read first, then a little of it changed. */
  #setControls(file: OpenFile, which: number, request_fd: number): void {
    const { random } = this;
    const control = v4l2.v4l2_ext_control.at(this.#controls);
    // H.264 has two before that, and a codec has eight at most.
    const id = random.pick(CONTROL_BASES) + random.between(-2, 6);
    Object.assign(control, { id, size: this.#payload.length });
    control.ptr = addressOf(this.#payload);
    const argument = v4l2.v4l2_ext_controls.alloc({
      which: 0,
      count: 1,
      request_fd: 0,
      controls: addressOf(this.#controls),
    });
    if (this.ioctl(file.fd, uapi.VIDIOC_G_EXT_CTRLS, argument.bytes) < 0) return;
    for (let i = random.below(3); i > 0; i--) {
      this.#payload[random.below(Math.max(control.size, 1))] = random.pick([0, 1, 2, 8, 10, 255]);
    }
    Object.assign(argument, { which, request_fd });
    if (this.wildly(0.1)) control.size = random.below(20_000);
    this.ioctl(file.fd, v4l2.VIDIOC_S_EXT_CTRLS, argument.bytes);
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
    this.#enqueue(file, this.wildly(0.1) ? CAPTURE : OUTPUT, index, request);
    if (this.wildly(0.1)) return;
    this.ioctl(request, MEDIA_REQUEST_IOC_QUEUE, argument);
  }

  #openMedia(): void {
    if (this.#media >= 0) libc.close(this.#media);
    this.#media = -1;
    this.#media = File.open(decoder.mediaNode(), O_RDWR).fd;
  }

  #reuseRequest(): void {
    const { random } = this;
    if (this.#requests.length === 0) return;
    if (random.chance(0.3)) return void libc.close(this.drop(this.#requests)!);
    const call = random.pick([MEDIA_REQUEST_IOC_REINIT, MEDIA_REQUEST_IOC_QUEUE]);
    this.ioctl(random.pick(this.#requests), call, new Uint8Array(4));
  }

  #poll(file: OpenFile): void {
    const { random } = this;
    const fd = random.pick([file.fd, ...this.#requests]);
    const events = new Poller({ path: file.path, fd }, random.below(0x800)).wait(random.below(3));
    this.count("poll", events);
  }

  #command(file: OpenFile): void {
    const argument = new Uint8Array(72);
    argument[0] = this.random.below(6);
    this.spoil(argument);
    this.ioctl(file.fd, uapi.VIDIOC_DECODER_CMD, argument);
  }

  /** Any number, any size, any content; also what V4L2 has and this driver has not. */
  #anything(file: OpenFile): void {
    const { random } = this;
    const number = random.below(110);
    if (ALLOCATING.includes(number)) return;
    // An ioctl's size field has 14 bits.
    const argument = new Uint8Array(1 << 14);
    for (let i = random.below(64); i > 0; i--) argument[random.below(256)] = random.below(256);
    const size = random.pick([0, 4, 8, 64, 88, 208, 256, random.below(1 << 14)]);
    const request = _IOWR(random.pick(["V", "V", "V", "|", "d"]), number, size);
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
