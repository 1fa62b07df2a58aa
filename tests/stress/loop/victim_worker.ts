/**
 * A process that goes so far with the loopback node, says so, and stays there to be killed.
 *
 * @module
 */
import { F_SETFL, O_NONBLOCK } from "../../../lib/sys/file.ts";
import { addressOf, libc } from "../../../lib/sys/libc.ts";
import { pinToCpu, sched_param } from "../../../lib/sys/thread.ts";
import { expectEqual } from "../../harness/suite.ts";
import { UserptrQueue } from "../../../lib/v4l2/queue/queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { raw } from "../engine/libc.ts";
import {
  CAPTURE,
  LoopReader,
  LoopWriter,
  type ReaderIo,
  type Size,
  type WriterIo,
} from "./stream.ts";
import { delay } from "../../harness/waiting.ts";
import { missingMemory } from "../engine/userfault.ts";

/** `write` and `take` go on until the end, the latter with frames in hand. */
export const WRITER_STAGES = ["open", "format", "request", "queue", "start", "write"] as const;
export const READER_STAGES = ["open", "request", "queue", "block", "hold", "take"] as const;

/** Calls with memory that is never there: read(2), VIDIOC_QBUF of USERPTR, write(2). */
export const MISSING = ["read", "queue", "write"] as const;

/** What the worker is to do. */
export interface LoopVictimOrder {
  readonly node: string;
  readonly end:
    | { readonly side: "writer"; readonly io: WriterIo; readonly size: Size }
    | { readonly side: "reader"; readonly io: ReaderIo };
  /** Index of its last stage. */
  readonly stage: number;
}

/** linux/sched.h: runs where nobody else wants to. */
const SCHED_IDLE = 5;

const MISSING_BYTES = 1 << 20;

/** After which it looks whether it is to end. */
const TURN_MS = 100;

const threaded = Deno.dlopen("libc.so.6", {
  ioctl: { parameters: ["i32", "u32", "usize"], result: "i32", nonblocking: true },
  read: { parameters: ["i32", "usize", "usize"], result: "i32", nonblocking: true },
  write: { parameters: ["i32", "usize", "usize"], result: "i32", nonblocking: true },
}).symbols;

const block = (fd: number) => raw.fcntl(fd, F_SETFL, O_NONBLOCK & 0);

async function write(node: string, io: WriterIo, size: Size, stage: number): Promise<never> {
  const writer = new LoopWriter(node, io);
  if (stage > 0) writer.setFormat(size);
  if (stage > 1) writer.request();
  if (stage > 2) writer.frame();
  if (stage > 3) writer.start();
  console.log("there");
  for (;;) {
    if (stage < 5 || !writer.frame()) await delay(1);
  }
}

async function read(node: string, io: ReaderIo, stage: number): Promise<never> {
  const reader = new LoopReader(node, io);
  // Whoever keeps all that the writer can spare gets no more.
  const hold = io === "shared" ? 1 : 2;
  if (stage > 0) reader.request();
  if (stage > 1) reader.enqueue();
  if (stage > 2) reader.start();
  if (stage > 3) { while (reader.frames < 3) if (!reader.take(hold)) await delay(1); }
  console.log("there");
  if (stage === 3) block(reader.device.fd);
  for (;;) {
    if (stage === 3) reader.take();
    else if (stage !== 5 || !reader.take(hold)) await delay(1);
  }
}

/** Says whether there can be such memory, and which file of which process, and stays in the call. */
export async function missMemory(
  { node, call }: { node: string; call: typeof MISSING[number] },
): Promise<{ supported: boolean }> {
  const memory = missingMemory(MISSING_BYTES);
  if (memory === undefined) return { supported: false };
  const { address } = memory;
  const { device } = call === "write"
    ? new LoopWriter(node, "write")
    : new LoopReader(node, "read");
  const queue = call === "queue" ? new UserptrQueue(device, CAPTURE, 1, MISSING_BYTES) : undefined;
  block(device.fd);
  console.log(`there ${Deno.pid} ${device.fd}`);
  if (queue !== undefined) {
    queue.buffers[0].userptr = Number(address);
    const { bytes } = queue.buffers[0];
    await threaded.ioctl(device.fd, v4l2.VIDIOC_QBUF.request, addressOf(bytes));
  } else {
    await threaded[call as "read" | "write"](device.fd, address, BigInt(MISSING_BYTES));
  }
  throw new Error(`${call} came back`);
}

/** Takes one frame, says so, and keeps it. */
export async function keepFrame(
  { node, io }: { node: string; io: ReaderIo },
): Promise<never> {
  const reader = new LoopReader(node, io);
  reader.begin();
  while (!reader.take(1)) await delay(1);
  console.log("there");
  for (;;) await delay(1000);
}

/** Runs where nobody else wants to, and does nothing but take frames. */
export async function takeIdly(
  { node, io }: { node: string; io: ReaderIo },
): Promise<never> {
  const reader = new LoopReader(node, io);
  reader.begin();
  pinToCpu(0);
  const { bytes } = sched_param.alloc({});
  expectEqual("sched_setscheduler", libc.sched_setscheduler(0, SCHED_IDLE, bytes), 0);
  console.log("there");
  for (;;) {
    const end = performance.now() + TURN_MS;
    while (performance.now() < end) reader.skip();
    await delay(0);
  }
}

/** Has a processor for itself, as far as those go who run where nobody else wants to. */
export function beBusy(): never {
  pinToCpu(0);
  console.log("there");
  for (;;);
}

export function beLoopVictim({ node, end, stage }: LoopVictimOrder): Promise<never> {
  return end.side === "writer" ? write(node, end.io, end.size, stage) : read(node, end.io, stage);
}
