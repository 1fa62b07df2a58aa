/**
 * A client that holds on to what it can: memory of controls that is never there, dma-bufs that are
 * wrong in every way. It holds up nobody but itself, and nothing of it is left.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { EINVAL, ENOTTY } from "../../../lib/sys/errno.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { decoderCommand } from "../../../lib/v4l2/decoder/command.ts";
import { MplaneDmabufQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import {
  V4L2_CID_STATELESS_VP9_FRAME,
  v4l2_ctrl_vp9_frame,
} from "../../../lib/uapi/v4l2_controls_vp9.ts";
import { VPIPE_DEC_QUEUE_CAPTURE } from "../../../lib/uapi/vpipe_dec.ts";
import { HEAP } from "../../harness/context.ts";
import { expect, expectEqual, Skip } from "../../harness/suite.ts";
import { expectIdle } from "./decoder.ts";
import { Answering } from "./answering.ts";
import { CAPTURE, DecoderClient, SIDES } from "./client.ts";
import { orErrno, raw } from "../engine/libc.ts";
import { isInCall } from "../engine/in_call.ts";
import { type Conditions, NEVER_MS } from "../engine/stage.ts";
import { missingMemory } from "../engine/userfault.ts";
import { firstLine, Worker } from "../engine/workers.ts";
import { delay, until } from "../../harness/waiting.ts";
import { decoder, statefulNode } from "../../harness/nodes.ts";

const BUFINFO = "/sys/kernel/debug/dma_buf/bufinfo";

const HOLDERS = 3;
const ROUNDS = 20;
const PICTURE = 64 * 48 * 3 / 2;

const threaded = Deno.dlopen("libc.so.6", {
  ioctl: { parameters: ["i32", "u32", "usize"], result: "i32", nonblocking: true },
}).symbols;

/** Sets a control from memory that is never there, and meanwhile queues a frame with a request. */
export async function holdOn({ id }: { id: number }): Promise<{ supported: boolean }> {
  const memory = missingMemory(4096);
  if (memory === undefined) return { supported: false };
  using client = new DecoderClient(decoder.videoNode(), { requests: true });
  client.start();
  const control = v4l2.v4l2_ext_control.alloc({
    id,
    size: v4l2_ctrl_vp9_frame.size,
    ptr: memory.address,
  });
  const argument = v4l2.v4l2_ext_controls.alloc({ count: 1, controls: addressOf(control.bytes) });
  const { request } = v4l2.VIDIOC_S_EXT_CTRLS;
  const { fd } = client.device;
  const held = threaded.ioctl(fd, request, addressOf(argument.bytes));
  await until("VIDIOC_S_EXT_CTRLS waits", () => isInCall(Deno.pid, "ioctl", fd, request));
  console.log("holds");
  client.send(0, [1]);
  console.log("sent");
  await held;
  return { supported: true };
}

/** A stream of one frame, from open to close, with requests. */
async function live(daemon: Answering): Promise<number> {
  const begin = performance.now();
  {
    using client = new DecoderClient(decoder.videoNode(), { requests: true });
    client.start();
    client.send(0, [1, 2]);
    daemon.serve();
    expect((await client.picture()).every((byte) => byte === 3), "a wrong picture");
  }
  daemon.serve();
  return performance.now() - begin;
}

/** Others live beside clients that hold on; these end with their processes. */
async function holders(): Promise<string> {
  using daemon = new Answering();
  let longest = 0;
  {
    await using workers = new AsyncDisposableStack();
    for (let i = 0; i < HOLDERS; i++) {
      const worker = workers.use(new Worker(holdOn, { id: V4L2_CID_STATELESS_VP9_FRAME }));
      if (await firstLine(worker) === undefined) throw new Skip("this kernel has no userfaultfd");
      // VIDIOC_QBUF does not wait for a control's memory.
      await worker.says("sent");
      daemon.serve();
      longest = Math.max(longest, await live(daemon));
    }
  }
  daemon.serve();
  daemon[Symbol.dispose]();
  using _next = new Answering();
  return `${HOLDERS} clients held on to a control, another's whole life took ${
    longest.toFixed(0)
  } ms at most`;
}

/** Dma-bufs that there are. */
function dmabufs(): number {
  const text = Deno.readTextFileSync(BUFINFO);
  return Number(text.match(/^Total (\d+) objects/m)?.[1]);
}

