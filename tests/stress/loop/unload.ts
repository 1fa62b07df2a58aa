/**
 * The module unloaded in each state: refused while a file is open or mapped, and clean after; what
 * was exported outlives it.
 *
 * @module
 */
import { EAGAIN } from "../../../lib/sys/errno.ts";
import { O_NONBLOCK } from "../../../lib/sys/file.ts";
import { cString } from "../../../lib/sys/libc.ts";
import { DmabufQueue } from "../../../lib/v4l2/queue/queue.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { openFilter, setFilterSize } from "../../../lib/vpipe/filter.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { orErrno, raw } from "../engine/libc.ts";
import { expectLoopIdle, expectWorking } from "./loop.ts";
import { CAPTURE, expectFrames, LoopReader, LoopWriter, OUTPUT } from "./stream.ts";
import type { Conditions } from "../engine/stage.ts";
import { filter, loop, loopNode } from "../../harness/nodes.ts";

const SIZE = [64, 48] as const;

const NAME = cString("vpipe_loop");
const remove = () => orErrno(raw.delete_module(NAME, O_NONBLOCK));

function expectRefused(state: string): void {
  expectEqual(`delete_module, ${state}`, remove(), -EAGAIN);
}

/** Whoever has dma-bufs of buffers that are gone: still there, and as good as any others. */
async function outlive(module: string): Promise<void> {
  using kept = new DisposableStack();
  const dmabufs = [];
  {
    using writer = new LoopWriter(loopNode(), "mmap");
    using reader = new LoopReader(loopNode(), "view");
    writer.begin(SIZE);
    reader.begin();
    expectFrames(writer, reader, 8);
    dmabufs.push(...reader.export());
    for (const dmabuf of dmabufs) kept.use(dmabuf);
    expectRefused("both sides streaming");
  }
  await expectLoopIdle();
  // A driver that imported one, and has it queued.
  const consumer = kept.use(openFilter(filter.videoNode()));
  setFilterSize(consumer, ...SIZE);
  const queue = kept.use(new DmabufQueue(consumer, OUTPUT, dmabufs.slice(0, 2)));
  queue.enqueue(0, SIZE[0] * SIZE[1]);
  expectEqual("delete_module, exported dma-bufs", remove(), 0);
  const before = dmabufs.map(({ bytes }) => bytes[0]);
  await loop.load(module);
  expect(dmabufs.every(({ bytes }, i) => bytes[0] === before[i]), "an exported buffer changed");
  using device = VideoDevice.open(loopNode(), v4l2.V4L2_CAP_VIDEO_CAPTURE, "capture device");
  using writer = new LoopWriter(loopNode(), "mmap");
  writer.begin(SIZE);
  using old = new DmabufQueue(device, CAPTURE, dmabufs);
  for (const { index } of old.buffers) old.enqueue(index);
  old.streamOn();
  for (let frames = 0; frames < 2 * dmabufs.length;) {
    writer.frame();
    const index = old.dequeue();
    if (index < 0) continue;
    old.enqueue(index);
    frames++;
  }
}

/** Mappings without their file. */
function expectMappingsKeep(): void {
  using reader = new LoopReader(loopNode(), "view");
  using writer = new LoopWriter(loopNode(), "mmap");
  writer.begin(SIZE);
  reader.begin();
  expectFrames(writer, reader, 8);
  reader.device.close();
  writer.device.close();
  expectRefused("files closed, buffers mapped");
  reader.touch();
}

export async function loopUnload({ seconds, module }: Conditions): Promise<string> {
  const end = performance.now() + seconds * 1000;
  let rounds = 0;
  for (; rounds < 3 || performance.now() < end; rounds++) {
    {
      using writer = new LoopWriter(loopNode(), "mmap");
      expectRefused("a file open");
      writer.setFormat(SIZE);
      writer.request();
      expectRefused("OUTPUT buffers");
      writer.frame();
      writer.start();
      expectRefused("a writer");
    }
    {
      using reader = new LoopReader(loopNode(), "read");
      reader.wait(1);
      expectRefused("a reader waiting");
    }
    expectMappingsKeep();
    await expectLoopIdle();
    await outlive(module);
    await expectLoopIdle();
    expectEqual("delete_module, nobody there", remove(), 0);
    await loop.load(module);
    await expectWorking();
  }
  return `${rounds} times refused while a file was open or mapped; unloaded with exported dma-bufs ` +
    "alive, which another module had queued, were the same after, and took frames of the next node";
}
