/**
 * The same windows in the queues of two programs: each frame is shown in one of them once, and what is
 * copied for one meanwhile is nobody else's.
 *
 * @module
 */
import { Dmabuf } from "../../../lib/dmabuf/dma_buf.ts";
import { File } from "../../../lib/sys/file.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { DmabufQueue, MmapQueue } from "../../../lib/v4l2/queue/queue.ts";
import { sharedBuffers } from "../../../lib/vpipe/loop.ts";
import { loopNode } from "../../harness/nodes.ts";
import { delay, until } from "../../harness/waiting.ts";
import { descriptorOf } from "../engine/libc.ts";
import type { Conditions } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { expectLoopIdle } from "./loop.ts";
import { CAPTURE, OUTPUT } from "./stream.ts";

const SIZE = { width: 1920, height: 1080 };

/** Shown themselves, and always copied. */
const FORMATS = [v4l2.V4L2_PIX_FMT_GREY, v4l2.V4L2_PIX_FMT_MJPEG];

/** Windows that a reader keeps while it waits for the next frame: beyond its share all are copied. */
const HELD = 2;

const POLL_MS = 10;

/** Frames after which signals are looked at. */
const BATCH = 32;

/** What the worker is to do. */
interface WindowsOrder {
  readonly node: string;
  /** Whose windows it queues; without, they are its own. */
  readonly of?: { readonly pid: number; readonly fds: readonly number[] };
}

function windowsOf({ of }: WindowsOrder, device: VideoDevice): Dmabuf[] {
  if (of === undefined) return sharedBuffers(device);
  const { sizeimage } = device.getFormat(CAPTURE);
  return of.fds.map((fd) => {
    const own = descriptorOf({ pid: of.pid, fd });
    return new Dmabuf(new File("window", own), sizeimage, Mapping.readOnly);
  });
}

/** Takes frames in windows until SIGTERM, and looks at none; says which these are, and its first frame. */
export async function takeWindows(order: WindowsOrder): Promise<{ frames: number }> {
  using device = VideoDevice.open(order.node, v4l2.V4L2_CAP_VIDEO_CAPTURE, "capture device");
  using stack = new DisposableStack();
  const windows = windowsOf(order, device);
  for (const window of windows) stack.use(window);
  console.log(JSON.stringify({ pid: Deno.pid, fds: windows.map(({ fd }) => fd) }));
  const queue = stack.use(new DmabufQueue(device, CAPTURE, windows));
  for (const { index } of queue.buffers) queue.enqueue(index);
  queue.streamOn();
  const poller = new Poller(device, POLLIN);
  const held: number[] = [];
  let stopped = false;
  Deno.addSignalListener("SIGTERM", () => stopped = true);
  let frames = 0;
  while (!stopped) {
    const index = queue.dequeue();
    if (index >= 0) {
      held.push(index);
      if (frames++ === 0) console.log("frame");
    }
    const starves = index < 0 && poller.wait(POLL_MS) === 0;
    // Two that have all windows in hand between them would wait for each other.
    if (held.length > HELD || (starves && held.length > 0)) queue.enqueue(held.shift()!);
    if (starves || frames % BATCH === 0) await delay(0);
  }
  return { frames };
}

/** Has both read for some time from when both do: what one lends the other is there as long as it is. */
async function readBoth(
  readers: readonly Worker<WindowsOrder, { frames: number }>[],
  seconds: number,
): Promise<number[]> {
  for (const reader of readers) await reader.says("frame");
  await delay(seconds * 1000);
  for (const reader of readers) reader.stop();
  const results = await Promise.all(readers.map((reader) => reader.result()));
  return results.map(({ frames }) => frames);
}

/** Writes frames of a format until two readers of the same windows are done. */
async function writeToWindows(pixelformat: number, seconds: number): Promise<number[]> {
  const node = loopNode();
  using device = VideoDevice.open(node, v4l2.V4L2_CAP_VIDEO_OUTPUT, "output device");
  const { sizeimage } = device.setFormat(OUTPUT, { ...SIZE, pixelformat });
  using queue = new MmapQueue(device, OUTPUT, 4);
  queue.streamOn();
  const free = queue.buffers.map(({ index }) => index);
  await using first = new Worker(takeWindows, { node });
  const of = JSON.parse(await first.said());
  await using second = new Worker(takeWindows, { node, of });
  await second.said();
  let over = false;
  const write = async () => {
    while (!over) {
      const index = free.pop() ?? queue.dequeue();
      if (index >= 0) queue.enqueue(index, sizeimage);
      await delay(1);
    }
  };
  const reading = readBoth([first, second], seconds).finally(() => over = true);
  const [counts] = await Promise.all([reading, write()]);
  return counts;
}

/** Copies that there is memory for. */
const copies = () =>
  Deno.readTextFileSync("/proc/vmallocinfo").split("vloop_frame_make").length - 1;

export async function loopWindows({ seconds }: Conditions): Promise<string> {
  const counts: number[] = [];
  for (const pixelformat of FORMATS) {
    counts.push(...await writeToWindows(pixelformat, seconds / FORMATS.length));
    await expectLoopIdle();
    await until("copies that nobody has are gone", () => copies() === 0);
  }
  return `2 readers with the same 4 windows had ${counts.join(", ")} frames`;
}
