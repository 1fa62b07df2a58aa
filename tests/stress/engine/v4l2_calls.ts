/**
 * The calls of V4L2 that every node with two queues has, a row a call: how its argument is made, and
 * what is known once it succeeded.
 *
 * @module
 */
import { File, O_CLOEXEC, O_RDWR } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { _IOWR, type Ioctl } from "../../../lib/uapi/ioctl_number.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { type Call, MAX_BUFFERS, type NodeCaller, type OpenFile, type Row } from "./node_caller.ts";
import { bufferOf, formatOf, offsetOf, planeBytes, planeOf, sizesIn } from "./planes.ts";

const { V4L2_MEMORY_MMAP: MMAP, V4L2_MEMORY_USERPTR: USERPTR, V4L2_MEMORY_DMABUF: DMABUF } = v4l2;

// linux/videodev2.h has it only since Linux 6.10.
export const VIDIOC_REMOVE_BUFS = { name: "VIDIOC_REMOVE_BUFS", request: _IOWR("V", 104, 64) };

/** The type of each row's argument is its own. */
export const row = <A extends { readonly bytes: Uint8Array<ArrayBuffer> }>(call: Call<A>) =>
  call as unknown as Call;

/** One of them, or with this probability the other. */
export const either = (ioctl: Ioctl, other: Ioctl, probability: number) => (caller: NodeCaller) =>
  caller.random.chance(probability) ? other : ioctl;

/** One that is only made while calls may be wrong. */
export const orWildly = (ioctl: Ioctl, other: Ioctl, probability: number) => (caller: NodeCaller) =>
  caller.wildly(probability) ? other : ioctl;

const onQueue = (ioctl: Ioctl) =>
  row({
    ioctl,
    argument: (_caller, _file, { side }) => ({
      bytes: new Uint8Array(Uint32Array.of(side).buffer),
    }),
  });

export const STREAMON = onQueue(v4l2.VIDIOC_STREAMON);
export const STREAMOFF = onQueue(v4l2.VIDIOC_STREAMOFF);

export const S_FMT = row({
  argument(caller, file, { side }) {
    const format = { field: v4l2.V4L2_FIELD_NONE, ...caller.facts.format(caller, file, side) };
    return Object.assign(formatOf(side), format);
  },
  // Wild sizes are tried, not set: they would take all memory.
  ioctl({ random, facts: { largest } }, { width, height, sizeimage }) {
    const fits = Math.max(width, height) <= largest.side && sizeimage <= largest.bytes;
    return fits && !random.chance(0.1) ? v4l2.VIDIOC_S_FMT : v4l2.VIDIOC_TRY_FMT;
  },
  done: (caller, file) => caller.refresh(file),
});

export const REQBUFS = row({
  ioctl: v4l2.VIDIOC_REQBUFS,
  argument(caller, _file, { side, number = caller.random.pick([0, 0, 1, 2, 4, 32, 99]) }) {
    const memory = caller.memoryKind(side);
    return v4l2.v4l2_requestbuffers.alloc({ count: number, type: side, memory });
  },
  limit(caller, file, { side }, argument) {
    argument.count = caller.affordable(file, side, argument.count);
  },
  done(_caller, file, { side }, { memory, count }) {
    file.memory[side] = memory;
    file.buffers[side] = count;
  },
});

const formatIn = (side: number, { bytes }: { bytes: Uint8Array<ArrayBuffer> }) =>
  formatOf(side, bytes.subarray(v4l2.v4l2_create_buffers.fields.type.offset));

export const CREATE_BUFS = row({
  ioctl: v4l2.VIDIOC_CREATE_BUFS,
  argument(caller, file, { side }) {
    const { random } = caller;
    const memory = random.chance(0.8) ? file.memory[side] : caller.memoryKind(side);
    const request = v4l2.v4l2_create_buffers.alloc({ memory });
    const format = formatIn(side, request);
    tryIoctl(file.fd, v4l2.VIDIOC_G_FMT.request, format.bytes);
    if (caller.wildly(0.1) && "num_planes" in format) format.num_planes = random.below(9);
    return request;
  },
  limit(caller, file, { side }, request) {
    const { random } = caller;
    request.count = caller.affordable(file, side, random.pick([0, 1, 1, 2, 40]));
    for (const [i, plane] of sizesIn(formatIn(side, request)).entries()) {
      const size = file.planes[side][i] ?? 0;
      plane.sizeimage = random.pick([0, 1, size - 1, size, size, size, size + 1]);
    }
  },
  done: (_caller, file, { side }, { count }) => void (file.buffers[side] += count),
});

