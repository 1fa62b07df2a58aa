/**
 * An open file that several programs have: one is in a call that waits for memory which is never
 * there, another one in a call of its own, and can be killed.
 *
 * @module
 */
import { F_SETFL } from "../../../lib/sys/file.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { pollfd, POLLIN } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { expect, Skip } from "../../harness/suite.ts";
import { delay, until } from "../../harness/waiting.ts";
import { descriptorOf, raw } from "./libc.ts";
import { isInCall } from "./in_call.ts";
import { NEVER_MS } from "./stage.ts";
import { missingMemory } from "./userfault.ts";
import { firstLine, Worker } from "./workers.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;

/** Of the frames, and of the first OUTPUT buffer, which is USERPTR. */
export const SHARED_FILE_BYTES = 64 * 64;

interface FileOf {
  readonly pid: number;
  readonly fd: number;
}

const threaded = Deno.dlopen("libc.so.6", {
  ioctl: { parameters: ["i32", "u32", "usize"], result: "i32", nonblocking: true },
  poll: { parameters: ["usize", "usize", "i32"], result: "i32", nonblocking: true },
  read: { parameters: ["i32", "usize", "usize"], result: "i32", nonblocking: true },
}).symbols;

/** Says whether there can be such memory, and queues a buffer of it. */
export async function missInSharedFile(file: FileOf): Promise<{ supported: boolean }> {
  const memory = missingMemory(SHARED_FILE_BYTES);
  if (memory === undefined) return { supported: false };
  const { address } = memory;
  const { bytes } = v4l2.v4l2_buffer.alloc({
    ...{ type: OUTPUT, memory: v4l2.V4L2_MEMORY_USERPTR, userptr: Number(address) },
    ...{ length: SHARED_FILE_BYTES, bytesused: SHARED_FILE_BYTES },
  });
  const fd = descriptorOf(file);
  console.log("there");
  await threaded.ioctl(fd, v4l2.VIDIOC_QBUF.request, addressOf(bytes));
  throw new Error("VIDIOC_QBUF came back");
}

const userptr = (type: number) =>
  v4l2.v4l2_buffer.alloc({ type, memory: v4l2.V4L2_MEMORY_USERPTR }).bytes;
const mmap = (type: number) =>
  v4l2.v4l2_buffer.alloc({ type, memory: v4l2.V4L2_MEMORY_MMAP }).bytes;
const format = () => v4l2.v4l2_format.alloc({ type: OUTPUT }).bytes;

/** Calls that take a file alone; of an ioctl what its argument is. */
const CALLS = {
  poll: undefined,
  read: undefined,
  VIDIOC_G_FMT: format,
  VIDIOC_TRY_FMT: format,
  VIDIOC_S_FMT: format,
  "VIDIOC_DQBUF of OUTPUT": () => userptr(OUTPUT),
  "VIDIOC_DQBUF of CAPTURE": () => mmap(CAPTURE),
};

export type SharedCall = keyof typeof CALLS;

const ioctlOf = (call: SharedCall) => v4l2[call.split(" ")[0] as "VIDIOC_DQBUF"];

/** Whether a program is in the call and waits. */
export function isWaiting(pid: number, call: SharedCall): boolean {
  return call === "poll" || call === "read"
    ? isInCall(pid, call)
    : isInCall(pid, "ioctl", undefined, ioctlOf(call).request);
}

/** Makes the call again and again, until it waits there. */
export async function waitInSharedFile(
  { pid, fd, call }: FileOf & { readonly call: SharedCall },
): Promise<never> {
  const own = descriptorOf({ pid, fd });
  const asked = pollfd.alloc({ fd: own, events: POLLIN });
  const argument = CALLS[call]?.() ?? new Uint8Array(SHARED_FILE_BYTES);
  console.log("there");
  for (;;) {
    if (call === "poll") await threaded.poll(addressOf(asked.bytes), 1n, 0);
    else if (call === "read") {
      await threaded.read(own, addressOf(argument), BigInt(argument.length));
    } else await threaded.ioctl(own, ioctlOf(call).request, addressOf(argument));
    await delay(1);
  }
}

/**
 * @param file blocks from now on; its queues stream
 * @param before who is to be killed is in its call before the other one waits
 */
export async function expectKilled(
  file: { readonly fd: number },
  call: SharedCall,
  before: boolean,
): Promise<void> {
  raw.fcntl(file.fd, F_SETFL, 0);
  const order = { pid: Deno.pid, fd: file.fd };
  let waiting: Worker<FileOf & { readonly call: SharedCall }, never> | undefined;
  const wait = async () => {
    waiting = new Worker(waitInSharedFile, { ...order, call });
    const { pid } = waiting;
    await waiting.says("there");
    await until(`${call} waits`, () => isWaiting(pid, call));
  };
  let killed = false;
  if (before) await wait();
  try {
    await using holder = new Worker(missInSharedFile, order);
    if (await firstLine(holder) === undefined) {
      throw new Skip("this kernel has no memory that is never there");
    }
    const { request } = v4l2.VIDIOC_QBUF;
    await until("VIDIOC_QBUF waits", () => isInCall(holder.pid, "ioctl", undefined, request));
    if (!before) await wait();
    const end = waiting![Symbol.asyncDispose]().then(() => killed = true);
    await Promise.race([end, delay(NEVER_MS)]);
    expect(killed, `who waits in ${call} for another program's call cannot be killed`);
  } finally {
    await waiting?.[Symbol.asyncDispose]();
  }
}
