/**
 * The loopback node, called at random, both sides at once on the same files. Most arguments are
 * nearly right: what is refused at the door tests the door only.
 *
 * @module
 */
import { File, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_RDWR } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Mapping, PROT_READ, PROT_WRITE } from "../../../lib/sys/mmap.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import {
  VPIPE_LOOP_CID_BASE,
  VPIPE_LOOP_IOC_SHARE,
  vpipe_loop_share,
} from "../../../lib/uapi/vpipe_loop.ts";
import { expect } from "../../harness/suite.ts";
import { BAD_ADDRESSES } from "../engine/caller.ts";
import { orErrno, raw } from "../engine/libc.ts";
import { loopNode } from "../../harness/nodes.ts";
import { SECRET } from "./stream.ts";
import { MAX_BUFFERS, NodeCaller, type OpenFile } from "../engine/node_caller.ts";
import type { Random } from "../../harness/random.ts";
import * as uapi from "../engine/uapi.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const MMAP = v4l2.V4L2_MEMORY_MMAP;
const USERPTR = v4l2.V4L2_MEMORY_USERPTR;
const DMABUF = v4l2.V4L2_MEMORY_DMABUF;

const FORMATS = [
  v4l2.V4L2_PIX_FMT_GREY,
  v4l2.V4L2_PIX_FMT_GREY,
  v4l2.V4L2_PIX_FMT_NV12,
  v4l2.V4L2_PIX_FMT_YUYV,
  v4l2.V4L2_PIX_FMT_MJPEG,
];

/** Of a frame. */
const BEHIND_NUMBER = 4;

/** A queue has at most 32 buffers of at most 200 MiB: too much for a small guest, so stay below. */
const QUEUE_BYTES = 4 << 20;

/** An open file of the node, and what is believed to be true of it. */
interface LoopFile extends OpenFile {
  /** Bytes of a frame. */
  size: number;
  /** Open for reading alone. */
  readonly readOnly: boolean;
}

/** Open files of the node and what belongs to them, and random calls on all of it. */
export class LoopCaller extends NodeCaller<LoopFile> {
  /** @param beside another program writes all the time, and draws what nobody else may see */
  constructor(random: Random, private readonly beside = false) {
    super(random, { output: OUTPUT, capture: CAPTURE, maxOpen: 3, magic: "V" });
  }

  // What the kernel gets addresses of has to outlive the call.
  readonly #memory = new Uint8Array(2 << 20);
  readonly #controls = new Uint8Array(v4l2.v4l2_ext_control.size * MAX_BUFFERS);

