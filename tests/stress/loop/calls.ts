/**
 * The loopback node, and the calls that it is called with at random, both sides at once on the same
 * files.
 *
 * @module
 */
import { libc } from "../../../lib/sys/libc.ts";
import { O_CLOEXEC } from "../../../lib/sys/file.ts";
import { PROT_READ, PROT_WRITE } from "../../../lib/sys/mmap.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import {
  VPIPE_LOOP_CID_BASE,
  VPIPE_LOOP_IOC_SHARE,
  vpipe_loop_share,
} from "../../../lib/uapi/vpipe_loop.ts";
import { loopNode } from "../../harness/nodes.ts";
import { expect } from "../../harness/suite.ts";
import { BAD_ADDRESSES } from "../engine/caller.ts";
import { orErrno, raw } from "../engine/libc.ts";
import type { NodeCaller, NodeFacts, OpenFile } from "../engine/node_caller.ts";
import * as calls from "../engine/v4l2_calls.ts";
import { SECRET } from "./stream.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const { V4L2_MEMORY_MMAP: MMAP, V4L2_MEMORY_USERPTR: USERPTR, V4L2_MEMORY_DMABUF: DMABUF } = v4l2;

const FORMATS = [
  v4l2.V4L2_PIX_FMT_GREY,
  v4l2.V4L2_PIX_FMT_GREY,
  v4l2.V4L2_PIX_FMT_NV12,
  v4l2.V4L2_PIX_FMT_YUYV,
  v4l2.V4L2_PIX_FMT_MJPEG,
];

/** Of a frame. */
const BEHIND_NUMBER = 4;
const PAGE_SIZE = libc.getpagesize();

let seen = 0;

/** Reads alone: a write to some mappings is a SIGSEGV. */
function look(bytes: Uint8Array, isSecret = false): void {
  for (let at = BEHIND_NUMBER; at < bytes.length; at += PAGE_SIZE) {
    seen = (seen + bytes[at]) | 0;
    expect(!isSecret || bytes[at] !== SECRET, `what the writer draws is seen at ${at}`);
  }
}

function moved(call: "read" | "write", caller: NodeCaller, file: OpenFile): number {
  const { random } = caller;
  const [frame] = file.planes[OUTPUT];
  const size = random.pick([0, 1, frame - 1, frame, frame, frame + 1, 1 << 20]);
  const at = caller.wildly(0.1) ? random.pick(BAD_ADDRESSES) : caller.anywhere(size);
  return caller.count(call, orErrno(raw[call](file.fd, at, BigInt(size))));
}

/** Whoever has begun to read or write has no buffers any more until it closes its file. */
function read(caller: NodeCaller, file: OpenFile): void {
  if (moved("read", caller, file) > 0) caller.tally.results++;
  if (caller.random.chance(0.3)) caller.close(file);
}

function write(caller: NodeCaller, file: OpenFile): void {
  if (moved("write", caller, file) > 0 && caller.random.chance(0.5)) caller.close(file);
}

/** What may be only read stays so; reading can be turned on again at any time. */
function protect(caller: NodeCaller): void {
  const { random, mappings } = caller;
  if (mappings.length === 0) return;
  const { address, length } = random.pick(mappings);
  const protection = random.pick([PROT_READ, PROT_READ | PROT_WRITE]);
  caller.count("mprotect", orErrno(raw.mprotect(BigInt(address), BigInt(length), protection)));
}

const SHARE = calls.row({
  ioctl: VPIPE_LOOP_IOC_SHARE,
  argument: (caller, file) =>
    vpipe_loop_share.alloc({ index: caller.anyIndex(file, OUTPUT), flags: O_CLOEXEC }),
  done: (caller, _file, _about, { fd, size }) => calls.keepDmabuf(caller, fd, size),
});

export const LOOP: NodeFacts = {
  ...{ output: OUTPUT, capture: CAPTURE, maxOpen: 3, magic: "V", queueBytes: 4 << 20 },
  path: () => loopNode(),
  memories: () => [MMAP, MMAP, USERPTR, DMABUF],
  formatSides: [OUTPUT],
  format({ random }) {
    const largest = random.pick([2, 16, 64, 64, 128, 640]);
    const [width, height] = [random.between(1, largest), random.between(1, largest)];
    return { width, height, pixelformat: random.pick(FORMATS) };
  },
  largest: { side: 640, bytes: 1 << 20 },
  control(caller) {
    const { random } = caller;
    // Time-outs are short, so that there is something to time out.
    const number = caller.wildly(0.1) ? 4 : random.below(4);
    return { id: VPIPE_LOOP_CID_BASE + number, value: random.pick([0, 1, 1, 2, 5]) };
  },
  controls: calls.S_EXT_CTRLS,
  event: (caller) =>
    caller.random.chance(0.5)
      ? { type: v4l2.V4L2_EVENT_SOURCE_CHANGE }
      : { type: v4l2.V4L2_EVENT_CTRL, id: LOOP.control!(caller).id },
  oneSided: true,
  // The writer's memory, seen or imported.
  prepare(caller, file, side) {
    if (side !== CAPTURE) return;
    if (file.memory[side] === DMABUF) caller.make(file, SHARE);
    for (let number = 0; number < file.buffers[side] && file.memory[side] === MMAP; number++) {
      caller.make(file, calls.QUERYBUF, { side, number });
    }
  },
  look,
  table: [
    ...calls.COMMON,
    [12, (caller, file) => calls.stream(caller, file, [caller.side()])],
    [4, read],
    [4, write],
    [2, calls.QUERYBUF],
    [2, protect],
    [4, SHARE],
    [4, calls.S_CTRL],
    [1, calls.S_EXT_CTRLS],
  ],
};

/** Beside a program that writes all the time, and draws what nobody else may see. */
export const BESIDE: NodeFacts = { ...LOOP, readers: true, look: (bytes) => look(bytes, true) };
