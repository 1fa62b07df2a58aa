/**
 * A video node without a kernel: open, ioctl and poll of its path are answered here, and mmap has a file
 * to map. What becomes of the buffers that are queued is the subclass's.
 *
 * @module
 */
import { EAGAIN, EINVAL, ENOENT, ENOTTY } from "../../lib/sys/errno.ts";
import { libc } from "../../lib/sys/libc.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import { File, O_RDWR } from "../../lib/sys/file.ts";
import { POLLERR, pollfd, POLLIN, POLLOUT, POLLPRI } from "../../lib/sys/poll.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import type { Ioctl } from "../../lib/uapi/ioctl_number.ts";
import { returned } from "./fake_ioctl.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Handler = (argument: Bytes) => number;

/** Of all buffers together. */
const MEMORY = 1 << 22;
const PAGE = libc.getpagesize();

/** A format, and the size of each plane of a buffer. */
export interface FakeFormat {
  width: number;
  height: number;
  pixelformat: number;
  field?: number;
  readonly planes: { bytesperline: number; sizeimage: number }[];
}

/** What comes out with a buffer. */
export interface Done {
  readonly index: number;
  readonly bytesused: readonly number[];
  readonly sequence?: number;
  readonly flags?: number;
  readonly field?: number;
  readonly timestamp?: readonly [sec: number, usec: number];
}

/** A buffer that is the driver's. */
interface Queued {
  readonly index: number;
  readonly bytesused: readonly number[];
  readonly timestamp: readonly [sec: number, usec: number];
}

/** One queue as the driver sees it. */
export class FakeQueue {
  buffers = 0;
  streaming = false;
  /** How often it began to stream. */
  starts = 0;
  readonly queued: Queued[] = [];
  readonly done: Done[] = [];
  /** Where each plane of each buffer begins in the node's memory. */
  offsets: number[][] = [];

  constructor(readonly type: number, readonly format: FakeFormat) {}

  get isMplane(): boolean {
    return this.type >= v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  }
}

/** There until it is disposed of, before those that were made before it. */
export abstract class FakeNode implements Disposable {
  /** Names of the ioctls, as often as they came. */
  readonly calls: string[] = [];
  /** Polls from now on that are told of an error. */
  errors = 0;
  /** Buffers that it gives at most. */
  mostBuffers = Infinity;
  /** How many buffers it gave, of each VIDIOC_REQBUFS. */
  readonly given: number[] = [];
  readonly exports: (readonly [index: number, plane: number, flags: number])[] = [];
  readonly events: { type: number; changes: number }[] = [];
  readonly controls = new Map<number, number>();
  readonly #file = Deno.makeTempFileSync();
  readonly #real = { ...libc };
  readonly #fds = new Set<number>();
  readonly #memory: Mapping;
  #used = 0;
  readonly #handlers = new Map<number, [name: string, handle: Handler]>();

