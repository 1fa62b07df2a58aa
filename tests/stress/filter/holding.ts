/**
 * A client that holds on to what it can: memory of a frame that is never there, and fences that never
 * signal. It holds up nobody but itself.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Poller, POLLERR, pollfd, POLLIN, POLLPRI } from "../../../lib/sys/poll.ts";
import { DmabufQueue, MmapQueue, UserptrQueue } from "../../../lib/v4l2/queue/queue.ts";
import type { Ioctl } from "../../../lib/uapi/ioctl_number.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { openFilter, setFilterSize } from "../../../lib/vpipe/filter.ts";
import { heap } from "../../harness/context.ts";
import { expect, expectEqual, Skip } from "../../harness/suite.ts";
import { filter } from "../../harness/nodes.ts";
import { expectWorking } from "./filter.ts";
import { raw } from "../engine/libc.ts";
import { countInCall, isInCall } from "../engine/in_call.ts";
import { NEVER_MS } from "../engine/stage.ts";
import { delay, until } from "../../harness/waiting.ts";
import { F_SETFL } from "../../../lib/sys/file.ts";
import { neverSignals } from "../../harness/fence.ts";
import { missingMemory } from "../engine/userfault.ts";
import { firstLine, Worker } from "../engine/workers.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const SIZE = [320, 200] as const;
const BYTES = SIZE[0] * SIZE[1];

/** What a frame may wait for, for ever. */
const HOLDS = ["memory", "fence"] as const;

/** That may wait in one file; those that do, and others that want to, of which a thread each waits. */
const MOST_WAITING = 256;
const WAITING = 250;
const POLLS = 20;

const threaded = Deno.dlopen("libc.so.6", {
  ioctl: { parameters: ["i32", "u32", "usize"], result: "i32", nonblocking: true },
  poll: { parameters: ["usize", "usize", "i32"], result: "i32", nonblocking: true },
}).symbols;

/** Waits in VIDIOC_QBUF, says so, and has another thread stop the queue meanwhile. */
export async function holdFilter(
  { by }: { by: typeof HOLDS[number] },
): Promise<{ supported: boolean }> {
  using device = openFilter(filter.videoNode());
  setFilterSize(device, ...SIZE);
  raw.fcntl(device.fd, F_SETFL, 0);
  let queue: UserptrQueue | DmabufQueue;
  if (by === "memory") {
    const memory = missingMemory(BYTES);
    if (memory === undefined) return { supported: false };
    queue = new UserptrQueue(device, OUTPUT, 1, BYTES);
    queue.buffers[0].userptr = Number(memory.address);
  } else {
    const dmabuf = allocateFromHeap(heap(), BYTES);
    if (!neverSignals(dmabuf.fd)) return { supported: false };
    queue = new DmabufQueue(device, OUTPUT, [dmabuf]);
  }
  Object.assign(queue.buffers[0], { bytesused: BYTES, length: BYTES });
  const call = (request: number, argument: Uint8Array<ArrayBuffer>) =>
    threaded.ioctl(device.fd, request, addressOf(argument));
  const waits = ({ name, request }: Ioctl) =>
    until(`${name} waits`, () => isInCall(Deno.pid, "ioctl", device.fd, request));
  const queued = call(v4l2.VIDIOC_QBUF.request, queue.buffers[0].bytes);
  await waits(v4l2.VIDIOC_QBUF);
  const type = Uint32Array.of(OUTPUT);
  const stopped = call(v4l2.VIDIOC_STREAMOFF.request, new Uint8Array(type.buffer));
  await waits(v4l2.VIDIOC_STREAMOFF);
  console.log("holds");
  await Promise.all([queued, stopped]);
  return { supported: true };
}

/**
 * More polls than may wait come while the file's lock is held by a frame whose memory is not there, which it
 * then is. Says how many of the polls came back.
 */
