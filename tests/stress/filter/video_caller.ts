/**
 * The filter's video node, called at random. Most arguments are nearly right: what is refused at
 * the door tests the door only.
 *
 * @module
 */
import { File, O_NONBLOCK, O_RDWR } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { VPIPE_CID_BASE } from "../../../lib/uapi/vpipe.ts";
import { BAD_ADDRESSES } from "../engine/caller.ts";
import { mediaNode, videoNode } from "./filter.ts";
import { MAX_BUFFERS, NodeCaller, type OpenFile } from "../engine/node_caller.ts";
import type { Random } from "../../harness/random.ts";
import * as uapi from "../engine/uapi.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const MMAP = v4l2.V4L2_MEMORY_MMAP;
const USERPTR = v4l2.V4L2_MEMORY_USERPTR;
const DMABUF = v4l2.V4L2_MEMORY_DMABUF;

/** A queue has at most 32 buffers of at most 16 MiB: too much for a small guest, so stay below. */
const QUEUE_BYTES = 8 << 20;

/** An open file of the node, and what is believed to be true of it. */
interface VideoFile extends OpenFile {
  /** Bytes of a frame. */
  size: number;
}

/** Open files of the node and what belongs to them, and random calls on all of it. */
export class VideoCaller extends NodeCaller<VideoFile> {
  constructor(random: Random) {
    super(random, { mediaNode, output: OUTPUT, capture: CAPTURE, maxOpen: 8, magic: "p" });
  }

  // What the kernel gets addresses of has to outlive the call.
  readonly #memory = new Uint8Array(2 << 20);
  readonly #controls = new Uint8Array(v4l2.v4l2_ext_control.size * MAX_BUFFERS);