export const REMOVE_BUFS = row({
  ioctl: VIDIOC_REMOVE_BUFS,
  argument({ random }, file, { side }) {
    // index, count, type
    const words = new Uint32Array(16);
    words.set([random.below(file.buffers[side] + 2), random.below(4), side]);
    return { bytes: new Uint8Array(words.buffer) };
  },
});

const buffer = (file: OpenFile, side: number, index: number) =>
  bufferOf(side, file.planes[side].length, { index, memory: file.memory[side] });

export const QBUF = row({
  ioctl: orWildly(v4l2.VIDIOC_QBUF, v4l2.VIDIOC_PREPARE_BUF, 0.1),
  argument(caller, file, { side, number = caller.anyIndex(file, side), request }) {
    const { random, facts } = caller;
    const argument = buffer(file, side, number);
    const isOutput = side === facts.output;
    argument.field = random.pick([0, v4l2.V4L2_FIELD_NONE]);
    argument.timestamp_usec = random.below(random.pick([2, 1000]));
    if (isOutput && facts.holds && random.chance(0.2)) {
      argument.flags = v4l2.V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;
    }
    for (const [i, size] of file.planes[side].entries()) {
      const plane = planeOf(argument, i);
      plane.length = size;
      const bytes = caller.wildly(0.2) ? [1, 100] : [0, size, size];
      plane.bytesused = isOutput ? random.pick(bytes) : 0;
      if ("data_offset" in plane && caller.wildly(0.02)) plane.data_offset = random.below(100);
      if (argument.memory === DMABUF) plane.fd = caller.importable(size).fd;
      else if (argument.memory === USERPTR && "userptr" in plane) {
        plane.userptr = caller.userPointer(size);
      }
    }
    if (request !== undefined) {
      argument.flags |= v4l2.V4L2_BUF_FLAG_REQUEST_FD;
      argument.request_fd = request;
    }
    return argument;
  },
  limit(caller, _file, _about, argument) {
    const planes = planeBytes(argument);
    if (planes !== undefined) caller.spoil(planes);
  },
});

export const DQBUF = row({
  ioctl: v4l2.VIDIOC_DQBUF,
  argument(caller, file, { side }) {
    const argument = buffer(file, side, 0);
    if (caller.wildly(0.1)) argument.length = caller.random.below(10);
    return argument;
  },
  done(caller, _file, _about, { type, flags, index }) {
    const isWhole = (flags & v4l2.V4L2_BUF_FLAG_ERROR) === 0;
    if (type === caller.facts.capture && isWhole) caller.tally.results++;
    caller.dequeued = index;
  },
});

/** Asks where a buffer is, and maps it. */
export const QUERYBUF = row({
  ioctl: v4l2.VIDIOC_QUERYBUF,
  argument: (caller, file, { side, number = caller.anyIndex(file, side) }) =>
    buffer(file, side, number),
  done(caller, file, { side }, argument) {
    const { random, facts } = caller;
    const plane = planeOf(argument);
    if (argument.memory !== MMAP || plane.length === 0) return;
    if (plane.length > facts.queueBytes) return;
    const looks = facts.look !== undefined && side === facts.capture &&
      !caller.wildly(0.3);
    const map = file.readOnly || looks ? Mapping.readOnly : Mapping.shared;
    const part = caller.wildly(0.2) ? random.between(1, plane.length) : plane.length;
    const offset = caller.wildly(0.05) ? random.next() : offsetOf(plane);
    caller.keep(caller.mappings, map(file, part, offset));
    caller.count("mmap", 0);
  },
});

export const EXPBUF = row({
  ioctl: v4l2.VIDIOC_EXPBUF,
  argument(caller, file, { side }) {
    const plane = caller.wildly(0.1) ? caller.random.below(3) : 0;
    const flags = O_RDWR | O_CLOEXEC;
    const index = caller.anyIndex(file, side);
    return v4l2.v4l2_exportbuffer.alloc({ type: side, index, plane, flags });
  },
  done: (caller, file, { side }, { fd }) => keepDmabuf(caller, fd, file.planes[side][0]),
});