  protected override readonly actions: readonly [
    weight: number,
    action: (file: LoopFile) => void,
  ][] = [
    [12, (file) => this.#stream(file)],
    [14, (file) => this.give(file, this.side())],
    [14, (file) => this.#dequeue(file, this.side())],
    [4, (file) => this.#read(file)],
    [4, (file) => this.#write(file)],
    [2, (file) => this.#setFormat(file)],
    [3, (file) => this.#requestBuffers(file, this.side())],
    [2, (file) => this.#createBuffers(file)],
    [6, (file) => this.map(file, this.side())],
    [3, (file) => this.touch(file)],
    [2, () => this.#protect()],
    [2, () => this.drop(this.mappings)?.close()],
    [3, (file) => this.#export(file)],
    [4, (file) => this.#share(file)],
    [1, () => this.drop(this.importables)?.close()],
    [2, (file) => this.startOrStop(file, v4l2.VIDIOC_STREAMON, this.side())],
    [2, (file) => this.startOrStop(file, v4l2.VIDIOC_STREAMOFF, this.side())],
    [4, (file) => this.#setControl(file)],
    [1, (file) => this.setControls(file, 0, -1)],
    [2, (file) => this.#events(file)],
    [4, (file) => this.poll(file)],
    [2, (file) => this.anything(file)],
    [1, (file) => this.duplicate(file)],
    [1, () => this.closeFile()],
  ];

  /** Adds an open file: `fd`, or a new one. */
  override open(fd?: number): LoopFile {
    const path = loopNode();
    const readOnly = fd === undefined && this.beside && this.random.chance(0.3);
    fd ??= File.open(path, (readOnly ? O_RDONLY : O_RDWR) | O_NONBLOCK).fd;
    const file = {
      path,
      readOnly,
      fd,
      size: 640 * 480,
      memory: { [OUTPUT]: MMAP, [CAPTURE]: MMAP },
      buffers: { [OUTPUT]: 4, [CAPTURE]: 4 },
      requests: false,
    };
    this.files.push(file);
    return file;
  }

  #memoryKind(): number {
    return this.wildly(0.1)
      ? this.random.below(6)
      : this.random.pick([MMAP, MMAP, USERPTR, DMABUF]);
  }

  /** A complete stream on either side, left running; a frame or two. */
  #stream(file: LoopFile): void {
    const { random } = this;
    const side = this.side();
    this.tamely(() => {
      this.startOrStop(file, v4l2.VIDIOC_STREAMOFF, side);
      this.#requestBuffers(file, side, 0);
      if (side === OUTPUT) this.#setFormat(file);
      this.#requestBuffers(file, side, random.between(1, 4));
      if (side === CAPTURE && file.memory[side] === MMAP) this.#view(file);
      if (side === CAPTURE && file.memory[side] === DMABUF) this.#share(file);
      for (let i = 0; i < file.buffers[side]; i++) this.give(file, side, i);
      this.startOrStop(file, v4l2.VIDIOC_STREAMON, side);
      for (let i = random.below(12); i > 0; i--) {
        // The writer is another process, and needs its time.
        if (side === CAPTURE) new Poller(file, POLLIN).wait(random.below(5));
        const index = this.#dequeue(file, side);
        if (index >= 0) this.give(file, side, index);
      }
    });
  }

  #setFormat(file: LoopFile): void {
    const { random } = this;
    const largest = random.pick([2, 16, 64, 64, 128, 640]);
    const format = v4l2.v4l2_format.alloc({
      type: random.chance(0.8) ? OUTPUT : CAPTURE,
      width: random.between(1, largest),
      height: random.between(1, largest),
      pixelformat: random.pick(FORMATS),
      field: v4l2.V4L2_FIELD_NONE,
    });
    // A spoilt size would be one of gigabytes.
    const call = random.chance(0.1) ? uapi.VIDIOC_TRY_FMT : v4l2.VIDIOC_S_FMT;
    if (call === uapi.VIDIOC_TRY_FMT) this.spoil(format.bytes);
    this.ioctl(file.fd, call, format.bytes);
    this.#refresh(file);
  }

  /** Frame size as it is now: anybody may have changed it. */
  #refresh(file: LoopFile): void {
    const format = v4l2.v4l2_format.alloc({ type: CAPTURE });
    if (tryIoctl(file.fd, v4l2.VIDIOC_G_FMT.request, format.bytes) >= 0) {
      file.size = format.sizeimage;
    }
  }

  #affordable(file: LoopFile, count: number): number {
    this.#refresh(file);
    return Math.min(count, MAX_BUFFERS) * file.size <= QUEUE_BYTES ? count : 1;
  }

  #requestBuffers(
    file: LoopFile,
    side: number,
    wanted = this.random.pick([0, 0, 1, 2, 4, 32, 99]),
  ) {
    const memory = this.#memoryKind();
    const request = v4l2.v4l2_requestbuffers.alloc({ count: wanted, type: side, memory });
    this.spoil(request.bytes);
    request.count = this.#affordable(file, request.count);
    if (this.ioctl(file.fd, v4l2.VIDIOC_REQBUFS, request.bytes) < 0) return;
    file.memory[side] = memory;
    file.buffers[side] = request.count;
  }

  #createBuffers(file: LoopFile): void {
    const { random } = this;
    const type = this.side();
    this.#refresh(file);
    const request = uapi.v4l2_create_buffers.alloc({
      type,
      memory: random.chance(0.8) ? file.memory[type] : this.#memoryKind(),
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

  #buffer(file: LoopFile, type: number, index: number) {
    const memory = file.memory[type];
    return uapi.v4l2_userptr_buffer.alloc({ index, type, memory });
  }

  protected override enqueue(file: LoopFile, side: number, index: number): void {
    const { random } = this;
    const buffer = this.#buffer(file, side, index);
    buffer.field = random.pick([0, v4l2.V4L2_FIELD_NONE]);
    buffer.length = file.size;
    buffer.bytesused = side === OUTPUT ? random.pick([0, 1, file.size, file.size, file.size]) : 0;
    if (buffer.memory === USERPTR) buffer.userptr = this.#userPointer(file);
    else if (buffer.memory === DMABUF) buffer.fd = this.importable(file.size).fd;
    this.spoil(buffer.bytes);
    const call = this.wildly(0.1) ? uapi.VIDIOC_PREPARE_BUF : v4l2.VIDIOC_QBUF;
    this.ioctl(file.fd, call, buffer.bytes);
  }

  /** Memory of this process: mostly its own, at any alignment; the node's; or what cannot be pinned. */
  #userPointer(file: LoopFile): bigint {
    const { random } = this;
    if (this.wildly(0.1)) return random.pick(BAD_ADDRESSES);
    if (this.wildly(0.2) && this.mappings.length > 0) {
      return addressOf(random.pick(this.mappings).bytes);
    }
    return this.#anywhere(file.size);
  }

  #anywhere(size: number): bigint {
    const room = Math.max(this.#memory.length - size, 1);
    return addressOf(this.#memory) + BigInt(this.random.below(Math.min(room, 8192)));
  }

  #moved(call: "read" | "write", file: LoopFile): number {
    const { random } = this;
    const size = random.pick([0, 1, file.size - 1, file.size, file.size, file.size + 1, 1 << 20]);
    const at = this.wildly(0.1) ? random.pick(BAD_ADDRESSES) : this.#anywhere(size);
    return this.count(call, orErrno(raw[call](file.fd, at, BigInt(size))));
  }

  /** Whoever has begun to read or write has no buffers any more until it closes its file. */
  #read(file: LoopFile): void {
    if (this.#moved("read", file) > 0) this.tally.results++;
    if (this.random.chance(0.3)) this.close(file);
  }

  #write(file: LoopFile): void {
    if (this.#moved("write", file) > 0 && this.random.chance(0.5)) this.close(file);
  }

  /** Returns the index of the buffer, or the negated errno. */
  #dequeue(file: LoopFile, side: number): number {
    const buffer = this.#buffer(file, side, 0);
    this.spoil(buffer.bytes);
    const result = this.ioctl(file.fd, v4l2.VIDIOC_DQBUF, buffer.bytes);
    if (result < 0) return result;
    if (buffer.type === CAPTURE && !(buffer.flags & v4l2.V4L2_BUF_FLAG_ERROR)) this.tally.results++;
    return buffer.index;
  }

  protected override map(file: LoopFile, side: number): void {
    const { random } = this;
    const buffer = this.#buffer(file, side, this.anyIndex(file, side));
    this.spoil(buffer.bytes);
    if (this.ioctl(file.fd, v4l2.VIDIOC_QUERYBUF, buffer.bytes) < 0) return;
    const { length, offset } = buffer;
    if (buffer.memory !== MMAP || length === 0 || length > QUEUE_BYTES) return;
    const reads = file.readOnly || (side === CAPTURE && random.chance(0.7));
    const map = reads ? Mapping.readOnly : Mapping.shared;
    const part = this.wildly(0.2) ? random.between(1, length) : length;
    this.keep(this.mappings, map(file, part, offset));
  }

  /** Maps all for reading alone, so that the writer's memory can be seen there. */
  #view(file: LoopFile): void {
    for (let index = 0; index < Math.min(file.buffers[CAPTURE], 4); index++) {
      const buffer = this.#buffer(file, CAPTURE, index);
      if (this.ioctl(file.fd, v4l2.VIDIOC_QUERYBUF, buffer.bytes) < 0) return;
      const { length, offset } = buffer;
      if (length > 0) this.keep(this.mappings, Mapping.readOnly(file, length, offset));
    }
  }

  /** Reads alone: a write to some of them is a SIGSEGV. */
  protected override touch(file: LoopFile): void {
    const { random } = this;
    if (this.mappings.length === 0) return this.map(file, this.side());
    const { bytes } = random.pick(this.mappings);
    for (let at = BEHIND_NUMBER; at < bytes.length; at += 4096) {
      this.#seen = (this.#seen + bytes[at]) | 0;
      expect(!this.beside || bytes[at] !== SECRET, `what the writer draws is seen at ${at}`);
    }
  }
  #seen = 0;

  /** What may be only read stays so; reading can be turned on again at any time. */
  #protect(): void {
    const { random } = this;
    if (this.mappings.length === 0) return;
    const { address, length } = random.pick(this.mappings);
    const protection = random.pick([PROT_READ, PROT_READ | PROT_WRITE]);
    const result = orErrno(raw.mprotect(BigInt(address), BigInt(length), protection));
    this.count("mprotect", result);
  }

  #export(file: LoopFile): void {
    const type = this.side();
    const index = this.anyIndex(file, type);
    const request = v4l2.v4l2_exportbuffer.alloc({ type, index, flags: O_RDWR | O_CLOEXEC });
    this.spoil(request.bytes);
    if (this.ioctl(file.fd, v4l2.VIDIOC_EXPBUF, request.bytes) < 0) return;
    this.#keepDmabuf(request.fd, file.size);
  }

  #share(file: LoopFile): void {
    const index = this.anyIndex(file, OUTPUT);
    const share = vpipe_loop_share.alloc({ index, flags: O_CLOEXEC });
    this.spoil(share.bytes);
    if (this.ioctl(file.fd, VPIPE_LOOP_IOC_SHARE, share.bytes) < 0) return;
    this.#keepDmabuf(share.fd, share.size);
  }

  #keepDmabuf(fd: number, size: number): void {
    const dmabuf = new File("dma-buf", fd);
    this.keep(this.importables, { fd, size, close: () => dmabuf.close() });
  }