export async function crowdFilter(_: Record<string, never>): Promise<never> {
  using device = openFilter(filter.videoNode());
  setFilterSize(device, ...SIZE);
  const memory = missingMemory(BYTES);
  if (memory === undefined) {
    console.log("no such memory");
    Deno.exit(0);
  }
  const priority = { fd: device.fd, events: POLLPRI };
  const poll = (bytes: Uint8Array<ArrayBuffer>, count: number) =>
    threaded.poll(addressOf(bytes), BigInt(count), -1);
  const first = new Uint8Array(pollfd.size * WAITING);
  for (let i = 0; i < WAITING; i++) first.set(pollfd.alloc(priority).bytes, i * pollfd.size);
  poll(first, WAITING);
  await until("the first ones wait", () => isInCall(Deno.pid, "poll"));
  const queue = new UserptrQueue(device, OUTPUT, 1, BYTES);
  Object.assign(queue.buffers[0], {
    ...{ userptr: Number(memory.address), bytesused: BYTES, length: BYTES },
  });
  const { request } = v4l2.VIDIOC_QBUF;
  const queued = threaded.ioctl(device.fd, request, addressOf(queue.buffers[0].bytes));
  await until("VIDIOC_QBUF waits", () => isInCall(Deno.pid, "ioctl", device.fd, request));
  let refused = 0;
  for (let i = 0; i < POLLS; i++) {
    const asked = pollfd.alloc(priority);
    poll(asked.bytes, 1).then(() => refused += Number(asked.revents === POLLERR));
  }
  const polling = () => countInCall(Deno.pid, "poll");
  await until("all polls are there", () => polling() === 1 + POLLS);
  memory.come();
  await queued;
  await until("polls come back or wait", () => refused + polling() === 1 + POLLS && refused > 0);
  console.log(refused);
  // The others never do.
  Deno.exit(0);
}

/** A whole life, which it says it begins: open, a frame, close. A process of its own, which may be held. */
export async function liveInFilter(_: Record<string, never>): Promise<{ ms: number }> {
  console.log("begins");
  const begin = performance.now();
  {
    using device = openFilter(filter.videoNode());
    setFilterSize(device, ...SIZE);
    using output = new MmapQueue(device, OUTPUT, 1);
    using capture = new MmapQueue(device, CAPTURE, 1);
    const ready = new Poller(device, POLLIN);
    for (const queue of [output, capture]) queue.streamOn();
    capture.enqueue(0);
    output.enqueue(0, BYTES);
    while (capture.dequeue() < 0) ready.wait(1000);
    await delay(0);
  }
  return { ms: performance.now() - begin };
}

/** @returns how many polls came back; undefined where the kernel has no memory that is not there */
async function crowd(): Promise<number | undefined> {
  await using holder = new Worker(crowdFilter, {});
  const said = await holder.line();
  if (said === undefined) await holder.result();
  return said === "no such memory" ? undefined : Number(said);
}

export async function filterHolding(): Promise<string> {
  const said: string[] = [];
  const refused = await crowd();
  if (refused !== undefined) {
    expectEqual("polls that were refused", refused, WAITING + POLLS - MOST_WAITING);
    said.push(`${refused} of ${POLLS} polls behind its lock refused where ${WAITING} wait`);
  }
  for (const by of HOLDS) {
    let ms: number | undefined;
    {
      await using holder = new Worker(holdFilter, { by });
      if (await firstLine(holder) === undefined) {
        said.push(`${by}: not in this kernel`);
        continue;
      }
      const other = new Worker(liveInFilter, {});
      await other.says("begins");
      const result = other.result().then((life) => ms = life.ms, () => undefined);
      await Promise.race([result, delay(NEVER_MS)]);
    }
    expect(ms !== undefined, `another client does not come to its end beside one with a ${by}`);
    await expectWorking();
    said.push(`${by}: ${ms.toFixed(0)} ms`);
  }
  if (said.every((text) => text.includes("not in"))) throw new Skip("this kernel has neither");
  return `another's whole life beside a client whose frame never comes: ${said.join(", ")}`;
}
