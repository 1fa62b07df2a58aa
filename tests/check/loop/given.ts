/**
 * A reader of the loopback node reads the frames that it was given, from VIDIOC_DQBUF until it
 * queues the buffer again, and nothing else.
 *
 * @module
 */
import { WRITING } from "../../../lib/dmabuf/dma_buf.ts";
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { EACCES, EBUSY, EFAULT, EINVAL } from "../../../lib/sys/errno.ts";
import { File, O_NONBLOCK, O_RDONLY } from "../../../lib/sys/file.ts";
import { ioctl, tryIoctl } from "../../../lib/sys/ioctl.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { DmabufQueue } from "../../../lib/v4l2/queue/queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { sharedBuffers } from "../../../lib/vpipe/loop.ts";
import {
  VPIPE_LOOP_CID_KEEP_LAST,
  VPIPE_LOOP_CID_LEND_IMPORTS,
  VPIPE_LOOP_CID_STAMPS,
  VPIPE_LOOP_CID_TIMEOUT,
  VPIPE_LOOP_CID_TIMEOUT_IMAGE,
  VPIPE_LOOP_IOC_SHARE,
  vpipe_loop_share,
  VPIPE_LOOP_STAMPS_NODE,
} from "../../../lib/uapi/vpipe_loop.ts";
import { type Context, heap } from "../../harness/context.ts";
import { CAPTURE, dmabufs, isReadable, OUTPUT, RawWriter, setFormat } from "./calls.ts";
import {
  expectBytes,
  numbered,
  openCapture,
  openOutput,
  Reader,
  type Taken,
  VGA_BYTES,
  Writer,
} from "./client.ts";
import { withoutAdmin } from "../../harness/capability.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { delay, until } from "../../harness/waiting.ts";
import { loop, loopStats } from "../../harness/nodes.ts";

const ROUNDS = 40;
const GREY = { width: 640, height: 480, pixelformat: v4l2.V4L2_PIX_FMT_GREY };

/** A descriptor of SHARE from a file that is open for reading alone. */
function shareReadOnly(node: string): { file: File; size: number } {
  using device = File.open(node, O_RDONLY | O_NONBLOCK);
  const share = vpipe_loop_share.alloc();
  ioctl(device, VPIPE_LOOP_IOC_SHARE, share.bytes);
  return { file: new File(node, share.fd), size: share.size };
}

