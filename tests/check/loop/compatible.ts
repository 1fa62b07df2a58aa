/**
 * What programs set and read of a node of v4l2loopback: its controls, its event, and its attributes in sysfs.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { EBUSY, EINVAL } from "../../../lib/sys/errno.ts";
import { File, IoBuffer, O_WRONLY } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { Poller, POLLIN, POLLPRI } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import * as own from "../../../lib/uapi/vpipe_loop.ts";
import * as ctl from "../../../lib/uapi/vpipe_loop_ctl.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MmapQueue } from "../../../lib/v4l2/queue/queue.ts";
import type { Context } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { loopNode, loopStats } from "../../harness/nodes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import {
  CAPTURE,
  getFormat,
  intervalsErrno,
  OUTPUT,
  setFormat,
  sizesErrno,
  tryFormat,
} from "./calls.ts";
import {
  expectBytes,
  numbered,
  openCapture,
  openOutput,
  Reader,
  VGA_BYTES,
  Writer,
} from "./client.ts";
import { loadLoop } from "./module.ts";

const YUYV = { width: 320, height: 240, pixelformat: v4l2.V4L2_PIX_FMT_YUYV };
const GREY = { width: 64, height: 48, pixelformat: v4l2.V4L2_PIX_FMT_GREY };
const KEPT = "320x240 YUYV 640/153600";
const TIMEOUT_MS = 300;
/** A worker tells it. */
const HEARS_MS = 60_000;

const attributePath = (node: string, name: string) =>
  `/sys/class/video4linux/${node.replace("/dev/", "")}/${name}`;

/** An attribute of a node in sysfs; where it is a line, without its end. */
const attribute = (node: string, name: string): string =>
  Deno.readTextFileSync(attributePath(node, name)).trimEnd();

/** The errno of writing it, 0 if it was taken. */
function setAttribute(node: string, name: string, text: string): number {
  using file = File.open(attributePath(node, name), O_WRONLY);
  return -Math.min(0, file.tryWrite(new IoBuffer(new Uint8Array(new TextEncoder().encode(text)))));
}

/** Sets controls of the node, as v4l2-ctl does: with a file of its own. */
function set(node: string, id: number, value: number): void {
  using device = VideoDevice.open(node);
  device.setControl(id, value);
}

/** What a node can do, by its two sides, to a program that has just opened it. */
function sides(node: string): string {
  using device = VideoDevice.open(node);
  const { capabilities } = device;
  return [
    capabilities & v4l2.V4L2_CAP_VIDEO_CAPTURE ? "capture" : "",
    capabilities & v4l2.V4L2_CAP_VIDEO_OUTPUT ? "output" : "",
  ].filter(Boolean).join(" and ");
}

async function controlChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: v4l2loopback's controls", () => {
    using device = VideoDevice.open(node);
    const { V4L2_CTRL_TYPE_BOOLEAN: boolean, V4L2_CTRL_TYPE_INTEGER: integer } = v4l2;
    const theirs = [...device.controls()].filter(({ id }) => id >= 0x0098_f900);
    const inWords = theirs.map(({ id, name, type, minimum, maximum, step, defaultValue }) =>
      `${id.toString(16)} ${name} ${type} ${minimum} ${maximum} ${step} ${defaultValue}`
    );
    const expected = [
      `98f900 keep_format ${boolean} 0 1 1 0`,
      `98f901 sustain_framerate ${boolean} 0 1 1 0`,
      `98f902 timeout ${integer} 0 100000 1 0`,
      `98f903 timeout_image_io ${v4l2.V4L2_CTRL_TYPE_BUTTON} 0 0 0 0`,
    ];
    expectEqual("controls", inWords.join("; "), expected.join("; "));
    const { V4L2LOOPBACK_CID_TIMEOUT: timeout } = ctl;
    const { VPIPE_LOOP_CID_TIMEOUT: ownTimeout } = own;
    const both = () => `${device.getControl(timeout)} ${device.getControl(ownTimeout)}`;
    device.setControl(timeout, 5000);
    expectEqual("set by theirs", both(), "5000 5000");
    device.setControl(ownTimeout, 200_000);
    expectEqual("set by ours to more than theirs has", both(), "100000 200000");
    device.setControl(timeout, 0);
    expectEqual("set to 0", both(), "0 0");
    return `${expected.join("; ")}; timeout is that of the node by another name`;
  });

  await suite.check("loop: a rate that is sustained", () => {
    set(node, ctl.V4L2LOOPBACK_CID_SUSTAIN_FRAMERATE, 1);
    try {
      using writer = new Writer(node, "mmap");
      using reader = new Reader(node, "mmap");
      writer.write(numbered(1));
      let last = -1;
      const next = () => {
        const taken = reader.take();
        expect(taken.sequence! > last, `sequence ${taken.sequence} after ${last}`);
        last = taken.sequence!;
        reader.give(taken);
        return taken.bytes.slice();
      };
      for (let i = 0; i < 4; i++) expectBytes("the frame, again", next(), numbered(1));
      writer.write(numbered(2));
      let seen = next();
      while (Buffer.compare(seen, numbered(1)) === 0) seen = next();
      expectBytes("the frame after it", seen, numbered(2));
      // Due so late that a guest that stands still for a while does not reach it.
      set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT, 100_000);
      writer.write(numbered(3));
      while (Buffer.compare(seen, numbered(3)) !== 0) seen = next();
      expectBytes("the frame again before the time-out", next(), numbered(3));
      set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT, TIMEOUT_MS);
      while (Buffer.compare(seen, numbered(3)) === 0) seen = next();
      expectBytes("what is shown behind it", seen, new Uint8Array(VGA_BYTES));
      set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT, 0);
    } finally {
      set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT, 0);
      set(node, ctl.V4L2LOOPBACK_CID_SUSTAIN_FRAMERATE, 0);
    }
    using writer = new Writer(node, "mmap");
    using reader = new Reader(node, "mmap");
    writer.write(numbered(4));
    reader.expectFrame("a frame", 0, numbered(4));
    expectEqual("events once it is not", new Poller(reader.device, POLLIN).wait(200), 0);
    return "the last frame again and again, until the time-out; not without the control";
  });
}