/** Each wrong dma-buf is refused, and the one before it let go by everybody. */
async function imports(random: Conditions["random"]): Promise<string> {
  const before = dmabufs();
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    using daemon = new Answering();
    using client = new DecoderClient(decoder.videoNode());
    using dmabuf = allocateFromHeap(HEAP, PICTURE);
    expectEqual("REQBUFS(0)", client.tryFree(CAPTURE), 0);
    const queue = new MplaneDmabufQueue(client.device, CAPTURE, [[dmabuf]]);
    const plane = queue.planes[0][0];
    for (const side of SIDES) expectEqual("STREAMON", client.tryStart(side), 0);
    queue.enqueue(0);
    client.send(0, [1]);
    daemon.serve();
    expect(await client.wait(), "no picture");
    queue.dequeue();
    const wrong = random.pick([
      { fd: -1, length: 0 },
      { fd: client.device.fd, length: 0 },
      { fd: dmabuf.fd, length: 1 << 20 },
      { fd: dmabuf.fd, length: 16 },
    ]);
    Object.assign(plane, wrong);
    const argument = queue.buffers[0].bytes;
    const result = orErrno(
      raw.ioctl(client.device.fd, v4l2.VIDIOC_QBUF.request, addressOf(argument)),
    );
    expectEqual(`errno of length ${wrong.length}`, -result, EINVAL);
    refused++;
    daemon.serve();
    const gone = daemon.latest.gone[VPIPE_DEC_QUEUE_CAPTURE];
    expectEqual("buffers that the daemon is to let go", gone, 1);
  }
  await expectIdle(0);
  const end = performance.now() + NEVER_MS;
  while (dmabufs() > before && performance.now() < end) await delay(20);
  expectEqual("dma-bufs more than before", dmabufs() - before, 0);
  return `${refused} wrong dma-bufs were refused, the daemon let go of what was there before, and ` +
    "none is left";
}

/**
 * The last buffer is dequeued, spoilt by a descriptor that is none, and removed; then decoding goes
 * on: whatever the driver knew of it must not outlive it.
 */
async function lastBuffer(): Promise<string> {
  {
    using daemon = new Answering();
    using client = new DecoderClient(statefulNode(), { pixelformat: v4l2.V4L2_PIX_FMT_VP9 });
    using heap = new DisposableStack();
    const dmabufs = Array.from({ length: 3 }, () => heap.use(allocateFromHeap(HEAP, PICTURE)));
    expectEqual("REQBUFS(0)", client.tryFree(CAPTURE), 0);
    const queue = new MplaneDmabufQueue(client.device, CAPTURE, dmabufs.map((one) => [one]));
    for (const side of SIDES) expectEqual("STREAMON", client.tryStart(side), 0);
    for (const { index } of queue.buffers) queue.enqueue(index);
    client.send(0, [1]);
    daemon.serve();
    decoderCommand(client.device, v4l2.V4L2_DEC_CMD_STOP);
    daemon.serve();
    let last = -1;
    while (last < 0) {
      expect(await client.wait(), "no last buffer");
      const index = queue.dequeue();
      if (queue.dequeued.flags & v4l2.V4L2_BUF_FLAG_LAST) last = index;
    }
    queue.planes[last][0].fd = -1;
    const { request } = v4l2.VIDIOC_QBUF;
    const result = orErrno(
      raw.ioctl(client.device.fd, request, addressOf(queue.buffers[last].bytes)),
    );
    expectEqual("errno of no descriptor", -result, EINVAL);
    const removal = v4l2.v4l2_remove_buffers.alloc({ index: last, count: 1, type: CAPTURE }).bytes;
    const removed = tryIoctl(client.device.fd, v4l2.VIDIOC_REMOVE_BUFS.request, removal);
    if (removed === -ENOTTY) return "this kernel removes no buffers";
    expectEqual("REMOVE_BUFS", removed, 0);
    decoderCommand(client.device, v4l2.V4L2_DEC_CMD_START);
    daemon.serve();
  }
  await expectIdle(0);
  return "the last buffer was spoilt and removed before V4L2_DEC_CMD_START";
}

export async function decoderHolding({ random }: Conditions): Promise<string> {
  const said = [await imports(random), await lastBuffer(), await holders()];
  await expectIdle(0);
  return said.join("; ");
}