  /** @param capabilities V4L2_CAP_* */
  constructor(
    capabilities: number,
    readonly queues: readonly FakeQueue[],
    readonly path = "/dev/fake-video",
    driver = "fake",
  ) {
    Deno.truncateSync(this.#file, MEMORY);
    using file = File.open(this.#file, O_RDWR);
    this.#memory = Mapping.shared(file, MEMORY);
    this.handle(v4l2.VIDIOC_QUERYCAP, (argument) => {
      const names = { driver, card: "a node that is none" };
      Object.assign(v4l2.v4l2_capability.at(argument), { ...names, device_caps: capabilities });
      return 0;
    });
    this.handle(v4l2.VIDIOC_G_FMT, (argument) => this.#describe(argument));
    this.handle(v4l2.VIDIOC_S_FMT, (argument) => this.#setFormat(argument));
    this.handle(v4l2.VIDIOC_REQBUFS, (argument) => this.#request(argument));
    this.handle(v4l2.VIDIOC_QUERYBUF, (argument) => this.#query(argument));
    this.handle(v4l2.VIDIOC_QBUF, (argument) => this.#enqueue(argument));
    this.handle(v4l2.VIDIOC_DQBUF, (argument) => this.#dequeue(argument));
    this.handle(v4l2.VIDIOC_EXPBUF, (argument) => {
      const request = v4l2.v4l2_exportbuffer.at(argument);
      this.exports.push([request.index, request.plane, request.flags]);
      request.fd = this.#open();
      return 0;
    });
    this.handle(v4l2.VIDIOC_STREAMON, (argument) => this.#stream(argument, true));
    this.handle(v4l2.VIDIOC_STREAMOFF, (argument) => this.#stream(argument, false));
    this.handle(v4l2.VIDIOC_S_CTRL, (argument) => {
      const { id, value } = v4l2.v4l2_control.at(argument);
      this.controls.set(id, value);
      return 0;
    });
    this.handle(v4l2.VIDIOC_G_CTRL, (argument) => {
      const control = v4l2.v4l2_control.at(argument);
      control.value = this.controls.get(control.id) ?? 0;
      return this.controls.has(control.id) ? 0 : -EINVAL;
    });
    this.handle(v4l2.VIDIOC_SUBSCRIBE_EVENT, () => 0);
    this.handle(v4l2.VIDIOC_DQEVENT, (argument) => {
      const event = this.events.shift();
      if (event !== undefined) Object.assign(v4l2.v4l2_event.at(argument), event);
      return event === undefined ? -ENOENT : 0;
    });
    this.#install();
  }

  /** What becomes of buffers that are the driver's; called as often as somebody waits. */
  protected abstract work(): void;

  /** Has an ioctl answered so, with 0 or a negated errno; returns what answered it before. */
  protected handle({ name, request }: Ioctl, handle: Handler): Handler {
    const [, before] = this.#handlers.get(request) ?? [name, () => -ENOTTY];
    this.#handlers.set(request, [name, handle]);
    return before;
  }

  queue(type: number): FakeQueue {
    return this.queues.find((queue) => queue.type === type)!;
  }

  /** A plane's bytes. */
  bytes(queue: FakeQueue, index: number, plane = 0): Bytes {
    const at = queue.offsets[index][plane];
    return this.#memory.bytes.subarray(at, at + queue.format.planes[plane].sizeimage);
  }

  /** Files of the node that are open. */
  get open(): number {
    return this.#fds.size;
  }

  #install(): void {
    const wanted = this.path + "\0";
    libc.open = (path, flags, mode) =>
      new TextDecoder().decode(path as Bytes) === wanted
        ? this.#open()
        : this.#real.open(path, flags, mode);
    libc.close = (fd) => {
      this.#fds.delete(fd);
      return this.#real.close(fd);
    };
    libc.ioctl = (fd, request, argument) =>
      this.#fds.has(fd)
        ? this.#ioctl(request, argument as Bytes)
        : this.#real.ioctl(fd, request, argument);
    libc.poll = (set, count, timeout) => {
      const { fd, events } = pollfd.at(set as Bytes);
      if (!this.#fds.has(fd)) return this.#real.poll(set, count, timeout);
      if (this.errors > 0) {
        this.errors--;
        pollfd.at(set as Bytes).revents = POLLERR;
        return 1;
      }
      this.work();
      const there = this.#ready() & events;
      pollfd.at(set as Bytes).revents = there;
      return there === 0 ? 0 : 1;
    };
  }

  #open(): number {
    const { fd } = File.open(this.#file, O_RDWR);
    this.#fds.add(fd);
    return fd;
  }

  #ready(): number {
    const isOutput = ({ type }: FakeQueue) =>
      type === v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT || type === v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
    let events = this.events.length > 0 ? POLLPRI : 0;
    for (const queue of this.queues) {
      if (queue.done.length > 0) events |= isOutput(queue) ? POLLOUT : POLLIN;
    }
    return events;
  }

  #ioctl(request: number, argument: Bytes): number {
    const [name, handle] = this.#handlers.get(request) ?? [`0x${request.toString(16)}`];
    this.calls.push(name);
    return returned(handle?.(argument) ?? -ENOTTY);
  }

  #describe(argument: Bytes): number {
    const queue = this.queue(v4l2.v4l2_format.at(argument).type);
    const { planes, ...size } = queue.format;
    if (!queue.isMplane) {
      Object.assign(v4l2.v4l2_format.at(argument), { ...size, ...planes[0] });
      return 0;
    }
    Object.assign(v4l2.v4l2_format_mplane.at(argument), { ...size, num_planes: planes.length });
    const first = v4l2.v4l2_format_mplane.fields.sizeimage.offset;
    planes.forEach((plane, i) => {
      const at = first + i * v4l2.v4l2_plane_pix_format.size;
      Object.assign(v4l2.v4l2_plane_pix_format.at(argument, at), plane);
    });
    return 0;
  }

  /** The size is the driver's to say; all else is the caller's. */
  #setFormat(argument: Bytes): number {
    const { type, pixelformat, field } = v4l2.v4l2_format.at(argument);
    Object.assign(this.queue(type).format, { pixelformat, field });
    return this.#describe(argument);
  }

  #request(argument: Bytes): number {
    const request = v4l2.v4l2_requestbuffers.at(argument);
    const { type } = request;
    const count = request.count = Math.min(request.count, this.mostBuffers);
    this.given.push(count);
    const queue = this.queue(type);
    Object.assign(queue, { buffers: count, streaming: false });
    queue.queued.length = queue.done.length = 0;
    queue.offsets = Array.from({ length: count }, () =>
      queue.format.planes.map(({ sizeimage }) => {
        const at = this.#used;
        this.#used += Math.ceil(sizeimage / PAGE) * PAGE;
        return at;
      }));
    return this.#used <= MEMORY ? 0 : -EINVAL;
  }

  /** The planes of a buffer's descriptor; of a single-planar one, itself. */
  #planes(queue: FakeQueue, buffer: ReturnType<typeof v4l2.v4l2_buffer.at>) {
    if (!queue.isMplane) return undefined;
    const pointer = Deno.UnsafePointer.create(buffer.planes)!;
    const { size } = v4l2.v4l2_plane;
    const bytes = Deno.UnsafePointerView.getArrayBuffer(pointer, buffer.length * size);
    return Array.from(
      { length: buffer.length },
      (_, i) => v4l2.v4l2_plane.at(new Uint8Array(bytes), i * size),
    );
  }

  #query(argument: Bytes): number {
    const buffer = v4l2.v4l2_buffer.at(argument);
    const queue = this.queue(buffer.type);
    const offsets = queue.offsets[buffer.index];
    const lengths = queue.format.planes.map(({ sizeimage }) => sizeimage);
    this.#planes(queue, buffer)?.forEach((plane, i) => {
      Object.assign(plane, { mem_offset: offsets[i], length: lengths[i] });
    });
    if (!queue.isMplane) Object.assign(buffer, { offset: offsets[0], length: lengths[0] });
    return 0;
  }

  #enqueue(argument: Bytes): number {
    const buffer = v4l2.v4l2_buffer.at(argument);
    const { index, timestamp_sec, timestamp_usec } = buffer;
    const queue = this.queue(buffer.type);
    if (index >= queue.buffers || queue.queued.some((other) => other.index === index)) {
      return -EINVAL;
    }
    const planes = this.#planes(queue, buffer) ?? [buffer];
    const bytesused = planes.map(({ bytesused }) => bytesused);
    queue.queued.push({ index, bytesused, timestamp: [timestamp_sec, timestamp_usec] });
    return 0;
  }

  #dequeue(argument: Bytes): number {
    const buffer = v4l2.v4l2_buffer.at(argument);
    const queue = this.queue(buffer.type);
    if (!queue.streaming) return -EINVAL;
    const done = queue.done.shift();
    if (done === undefined) return -EAGAIN;
    const { index, bytesused, sequence = 0, flags = 0, field = 0 } = done;
    const [sec, usec] = done.timestamp ?? [0, 0];
    Object.assign(buffer, {
      index,
      sequence,
      flags,
      field,
      timestamp_sec: sec,
      timestamp_usec: usec,
    });
    const planes = this.#planes(queue, buffer) ?? [buffer];
    planes.forEach((plane, i) => plane.bytesused = bytesused[i]);
    return 0;
  }

  #stream(argument: Bytes, on: boolean): number {
    const queue = this.queue(new DataView(argument.buffer).getUint32(0, true));
    queue.streaming = on;
    if (on) queue.starts++;
    else queue.queued.length = queue.done.length = 0;
    return 0;
  }

  [Symbol.dispose](): void {
    Object.assign(libc, this.#real);
    this.#memory.close();
    for (const fd of this.#fds) libc.close(fd);
    Deno.removeSync(this.#file);
  }
}