/** What v4l2loopback-ctl's set-caps does. */
function keepFormat(node: string): void {
  using device = openOutput(node);
  expectEqual("VIDIOC_S_FMT", setFormat(device, OUTPUT, YUYV), KEPT);
  device.setControl(ctl.V4L2LOOPBACK_CID_KEEP_FORMAT, 1);
}

async function keepChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("loop: a format that is kept", async () => {
    for (const exclusive of [0, 1]) {
      await loadLoop(context, `exclusive_caps=${exclusive}`);
      const node = loopNode();
      expectEqual("format before", attribute(node, "format"), "");
      expectEqual("state before", attribute(node, "state"), "output");
      keepFormat(node);
      expectEqual("format", attribute(node, "format"), "YUYV:320x240@30");
      expectEqual("state", attribute(node, "state"), "capture");
      expectEqual("sides", sides(node), exclusive ? "capture" : "capture and output");
      {
        using reader = openCapture(node);
        expectEqual("formats of CAPTURE", [...reader.formats(CAPTURE)].length, 1);
        expectEqual("TRY_FMT of a reader", tryFormat(reader, CAPTURE, GREY), KEPT);
        expectEqual("sizes of another format", sizesErrno(reader, GREY.pixelformat), EINVAL);
        expectEqual("intervals", intervalsErrno(reader, YUYV.pixelformat, 320, 240), 0);
      }
      {
        using writer = VideoDevice.open(node);
        expectEqual("formats of OUTPUT", [...writer.formats(OUTPUT)].length, 1);
        expectEqual("S_FMT of a writer", setFormat(writer, OUTPUT, GREY), KEPT);
        const larger = writer.tryWrite(new IoBuffer(new Uint8Array(2 * 153_600)));
        expectEqual("write of frames of another format", larger, -EINVAL);
        expectEqual("S_FMT of a writer", setFormat(writer, OUTPUT, YUYV), KEPT);
        const written = writer.tryWrite(new IoBuffer(new Uint8Array(153_600)));
        expectEqual("write of a frame", written, 153_600);
        using reader = openCapture(node);
        expectEqual("G_FMT of a reader", getFormat(reader, CAPTURE), KEPT);
      }
      expectEqual("set-fps", setAttribute(node, "format", "@25/2"), 0);
      expectEqual("format", attribute(node, "format"), "YUYV:320x240@25/2");
      set(node, ctl.V4L2LOOPBACK_CID_KEEP_FORMAT, 0);
      expectEqual("format after", attribute(node, "format"), "");
      expectEqual("state after", attribute(node, "state"), "output");
      using writer = openOutput(node);
      expectEqual("S_FMT after", setFormat(writer, OUTPUT, GREY), "64x48 GREY 64/3072");
    }
    return "for readers and writers, with and without exclusive_caps, until the control is 0";
  });
}

/** The next picture is black again: a change of the format ends the time-out image. */
function forgetImage(node: string): void {
  new Writer(node, "mmap", { size: [64, 48] }).close();
  new Writer(node, "mmap").close();
}