  #anyControl(): { id: number; value: number } {
    const { random } = this;
    // One more than there is. Time-outs are short, so that there is something to time out.
    const number = this.wildly(0.1) ? 4 : random.below(4);
    return { id: VPIPE_LOOP_CID_BASE + number, value: random.pick([0, 1, 1, 2, 5]) };
  }

  #setControl(file: LoopFile): void {
    const control = v4l2.v4l2_control.alloc(this.#anyControl());
    this.spoil(control.bytes);
    const call = this.random.pick([v4l2.VIDIOC_S_CTRL, v4l2.VIDIOC_G_CTRL]);
    this.ioctl(file.fd, call, control.bytes);
  }

  protected override setControls(file: LoopFile, which: number, request_fd: number): void {
    const { random } = this;
    const amount = random.between(1, 4);
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

  #events(file: LoopFile): void {
    const { random } = this;
    const type = random.pick([uapi.V4L2_EVENT_CTRL, v4l2.V4L2_EVENT_SOURCE_CHANGE]);
    const id = type === uapi.V4L2_EVENT_CTRL ? this.#anyControl().id : 0;
    const subscription = v4l2.v4l2_event_subscription.alloc({ type, id });
    this.spoil(subscription.bytes);
    const call = random.pick([v4l2.VIDIOC_SUBSCRIBE_EVENT, uapi.VIDIOC_UNSUBSCRIBE_EVENT]);
    this.ioctl(file.fd, call, subscription.bytes);
    this.ioctl(file.fd, v4l2.VIDIOC_DQEVENT, v4l2.v4l2_event.alloc().bytes);
  }
}
