/**
 * An open file that several programs have: one is in a call that waits for memory which is never
 * there. Those who wait for that call can be killed.
 *
 * @module
 */
import { addressOf } from "../../../lib/sys/libc.ts";
import { Poller, pollfd, POLLIN } from "../../../lib/sys/poll.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MmapQueue, UserptrQueue } from "../../../lib/v4l2/queue/queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { loopNode } from "../../harness/nodes.ts";
import { expect, Skip } from "../../harness/suite.ts";
import { delay, until } from "../../harness/waiting.ts";
import { isInCall } from "../engine/in_call.ts";
import { descriptorOf } from "../engine/libc.ts";
import { expectKilled, SHARED_FILE_BYTES, type SharedCall } from "../engine/shared_file.ts";
import { type Conditions, NEVER_MS } from "../engine/stage.ts";
import { firstLine, Worker } from "../engine/workers.ts";
import { expectLoopIdle } from "./loop.ts";
import { CAPTURE, OUTPUT } from "./stream.ts";
import { missMemory } from "./victim_worker.ts";

const CALLS = ["poll", "VIDIOC_QUERYBUF", "VIDIOC_DQBUF", "VIDIOC_STREAMOFF"] as const;

/** Calls that wait for a frame. */
const WAITING = ["VIDIOC_DQBUF of CAPTURE", "VIDIOC_DQBUF of OUTPUT", "read"] as const;

const threaded = Deno.dlopen("libc.so.6", {
  ioctl: { parameters: ["i32", "u32", "usize"], result: "i32", nonblocking: true },
  poll: { parameters: ["usize", "usize", "i32"], result: "i32", nonblocking: true },
}).symbols;

/** Has the file of another program, and makes the call again and again, until it waits there. */
export async function shareLoopFile(
  { pid, fd, call }: { pid: number; fd: number; call: typeof CALLS[number] },
): Promise<never> {
  const own = descriptorOf({ pid, fd });
  const asked = pollfd.alloc({ fd: own, events: POLLIN });
  const buffer = v4l2.v4l2_buffer.alloc({ type: CAPTURE, memory: v4l2.V4L2_MEMORY_USERPTR });
  // Of both structures the type comes where it is to be.
  const type = new Uint8Array(Uint32Array.of(CAPTURE).buffer);
  console.log("there");
  for (;;) {
    if (call === "poll") await threaded.poll(addressOf(asked.bytes), 1n, 0);
    else {
      const argument = call === "VIDIOC_STREAMOFF" ? type : buffer.bytes;
      await threaded.ioctl(own, v4l2[call].request, addressOf(argument));
    }
  }
}

async function killWaiting(call: typeof CALLS[number]): Promise<boolean> {
  await using holder = new Worker(missMemory, { node: loopNode(), call: "queue" });
  const line = await firstLine(holder);
  if (line === undefined) return false;
  const [pid, fd] = line.split(" ").slice(1).map(Number);
  const queues = () => isInCall(pid, "ioctl", fd, v4l2.VIDIOC_QBUF.request);
  await until("VIDIOC_QBUF waits", queues);
  let killed = false;
  const sharer = new Worker(shareLoopFile, { pid, fd, call });
  await sharer.says("there");
  await until(
    `${call} waits`,
    () =>
      call === "poll"
        ? isInCall(sharer.pid, "poll")
        : isInCall(sharer.pid, "ioctl", undefined, v4l2[call].request),
  );
  const end = sharer[Symbol.asyncDispose]().then(() => killed = true);
  await Promise.race([end, delay(NEVER_MS)]);
  expect(killed, `who waits in ${call} for another program's call cannot be killed`);
  return true;
}

/** Who waits for a frame has let go of the file, and takes it again when it is killed. */
async function killBeforeFrame(call: SharedCall): Promise<void> {
  {
    using device = VideoDevice.open(loopNode(), v4l2.V4L2_CAP_VIDEO_OUTPUT, "output device");
    const size = { width: 64, height: 64, pixelformat: v4l2.V4L2_PIX_FMT_GREY };
    device.setFormat(OUTPUT, size);
    using stack = new DisposableStack();
    // read(2) begins before there are other buffers.
    if (call === "read") new Poller(device, POLLIN).wait(0);
    else if (call === "VIDIOC_DQBUF of CAPTURE") {
      const capture = stack.use(new MmapQueue(device, CAPTURE, 1));
      capture.enqueue(0);
      capture.streamOn();
    }
    const output = stack.use(new UserptrQueue(device, OUTPUT, 4, SHARED_FILE_BYTES));
    output.streamOn();
    await expectKilled(device, call, true);
  }
  await expectLoopIdle();
}

export async function loopShared(_: Conditions): Promise<string> {
  for (const call of CALLS) {
    if (!await killWaiting(call)) throw new Skip("this kernel has no memory that is never there");
    await expectLoopIdle();
  }
  for (const call of WAITING) await killBeforeFrame(call);
  const calls = [...CALLS, ...WAITING.map((call) => `${call} before that`)];
  return `killed while another program is in a call of the same file: ${calls.join(", ")}`;
}