export async function loopGivenChecks(
  suite: Suite,
  context: Context,
  node: string,
): Promise<void> {
  for (const type of [OUTPUT, CAPTURE]) {
    const side = type === OUTPUT ? "OUTPUT" : "CAPTURE";
    await suite.check(`loop: wrong descriptors, ${side}`, async () => {
      const before = dmabufs();
      {
        using device = openOutput(node);
        setFormat(device, OUTPUT, GREY);
        using stack = new DisposableStack();
        const memory = [0, 1].map(() => stack.use(allocateFromHeap(heap(), VGA_BYTES)));
        const memoryShort = stack.use(allocateFromHeap(heap(), 4096));
        using queue = new DmabufQueue(device, type, memory);
        const wrong = [-1, device.fd, memoryShort.fd];
        for (let i = 0; i < ROUNDS; i++) {
          queue.assign(0, memory[i % 2]);
          // All of it: videobuf2 takes no other size behind a wrong descriptor.
          queue.enqueue(0);
          queue.streamOn();
          queue.streamOff();
          queue.assign(0, { fd: wrong[i % wrong.length], size: VGA_BYTES });
          const code = errnoOf(() => queue.enqueue(0));
          expect([EINVAL, EFAULT].includes(code), `QBUF of a wrong one: errno ${code}`);
        }
      }
      // Files are closed a moment after the program's call.
      await until("no more dma-bufs than before", () => dmabufs() <= before);
      return `${ROUNDS} times a good one and a wrong one: no dma-buf is left`;
    });
  }

  await suite.check("loop: a shared buffer is for reading", () => {
    using writer = new Writer(node, "mmap");
    writer.fillAll();
    const { file, size } = shareReadOnly(node);
    using _ = file;
    expectEqual("mmap for writing", errnoOf(() => Mapping.shared(file, size)), EACCES);
    using device = openCapture(node);
    const windows = sharedBuffers(device);
    using stack = new DisposableStack();
    for (const window of windows) stack.use(window);
    const begin = errnoOf(() => windows[0].begin(WRITING));
    expectEqual("DMA_BUF_IOCTL_SYNC for writing", begin, EACCES);
    using filter = VideoDevice.open(context.filter, 0, "filter");
    setFormat(filter, OUTPUT, GREY);
    for (const type of [OUTPUT, CAPTURE]) {
      using queue = new DmabufQueue(filter, type, windows);
      expect(errnoOf(() => queue.enqueue(0, VGA_BYTES)) !== 0, "another driver took it");
    }
    return "from a file that is open for reading: EACCES for writing, no other driver can have it";
  });

  await suite.check("loop: a shared buffer shows a frame while its reader has it", () => {
    using writer = new Writer(node, "mmap");
    writer.fillAll();
    using device = openCapture(node);
    const windows = sharedBuffers(device);
    using stack = new DisposableStack();
    for (const window of windows) stack.use(window);
    const seen = () => windows.filter(({ bytes }) => isReadable(context.scratch, bytes)).length;
    expectEqual("to be seen before", seen(), 0);
    using queue = new DmabufQueue(device, CAPTURE, windows);
    for (const { index } of queue.buffers) queue.enqueue(index);
    queue.streamOn();
    for (let i = 0; i < 20; i++) {
      writer.write(numbered(i));
      const index = queue.dequeue();
      expectBytes(`frame ${i}`, windows[index].bytes.subarray(0, VGA_BYTES), numbered(i));
      expectEqual("to be seen", seen(), 1);
      if (i % 3 === 2) {
        const wrong = { ...queue.buffers[index] };
        queue.assign(index, { fd: -1, size: wrong.length });
        expectEqual("QBUF of a wrong descriptor", errnoOf(() => queue.enqueue(index)), EINVAL);
        expectEqual("to be seen after it", seen(), 0);
        queue.assign(index, windows[index]);
      }
      queue.enqueue(index);
      expectEqual("to be seen afterwards", seen(), 0);
    }
    writer.write(numbered(20));
    queue.dequeue();
    queue.streamOff();
    expectEqual("to be seen after STREAMOFF", seen(), 0);
    return "20 frames; nothing before, after VIDIOC_QBUF, right or wrong, and after STREAMOFF";
  });

  await suite.check("loop: a mapped buffer shows a frame while its reader has it", () => {
    using writer = new RawWriter(node, GREY);
    writer.start();
    loop.setParameter("show_mmap", 1);
    using reader = new Reader(node, "mmap");
    loop.setParameter("show_mmap", 0);
    writer.queue(0, numbered(7));
    const taken = reader.take();
    expectBytes("the frame", taken.bytes, numbered(7));
    reader.give(taken);
    expectEqual("the writer's buffer", writer.dequeue(), 0);
    writer.memory(0).fill(0xa5);
    expect(!taken.bytes.includes(0xa5), "what the writer draws, in a buffer that was queued again");
    writer.queue(0, numbered(8));
    const next = reader.take();
    reader.queue!.streamOff();
    expectEqual("the writer's buffer", writer.dequeue(), 0);
    writer.memory(0).fill(0xa5);
    expectBytes("the picture after STREAMOFF", next.bytes, numbered(8));
    expect(!taken.bytes.includes(0xa5), "what the writer draws, after STREAMOFF");
    return "nothing of what the writer draws once the buffer is queued, or the stream is over";
  });

  await suite.check("loop: memory that the writer imported", () => {
    using writer = new Writer(node, "dmabuf");
    writer.device.setControl(VPIPE_LOOP_CID_LEND_IMPORTS, 0);
    writer.fillAll();
    using device = openCapture(node);
    expectEqual("SHARE", errnoOf(() => sharedBuffers(device)), EACCES);
    expectEqual("another's consent", device.getControl(VPIPE_LOOP_CID_LEND_IMPORTS), 0);
    device.setControl(VPIPE_LOOP_CID_LEND_IMPORTS, 1);
    expectEqual("SHARE, lent by a reader", errnoOf(() => sharedBuffers(device)), EACCES);
    writer.device.setControl(VPIPE_LOOP_CID_LEND_IMPORTS, 1);
    const { file, size } = shareReadOnly(node);
    using _ = file;
    expectEqual("mmap for writing", errnoOf(() => Mapping.shared(file, size)), EACCES);
    using mapping = Mapping.readOnly(file, size);
    expectBytes("the memory", mapping.bytes.subarray(0, VGA_BYTES), numbered(0));
    return "EACCES until the writer lends it, and then for reading";
  });

  for (const io of ["mmap", "dmabuf"] as const) {
    await suite.whole?.check(
      `loop: two readers of ${io} buffers, one of which keeps them`,
      async () => {
        const csv = `${context.scratch}/beside.csv`;
        using writer = new Writer(node, io);
        writer.fillAll();
        using keeper = new Reader(node, "dmabuf");
        const kept: Taken[] = [];
        for (let i = 0; i < 2; i++) {
          writer.write(numbered(i));
          kept.push(keeper.take());
        }
        await using beside = context.start(
          ...["capture-dmabuf", node, csv, ROUNDS, "--stamp", "--quiet"] as const,
          ...["--warm-up", 0, "--fps", 0, "--timeout", 60],
        );
        await until("two readers", () => loopStats(node).readers === 2);
        let ended = false;
        const end = beside.end().finally(() => ended = true);
        let written = 2;
        for (; !ended; written++) {
          writer.write(numbered(written));
          await delay(10);
        }
        expectEqual("status of the other one", (await end).status, 0);
        // Where the memory is the writer's for good, a reader's share is one of these two now.
        const safe = io === "mmap" ? kept : kept.slice(1);
        safe.forEach((taken) =>
          expectBytes("a kept frame", taken.bytes.subarray(0, VGA_BYTES), numbered(taken.sequence!))
        );
        return `the other one got ${ROUNDS} of ${written} frames`;
      },
    );
  }

  await suite.check("loop: whose the controls are", () => {
    using other = openOutput(node);
    const controls = {
      [VPIPE_LOOP_CID_STAMPS]: VPIPE_LOOP_STAMPS_NODE,
      [VPIPE_LOOP_CID_KEEP_LAST]: 1,
      [VPIPE_LOOP_CID_TIMEOUT]: 1000,
      [VPIPE_LOOP_CID_TIMEOUT_IMAGE]: 1,
    };
    const ids = Object.keys(controls).map(Number);
    const settle = (what: string, device: VideoDevice, expected: number) => {
      for (const id of ids) {
        const result = errnoOf(() => device.setControl(id, controls[id]));
        expectEqual(`${what}: S_CTRL of ${id.toString(16)}`, result, expected);
      }
    };
    const values = () => ids.slice(0, 3).map((id) => other.getControl(id)).join(" ");
    try {
      for (const io of ["mmap", "read"] as const) {
        using reader = new Reader(node, io);
        settle(`a reader by ${io}, nobody writes`, reader.device, EACCES);
        using writer = new Writer(node, "mmap");
        settle(`a reader by ${io}`, reader.device, EACCES);
        settle("the administrator", other, 0);
        ids.slice(0, 3).forEach((id) => writer.device.setControl(id, 0));
        withoutAdmin(() => settle("somebody else", other, EBUSY));
        expectEqual("values", values(), "0 0 0");
        withoutAdmin(() => settle("the writer", writer.device, 0));
        expectEqual("values", values(), `${VPIPE_LOOP_STAMPS_NODE} 1 1000`);
      }
      withoutAdmin(() => settle("nobody writes", other, 0));
    } finally {
      ids.slice(0, 3).forEach((id) => other.setControl(id, 0));
    }
    return "the writer's, else of who may write, and the administrator's; EACCES for a reader, EBUSY for others";
  });

  await suite.check("loop: a file that is open for reading", () => {
    using device = File.open(node, O_RDONLY | O_NONBLOCK);
    const control = v4l2.v4l2_control.alloc({ id: VPIPE_LOOP_CID_KEEP_LAST, value: 1 });
    const call = (request: number, bytes: Uint8Array<ArrayBuffer>) =>
      -tryIoctl(device.fd, request, bytes);
    expectEqual("S_CTRL", call(v4l2.VIDIOC_S_CTRL.request, control.bytes), EACCES);
    const format = v4l2.v4l2_format.alloc({ type: OUTPUT, ...GREY });
    expectEqual("S_FMT", call(v4l2.VIDIOC_S_FMT.request, format.bytes), EACCES);
    const memory = v4l2.V4L2_MEMORY_MMAP;
    const request = v4l2.v4l2_requestbuffers.alloc({ count: 4, type: OUTPUT, memory });
    expectEqual("REQBUFS", call(v4l2.VIDIOC_REQBUFS.request, request.bytes), EACCES);
    request.type = CAPTURE;
    expectEqual("REQBUFS(CAPTURE)", call(v4l2.VIDIOC_REQBUFS.request, request.bytes), 0);
    return "EACCES for what a writer does and for controls; it can have CAPTURE buffers";
  });
}