async function imageChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: a time-out image from beside the writer", () => {
    const image = numbered(21);
    using writer = new Writer(node, "mmap");
    using reader = new Reader(node, "mmap");
    set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO, 1);
    {
      // It does nothing but look.
      using _other = VideoDevice.open(node);
      using device = openOutput(node);
      expectEqual("the format it gets", setFormat(device, OUTPUT, YUYV), getFormat(device, OUTPUT));
      expectEqual("sizes of another", sizesErrno(device, YUYV.pixelformat), EINVAL);
      using queue = new MmapQueue(device, OUTPUT, 2);
      expectEqual(
        "buffers of the writer",
        attribute(node, "buffers"),
        String(writer.sink.buffers.length),
      );
      queue.mappings[0].bytes.set(image);
      queue.buffers[0].bytesused = VGA_BYTES;
      queue.streamOn();
      queue.enqueue(0);
      expectEqual("its buffer, at once", queue.dequeue(), 0);
      using third = openOutput(node);
      expectEqual("who comes next", errnoOf(() => new MmapQueue(third, OUTPUT, 4)), EBUSY);
      writer.write(numbered(1));
      reader.expectFrame("a frame while it streams", 0, numbered(1));
    }
    writer.write(numbered(2));
    reader.expectFrame("the next frame", 1, numbered(2));
    set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT, 40);
    try {
      expectBytes("what comes after the time-out", reader.take().bytes, image);
    } finally {
      set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT, 0);
    }
    reader.close();
    writer.close();
    forgetImage(node);
    return "in the writer's format, shown after the time-out alone; who comes next is a writer";
  });

  await suite.check("loop: a time-out image that is asked for while another is given", () => {
    using writer = new Writer(node, "mmap");
    const write = (device: VideoDevice, number: number) =>
      expectEqual("write", device.tryWrite(new IoBuffer(numbered(number).slice())), VGA_BYTES);
    set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO, 1);
    {
      using first = openOutput(node);
      write(first, 21);
      set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO, 1);
      write(first, 22);
    }
    {
      using second = openOutput(node);
      write(second, 23);
    }
    writer.close();
    forgetImage(node);
    return "who goes on giving one does not take the place of who comes next";
  });

  await suite.check("loop: a time-out image that its writer once asked for itself", () => {
    const write = (device: VideoDevice, number: number) =>
      expectEqual("write", device.tryWrite(new IoBuffer(numbered(number).slice())), VGA_BYTES);
    {
      using writer = openOutput(node);
      writer.setControl(ctl.V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO, 1);
      // It goes on without.
      setFormat(writer, OUTPUT, { ...GREY, width: 640, height: 480 });
      write(writer, 1);
      set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO, 1);
      write(writer, 2);
      using other = openOutput(node);
      write(other, 21);
    }
    forgetImage(node);
    return "another one's question is not taken back by its frames";
  });

  await suite.check("loop: a time-out image without a writer", () => {
    const image = numbered(22).slice(0, 64 * 48);
    {
      // As v4l2-compliance presses every button, and goes on.
      using device = openOutput(node);
      device.setControl(ctl.V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO, 1);
      setFormat(device, OUTPUT, GREY);
      using writer = new Writer(node, "mmap");
      using reader = new Reader(node, "mmap");
      writer.write(numbered(1));
      reader.expectFrame("a frame of the next writer, taken back", 0, numbered(1));
    }
    set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO, 1);
    {
      using device = openOutput(node);
      expectEqual("the format", setFormat(device, OUTPUT, GREY), "64x48 GREY 64/3072");
      expectEqual("write", device.tryWrite(new IoBuffer(image)), image.length);
    }
    set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT, 40);
    try {
      using reader = new Reader(node, "read");
      expectBytes("the image", reader.take().bytes, image);
    } finally {
      set(node, ctl.V4L2LOOPBACK_CID_TIMEOUT, 0);
      forgetImage(node);
    }
    return "in a format of its own, by write(2); none where who asked for one goes on without";
  });
}

