/**
 * Writers that come, go, die and come back with something else.
 *
 * @module
 */
import { EIO } from "../../../lib/sys/errno.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { Poller, POLLERR, POLLIN, POLLPRI } from "../../../lib/sys/poll.ts";
import {
  v4l2_event,
  V4L2_EVENT_SOURCE_CHANGE,
  V4L2_EVENT_SRC_CH_RESOLUTION,
  v4l2_event_subscription,
  VIDIOC_DQEVENT,
  VIDIOC_SUBSCRIBE_EVENT,
} from "../../../lib/uapi/videodev2.ts";
import { stampOf } from "../../../lib/frames/stamp.ts";
import type { Context } from "../../harness/context.ts";
import { expectBytes, numbered, Reader, Writer } from "./client.ts";
import { loopStats } from "../../harness/nodes.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { until } from "../../harness/waiting.ts";

const FRAMES = 6;
const OTHER_SIZE = [320, 240] as const;

export async function loopEndChecks(suite: Suite, context: Context, node: string): Promise<void> {
  await suite.check("loop: a reader before the writer", () => {
    for (const io of ["read", "mmap", "userptr"] as const) {
      using reader = new Reader(node, io);
      expect(reader.tryTake() === undefined, `${io}: a frame, and nobody has written one`);
      const events = new Poller(reader.device, POLLIN).wait(50);
      expectEqual(`${io}: events of poll without a writer`, events, 0);
      using writer = new Writer(node, "write");
      for (let i = 0; i < FRAMES; i++) {
        writer.write(numbered(i));
        reader.expectFrame(`frame ${i} by ${io}`, i, numbered(i));
      }
    }
    return "waits, then gets every frame from the first on: read, mmap, userptr";
  });

  await suite.check("loop: the writer is killed, another one comes", async () => {
    using reader = new Reader(node, "mmap");
    await using tool = context.start(
      ...["loop-write", node, `${context.fixtures}/noise-vga.pgm`, "--loop"] as const,
      ...["--stamp", "--fps", 50, "--quiet"],
    );
    await until("a writer", () => loopStats(node).writer === 1);
    for (let i = 0; i < FRAMES; i++) reader.give(reader.take());
    const held = reader.take();
    const copy = held.bytes.slice();
    expectEqual("number in the pixels", stampOf(copy), held.sequence);
    tool.kill("SIGKILL");
    await until("no writer", () => loopStats(node).writer === 0);
    // Its queue ends first, its file behind that.
    await until("the writer's end", () => tool.isOver);
    expect(reader.tryTake() === undefined, "a frame of a writer that is gone");
    expectEqual("events of poll", new Poller(reader.device, POLLIN).wait(50), 0);
    expectBytes("the picture that it held", held.bytes, copy);
    reader.give(held);
    using writer = new Writer(node, "userptr");
    let last = held.sequence!;
    for (let i = 0; i < FRAMES; i++) {
      writer.write(numbered(i));
      const taken = reader.take();
      expect(taken.sequence! > last, `sequence ${taken.sequence} after ${last}`);
      expectBytes(`frame ${i} of the next writer`, taken.bytes, numbered(i));
      last = taken.sequence!;
      reader.give(taken);
    }
    return "its last picture stays, no frame and no error until the next writer's frames";
  });

  await suite.whole?.check("loop: a writer with another format", () => {
    const first = new Writer(node, "mmap");
    using reader = new Reader(node, "mmap");
    first.write(numbered(0));
    reader.expectFrame("the first frame", 0, numbered(0));
    const subscription = v4l2_event_subscription.alloc({ type: V4L2_EVENT_SOURCE_CHANGE });
    ioctl(reader.device, VIDIOC_SUBSCRIBE_EVENT, subscription.bytes);
    first.close();
    using writer = new Writer(node, "mmap", { size: OTHER_SIZE });
    const priority = new Poller(reader.device, POLLPRI).wait(0);
    expect((priority & POLLPRI) !== 0, `poll for an event says ${priority}`);
    const event = v4l2_event.alloc();
    ioctl(reader.device, VIDIOC_DQEVENT, event.bytes);
    expectEqual("type of the event", event.type, V4L2_EVENT_SOURCE_CHANGE);
    expectEqual("changes of the event", event.changes, V4L2_EVENT_SRC_CH_RESOLUTION);
    const frame = numbered(7).subarray(0, OTHER_SIZE[0] * OTHER_SIZE[1]);
    writer.write(frame);
    const events = new Poller(reader.device, POLLIN).wait(0);
    expect((events & POLLERR) !== 0, `poll says ${events}, expected POLLERR`);
    expectEqual("errno of DQBUF", errnoOf(() => reader.tryTake()), EIO);
    reader.close();
    using again = new Reader(node, "mmap");
    writer.write(frame);
    again.expectFrame("a frame of the new size", 0, frame);
    return "the event, EIO and POLLERR, and frames of the new size once it has set up again";
  });

  await suite.check("loop: another format under read(2)", () => {
    const first = new Writer(node, "mmap");
    using reader = new Reader(node, "read");
    first.write(numbered(0));
    reader.expectFrame("the first frame", 0, numbered(0));
    first.close();
    using writer = new Writer(node, "mmap", { size: OTHER_SIZE });
    expectEqual("errno of read", errnoOf(() => reader.tryTake()), EIO);
    reader.close();
    using again = new Reader(node, "read");
    const frame = numbered(9).subarray(0, OTHER_SIZE[0] * OTHER_SIZE[1]);
    writer.write(frame);
    again.expectFrame("a frame of the new size", 0, frame);
    return "EIO, and frames of the new size once it has opened the node again";
  });
}