/** Keeps a dma-buf to import it somewhere. */
export function keepDmabuf(caller: NodeCaller, fd: number, size: number): void {
  const dmabuf = new File("dma-buf", fd);
  caller.keep(caller.importables, { fd, size, close: () => dmabuf.close() });
}

export const S_CTRL = row({
  ioctl: either(v4l2.VIDIOC_S_CTRL, v4l2.VIDIOC_G_CTRL, 0.5),
  argument: (caller) => v4l2.v4l2_control.alloc(caller.facts.control!(caller)),
});

// What the kernel gets addresses of has to outlive the call.
const controls = new Uint8Array(v4l2.v4l2_ext_control.size * MAX_BUFFERS);

export const S_EXT_CTRLS = row({
  ioctl: orWildly(v4l2.VIDIOC_S_EXT_CTRLS, v4l2.VIDIOC_G_EXT_CTRLS, 0.3),
  argument(caller, _file, { request }) {
    const count = caller.random.between(1, 7);
    for (let i = 0; i < count; i++) {
      const control = v4l2.v4l2_ext_control.at(controls, i * v4l2.v4l2_ext_control.size);
      Object.assign(control, caller.facts.control!(caller), { size: 0 });
    }
    caller.spoil(controls);
    return v4l2.v4l2_ext_controls.alloc({
      ...{ count, controls: addressOf(controls), request_fd: request ?? -1 },
      which: request === undefined ? 0 : v4l2.V4L2_CTRL_WHICH_REQUEST_VAL,
    });
  },
});

export const SUBSCRIBE_EVENT = row({
  ioctl: either(v4l2.VIDIOC_SUBSCRIBE_EVENT, v4l2.VIDIOC_UNSUBSCRIBE_EVENT, 0.25),
  argument: (caller) => v4l2.v4l2_event_subscription.alloc(caller.facts.event(caller)),
});

export const DQEVENT = row({
  ioctl: v4l2.VIDIOC_DQEVENT,
  argument: () => v4l2.v4l2_event.alloc(),
});

/** Streams on some sides from their buffers on, left running; a frame or two. */
export function stream(caller: NodeCaller, file: OpenFile, sides: readonly number[]): void {
  const { facts, random } = caller;
  caller.tamely(() => {
    for (const side of sides) {
      caller.make(file, STREAMOFF, { side });
      caller.make(file, REQBUFS, { side, number: 0 });
    }
    const starts = sides.includes(facts.output);
    for (const side of starts ? facts.formatSides : []) caller.make(file, S_FMT, { side });
    if (starts) file.requests = (facts.takesRequests?.(file) ?? false) && random.chance(0.4);
    for (const side of sides) caller.make(file, REQBUFS, { side, number: random.between(1, 4) });
    for (const side of random.shuffle(sides)) {
      facts.prepare?.(caller, file, side);
      for (let i = 0; i < file.buffers[side]; i++) caller.give(file, QBUF, side, i);
      caller.make(file, STREAMON, { side });
    }
    for (let i = random.below(12); i > 0; i--) {
      const side = random.pick(sides);
      // The writer is another process, and needs its time.
      if (facts.oneSided && side === facts.capture) caller.waitForFrame(file);
      if (caller.make(file, DQBUF, { side }) >= 0) caller.give(file, QBUF, side, caller.dequeued);
    }
  });
}

/** What every node is called with. */
export const COMMON: readonly Row[] = [
  [14, (caller, file) => caller.give(file, QBUF, caller.side())],
  [14, DQBUF],
  [2, S_FMT],
  [3, REQBUFS],
  [2, CREATE_BUFS],
  [2, REMOVE_BUFS],
  [4, QUERYBUF],
  [2, (caller, file) => caller.touch(file, QUERYBUF)],
  [2, (caller) => caller.drop(caller.mappings)?.close()],
  [3, EXPBUF],
  [1, (caller) => caller.drop(caller.importables)?.close()],
  [2, STREAMON],
  [2, STREAMOFF],
  [3, SUBSCRIBE_EVENT],
  [3, DQEVENT],
  [3, (caller, file) => caller.poll(file)],
  [3, (caller, file) => caller.anything(file)],
  [1, (caller, file) => caller.duplicate(file)],
  [1, (caller) => caller.closeFile()],
];

/** What a node is called with besides that takes requests. */
export const REQUESTS: readonly Row[] = [
  [2, (caller, file) => caller.request(file, QBUF)],
  [2, (caller) => caller.reuseRequest()],
];