async function attributeChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: attributes of a node", () => {
    for (
      const text of [
        "25",
        "@",
        "@0",
        "@25/0",
        "@25/2x",
        "@2000",
        "YUYV:320x240@25",
        "@-1",
        "@4294967326",
      ]
    ) {
      expectEqual(`"${text}" to format`, setAttribute(node, "format", text), EINVAL);
    }
    expectEqual('"@50" to format', setAttribute(node, "format", "@50\n"), 0);
    using writer = new Writer(node, "mmap");
    const interval = writer.device.getFrameInterval(OUTPUT)!;
    expectEqual("interval", `${interval.numerator}/${interval.denominator}`, "1/50");
    expectEqual("format", attribute(node, "format"), "GREY:640x480@50");
    expectEqual("buffers", attribute(node, "buffers"), String(writer.sink.buffers.length));
    using reader = new Reader(node, "mmap");
    expectEqual("readers", attribute(node, "readers"), "1");
    writer.write(numbered(1));
    reader.expectFrame("a frame", 0, numbered(1));
    expectEqual("state", attribute(node, "state"), "capture");
    const { frames, copies, lost } = loopStats(node);
    expectEqual("frames", attribute(node, "frames"), String(frames));
    expectEqual("copied", attribute(node, "copied"), String(copies));
    expectEqual("lost", attribute(node, "lost"), String(lost));
    expectEqual("max_openers", attribute(node, "max_openers"), "0");
    for (const text of ["1", "x", "-1", "0x80000000"]) {
      expectEqual(`"${text}" to max_openers`, setAttribute(node, "max_openers", text), EINVAL);
    }
    expectEqual("2 to max_openers", setAttribute(node, "max_openers", "2"), 0);
    expectEqual("a third file", errnoOf(() => openOutput(node).close()), EBUSY);
    expectEqual("0 to max_openers", setAttribute(node, "max_openers", "0"), 0);
    openOutput(node).close();
    reader.close();
    writer.close();
    expectEqual("readers, closed", attribute(node, "readers"), "0");
    expectEqual("buffers, closed", attribute(node, "buffers"), "0");
    expectEqual("format, closed", attribute(node, "format"), "");
    expectEqual('"@30" to format', setAttribute(node, "format", "@30"), 0);
    for (const name of ["format", "max_openers"]) {
      const mode = Deno.statSync(attributePath(node, name)).mode! & 0o777;
      expectEqual(`mode of ${name}`, mode.toString(8), "644");
    }
    return "format, buffers, max_openers, state, and counters as in debugfs";
  });
}

async function eventChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: a writer hears of its readers", () => {
    using writer = new Writer(node, "mmap");
    const type = ctl.V4L2_EVENT_PRI_CLIENT_USAGE;
    const flags = v4l2.V4L2_EVENT_SUB_FL_SEND_INITIAL;
    const subscription = v4l2.v4l2_event_subscription.alloc({ type, flags });
    ioctl(writer.device, v4l2.VIDIOC_SUBSCRIBE_EVENT, subscription.bytes);
    const priority = new Poller(writer.device, POLLPRI);
    const count = (what: string) => {
      expectEqual(`poll, ${what}`, priority.wait(0) & POLLPRI, POLLPRI);
      const event = v4l2.v4l2_event.alloc();
      ioctl(writer.device, v4l2.VIDIOC_DQEVENT, event.bytes);
      expectEqual(`type, ${what}`, event.type, type);
      expectEqual(`events behind it, ${what}`, event.pending, 0);
      // Where v4l2_event.u begins.
      return ctl.v4l2_event_client_usage.at(event.bytes, 8).count;
    };
    expectEqual("readers at first", count("at first"), 0);
    for (const io of ["mmap", "read"] as const) {
      const reader = new Reader(node, io);
      expectEqual("readers", count(`a reader by ${io}`), 1);
      reader.close();
      expectEqual("readers", count("closed"), 0);
    }
    expectEqual("poll with nothing new", priority.wait(0), 0);
    return "0 when it asks, 1 and 0 when a reader comes and goes, by MMAP and read(2)";
  });

  await suite.check("loop: who is not the writer hears of readers", () => {
    using early = openOutput(node);
    const heard = (device: VideoDevice, readers: number) => {
      const priority = new Poller(device, POLLPRI);
      const event = v4l2.v4l2_event.alloc();
      // A worker tells it, and only what it comes to.
      for (let count = -1; count !== readers;) {
        expect(priority.wait(HEARS_MS) !== 0, `nothing of ${readers} readers`);
        ioctl(device, v4l2.VIDIOC_DQEVENT, event.bytes);
        count = ctl.v4l2_event_client_usage.at(event.bytes, 8).count;
      }
      expectEqual("poll with nothing new", priority.wait(0), 0);
    };
    const subscription = v4l2.v4l2_event_subscription.alloc({
      type: ctl.V4L2_EVENT_PRI_CLIENT_USAGE,
    });
    ioctl(early, v4l2.VIDIOC_SUBSCRIBE_EVENT, subscription.bytes);
    const first = new Reader(node, "read");
    heard(early, 1);
    // Was not there when it came.
    using late = openOutput(node);
    ioctl(late, v4l2.VIDIOC_SUBSCRIBE_EVENT, subscription.bytes);
    first.close();
    for (const device of [early, late]) heard(device, 0);
    return "1 and 0, also of a reader that was there before it asked";
  });
}

export async function loopCompatibleChecks(suite: Suite, context: Context): Promise<void> {
  await loadLoop(context);
  const node = loopNode();
  await controlChecks(suite, node);
  await imageChecks(suite, node);
  await eventChecks(suite, node);
  await attributeChecks(suite, node);
  await keepChecks(suite, context);
}