  protected override readonly actions: readonly [
    weight: number,
    action: (file: VideoFile) => void,
  ][] = [
    [6, (file) => this.#stream(file)],
    [14, (file) => this.give(file, this.side())],
    [14, (file) => this.#dequeue(file, this.side())],
    [2, (file) => this.#setFormat(file)],
    [3, (file) => this.#requestBuffers(file, this.side())],
    [2, (file) => this.#createBuffers(file)],
    [2, (file) => this.removeBuffers(file, this.side())],
    [4, (file) => this.map(file, this.side())],
    [2, (file) => this.touch(file)],
    [2, () => this.drop(this.mappings)?.close()],
    [3, (file) => this.#export(file)],
    [1, () => this.drop(this.importables)?.close()],
    [2, (file) => this.startOrStop(file, v4l2.VIDIOC_STREAMON, this.side())],
    [2, (file) => this.startOrStop(file, v4l2.VIDIOC_STREAMOFF, this.side())],
    [4, (file) => this.#setControl(file)],
    [3, (file) => this.setControls(file, 0, -1)],
    [2, (file) => this.request(file)],
    [2, () => this.reuseRequest()],
    [3, (file) => this.#events(file)],
    [2, (file) => this.poll(file)],
    [3, (file) => this.anything(file)],
    [1, (file) => this.duplicate(file)],
    [1, () => this.closeFile()],
  ];

  /** Adds an open file: `fd`, or a new one. */
  override open(fd?: number): VideoFile {
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
    this.files.push(file);
    return file;
  }

  #memoryKind(side: number): number {
    if (this.wildly(0.1)) return this.random.below(6);
    return this.random.pick(side === OUTPUT ? [MMAP, USERPTR, DMABUF] : [MMAP, DMABUF]);
  }

  /** A complete stream from its format on, left running. */
  #stream(file: VideoFile): void {
    const { random } = this;
    this.tamely(() => {
      for (const side of [OUTPUT, CAPTURE] as const) {
        this.startOrStop(file, v4l2.VIDIOC_STREAMOFF, side);
        this.#requestBuffers(file, side, 0);
      }
      this.#setFormat(file);
      file.requests = random.chance(0.4);
      for (const side of [OUTPUT, CAPTURE] as const) {
        this.#requestBuffers(file, side, random.between(1, 4));
      }
      for (const side of random.shuffle([OUTPUT, CAPTURE] as const)) {
        for (let i = 0; i < file.buffers[side]; i++) this.give(file, side, i);
        this.startOrStop(file, v4l2.VIDIOC_STREAMON, side);
      }
      for (let i = random.below(12); i > 0; i--) {
        const side = this.side();
        const index = this.#dequeue(file, side);
        if (index >= 0) this.give(file, side, index);
      }
    });
  }

  #setFormat(file: VideoFile): void {
    const { random } = this;
    const largest = random.pick([16, 64, 64, 128, 640]);
    const format = v4l2.v4l2_format.alloc({
      type: this.side(),
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
  #refresh(file: VideoFile): void {
    const format = v4l2.v4l2_format.alloc({ type: OUTPUT });
    if (tryIoctl(file.fd, v4l2.VIDIOC_G_FMT.request, format.bytes) >= 0) {
      file.size = format.sizeimage;
    }
  }

  #affordable(file: VideoFile, count: number): number {
    this.#refresh(file);
    return Math.min(count, MAX_BUFFERS) * file.size <= QUEUE_BYTES ? count : 1;
  }

  #requestBuffers(
    file: VideoFile,
    side: number,
    wanted = this.random.pick([0, 0, 1, 2, 4, 32, 99]),
  ) {
    const memory = this.#memoryKind(side);
    const request = v4l2.v4l2_requestbuffers.alloc({ count: wanted, type: side, memory });
    this.spoil(request.bytes);
    request.count = this.#affordable(file, request.count);
    if (this.ioctl(file.fd, v4l2.VIDIOC_REQBUFS, request.bytes) < 0) return;
    file.memory[side] = memory;
    file.buffers[side] = request.count;
  }

  #createBuffers(file: VideoFile): void {
    const { random } = this;
    const type = this.side();
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

  #buffer(file: VideoFile, type: number, index: number) {
    const memory = file.memory[type];
    return uapi.v4l2_userptr_buffer.alloc({ index, type, memory });
  }

  protected override enqueue(file: VideoFile, side: number, index: number, request?: number): void {
    const { random } = this;
    const buffer = this.#buffer(file, side, index);
    buffer.field = random.pick([0, v4l2.V4L2_FIELD_NONE]);
    buffer.length = file.size;
    buffer.bytesused = side === OUTPUT ? random.pick([0, file.size, file.size]) : 0;
    if (buffer.memory === USERPTR) buffer.userptr = this.#userPointer(file);
    else if (buffer.memory === DMABUF) buffer.fd = this.importable(file.size).fd;
    if (request !== undefined) {
      buffer.flags = v4l2.V4L2_BUF_FLAG_REQUEST_FD;
      buffer.request_fd = request;
    }
    this.spoil(buffer.bytes);
    const call = this.wildly(0.1) ? uapi.VIDIOC_PREPARE_BUF : v4l2.VIDIOC_QBUF;
    this.ioctl(file.fd, call, buffer.bytes);
  }

  /** Memory of this process: mostly its own, at any alignment; or what cannot be pinned. */
  #userPointer(file: VideoFile): bigint {
    const { random } = this;
    if (this.wildly(0.1)) return random.pick(BAD_ADDRESSES);
    if (this.wildly(0.1) && this.mappings.length > 0) {
      return addressOf(random.pick(this.mappings).bytes);
    }
    const room = Math.max(this.#memory.length - file.size, 1);
    return addressOf(this.#memory) + BigInt(random.below(Math.min(room, 8192)));
  }

  /** Returns the index of the buffer, or the negated errno. */
  #dequeue(file: VideoFile, side: number): number {
    const buffer = this.#buffer(file, side, 0);
    this.spoil(buffer.bytes);
    const result = this.ioctl(file.fd, v4l2.VIDIOC_DQBUF, buffer.bytes);
    if (result < 0) return result;
    if (buffer.type === CAPTURE && !(buffer.flags & v4l2.V4L2_BUF_FLAG_ERROR)) this.tally.results++;
    return buffer.index;
  }

  protected override map(file: VideoFile, side: number): void {
    const buffer = this.#buffer(file, side, this.anyIndex(file, side));
    this.spoil(buffer.bytes);
    if (this.ioctl(file.fd, v4l2.VIDIOC_QUERYBUF, buffer.bytes) < 0) return;
    const { length, offset } = buffer;
    if (buffer.memory !== MMAP || length === 0 || length > QUEUE_BYTES) return;
    this.keep(this.mappings, Mapping.shared(file, length, offset));
  }

  #export(file: VideoFile): void {
    const type = this.side();
    const index = this.anyIndex(file, type);
    const request = v4l2.v4l2_exportbuffer.alloc({ type, index, flags: O_RDWR });
    this.spoil(request.bytes);
    if (this.ioctl(file.fd, v4l2.VIDIOC_EXPBUF, request.bytes) < 0) return;
    const exported = new File("exported buffer", request.fd);
    const { size } = file;
    this.keep(this.importables, { fd: exported.fd, size, close: () => exported.close() });
  }

  #anyControl(): { id: number; value: number } {
    const { random } = this;
    // One more than there is.
    const number = this.wildly(0.1) ? 7 : random.below(7);
    return { id: VPIPE_CID_BASE + number, value: random.pick([0, 1, 7, 64, 255, 4096]) };
  }

  #setControl(file: VideoFile): void {
    const control = v4l2.v4l2_control.alloc(this.#anyControl());
    this.spoil(control.bytes);
    const call = this.random.pick([v4l2.VIDIOC_S_CTRL, v4l2.VIDIOC_G_CTRL]);
    this.ioctl(file.fd, call, control.bytes);
  }

  protected override setControls(file: VideoFile, which: number, request_fd: number): void {
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

  #events(file: VideoFile): void {
    const { random } = this;
    const { id } = this.#anyControl();
    const subscription = v4l2.v4l2_event_subscription.alloc({ type: uapi.V4L2_EVENT_CTRL, id });
    this.spoil(subscription.bytes);
    const call = random.pick([v4l2.VIDIOC_SUBSCRIBE_EVENT, uapi.VIDIOC_UNSUBSCRIBE_EVENT]);
    this.ioctl(file.fd, call, subscription.bytes);
    this.ioctl(file.fd, v4l2.VIDIOC_DQEVENT, v4l2.v4l2_event.alloc().bytes);
  }
}
