/**
 * The format changes again and again under readers that have queued, dequeued, mapped and exported
 * their buffers: each is told, keeps its memory, and sets up anew on the same open file.
 *
 * @module
 */
import { EIO, SysError } from "../../../lib/sys/errno.ts";
import { ioctl, tryIoctl } from "../../../lib/sys/ioctl.ts";
import { POLLERR } from "../../../lib/sys/poll.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { expectLoopIdle } from "./loop.ts";
import {
  expectFrames,
  LoopReader,
  LoopWriter,
  READER_IO,
  type Size,
  SIZES,
  WRITER_IO,
} from "./stream.ts";
import type { Conditions } from "../engine/stage.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { loopNode } from "../../harness/nodes.ts";

const MIN_CHANGES = 24;

function expectChange(reader: LoopReader): void {
  expect((reader.wait(0) & POLLERR) !== 0, `${reader.io}: poll(2) has no POLLERR`);
  try {
    reader.take();
  } catch (error) {
    if (error instanceof SysError && error.code === EIO) return;
    throw error;
  }
  expect(false, `${reader.io} is not told that the format has changed`);
}

function takeEvents(reader: LoopReader): number {
  const event = v4l2.v4l2_event.alloc();
  let events = 0;
  while (tryIoctl(reader.device.fd, v4l2.VIDIOC_DQEVENT.request, event.bytes) >= 0) {
    expectEqual("event", event.type, v4l2.V4L2_EVENT_SOURCE_CHANGE);
    events++;
  }
  return events;
}

function subscribe(reader: LoopReader): void {
  const type = v4l2.V4L2_EVENT_SOURCE_CHANGE;
  const subscription = v4l2.v4l2_event_subscription.alloc({ type });
  ioctl(reader.device, v4l2.VIDIOC_SUBSCRIBE_EVENT, subscription.bytes);
}

export async function loopFormats({ seconds, random }: Conditions): Promise<string> {
  const node = loopNode();
  const end = performance.now() + seconds * 1000;
  let changes = 0;
  let frames = 0;
  while (changes < MIN_CHANGES || performance.now() < end) {
    const io = random.pick(READER_IO);
    using memory = new DisposableStack();
    using reader = new LoopReader(node, io);
    subscribe(reader);
    const sizes: Size[] = random.shuffle(SIZES);
    let writer = new LoopWriter(node, random.pick(["mmap", "dmabuf"]));
    try {
      writer.begin(sizes[0]);
      // A dma-buf can be shared from the first frame in it on.
      for (let i = 0; i < 8; i++) writer.frame();
      reader.begin();
      expectFrames(writer, reader, 4);
      for (const size of sizes.slice(1)) {
        for (let i = 0; i < 3; i++) reader.take(random.below(3));
        for (const dmabuf of reader.export()) memory.use(dmabuf);
        if (random.chance(0.5)) writer.abandon();
        writer.close();
        writer = new LoopWriter(node, random.pick(WRITER_IO.slice(1)));
        writer.begin(size);
        for (let i = 0; i < 4; i++) writer.frame();
        expectChange(reader);
        expectEqual("events", takeEvents(reader), 1);
        reader.touch();
        changes++;
        frames += reader.frames;
        // Of read(2) there is nothing to free but the file.
        if (reader.io === "read") break;
        reader.stop();
        reader.touch();
        reader.release();
        if (reader.io === "shared" && writer.io === "userptr") break;
        reader.begin();
        expectFrames(writer, reader, 4);
      }
    } finally {
      writer.close();
    }
  }
  await expectLoopIdle();
  return `${changes} changes from 2x2 to 1920x1080 under readers with ${frames} frames, each told ` +
    "by EIO, POLLERR and one event, with its memory still there";
}
