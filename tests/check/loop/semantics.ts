/**
 * What V4L2's documentation says of calls that programs seldom make, on the loopback node.
 *
 * @module
 */
import { WRITING } from "../../../lib/dmabuf/dma_buf.ts";
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { EBUSY, EFAULT, EINVAL, EIO } from "../../../lib/sys/errno.ts";
import { File, IoBuffer, O_NONBLOCK, O_RDONLY, O_WRONLY } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { Poller, POLLERR, pollfd, POLLIN, POLLOUT } from "../../../lib/sys/poll.ts";
import { DmabufQueue, MmapQueue } from "../../../lib/v4l2/queue/queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import {
  VPIPE_LOOP_CID_KEEP_LAST,
  VPIPE_LOOP_CID_STAMPS,
  VPIPE_LOOP_CID_TIMEOUT,
  VPIPE_LOOP_CID_TIMEOUT_IMAGE,
  VPIPE_LOOP_STAMPS_TIMESTAMP,
  VPIPE_LOOP_STAMPS_WRITER,
} from "../../../lib/uapi/vpipe_loop.ts";
import {
  CAPTURE,
  getFormat,
  intervalsErrno,
  OUTPUT,
  prepare,
  RawWriter,
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
import { heap } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { loopStats } from "../../harness/nodes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const GREY = { width: 64, height: 48, pixelformat: v4l2.V4L2_PIX_FMT_GREY };
const BYTES = 64 * 48;
const YUYV = { width: 320, height: 240, pixelformat: v4l2.V4L2_PIX_FMT_YUYV };

/** That a file can be in at a time. */
const POLLS = 256;

/** Long enough for a call that does not wait. */
const CALL_MS = 1000;

const { symbols: calls } = Deno.dlopen("libc.so.6", {
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
});

/** What a writer may say of a frame. */
const MARKS = v4l2.V4L2_BUF_FLAG_KEYFRAME | v4l2.V4L2_BUF_FLAG_TSTAMP_SRC_SOE;

const small = (number: number) => numbered(number).slice(0, BYTES);

function setInterval(device: { path: string; fd: number }, type: number, fps: number): number {
  const parm = v4l2.v4l2_streamparm.alloc({ type, numerator: 1, denominator: fps });
  return errnoOf(() => ioctl(device, v4l2.VIDIOC_S_PARM, parm.bytes));
}

/** Sets a control of the node while `body` runs, then `after`. */
function setting<T>(node: string, id: number, value: number, after: number, body: () => T): T {
  using device = openOutput(node);
  device.setControl(id, value);
  try {
    return body();
  } finally {
    device.setControl(id, after);
  }
}

const microseconds = ({ timestamp_sec, timestamp_usec }: {
  timestamp_sec: number;
  timestamp_usec: number;
}) => timestamp_sec * 1e6 + timestamp_usec;

function loopReadChecks(suite: Suite, node: string): Promise<void> {
  return suite.check("loop: read and write at their edges", () => {
    {
      using writer = openOutput(node);
      setFormat(writer, OUTPUT, { ...GREY, pixelformat: v4l2.V4L2_PIX_FMT_MJPEG });
      using reader = new Reader(node, "read");
      expectEqual("write of nothing", writer.tryWrite(new IoBuffer(new Uint8Array(0))), 0);
      expect(reader.tryTake() === undefined, "a frame of nothing");
      writer.tryWrite(new IoBuffer(small(1)));
      expectBytes("the frame", reader.take().bytes, small(1));
    }
    using writer = new Writer(node, "mmap", { size: [64, 48] });
    using reader = openCapture(node);
    const part = new IoBuffer(new Uint8Array(100));
    reader.tryRead(part);
    writer.write(small(1));
    writer.write(small(2));
    expectEqual("read of a part", reader.tryRead(part), 100);
    const bad = Mapping.anonymous(4096);
    const nowhere = new IoBuffer(bad.bytes);
    bad.close();
    expectEqual("read to nowhere", reader.tryRead(nowhere), -EFAULT);
    const whole = new IoBuffer(new Uint8Array(BYTES));
    expectEqual("the next read", reader.tryRead(whole), BYTES);
    expectBytes("the next read", whole.bytes, small(2));
    writer.close();
    using other = new Writer(node, "mmap", { size: [32, 24] });
    expectEqual("read after a change", reader.tryRead(whole), -EIO);
    other.write(small(3).subarray(0, 32 * 24));
    expectEqual("the read after that", reader.tryRead(whole), 32 * 24);
    return "0 bytes are no frame; after EFAULT and EIO the next read begins with a new frame";
  });
}

async function loopFormatEdgeChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: a format is the same by each call", () => {
    using first = openCapture(node);
    setFormat(first, CAPTURE, GREY);
    using queue = new MmapQueue(first, CAPTURE, 2);
    using second = openCapture(node);
    const formats = [...second.formats(CAPTURE)].length;
    expectEqual("formats while another reader has buffers", formats, 1);
    expectEqual("TRY_FMT", tryFormat(second, CAPTURE, YUYV), getFormat(second, CAPTURE));
    expectEqual("S_FMT", setFormat(second, CAPTURE, YUYV), getFormat(second, CAPTURE));
    queue.close();
    using writer = new RawWriter(node, { ...GREY, pixelformat: v4l2.V4L2_PIX_FMT_YUYV });
    const { pixelformat: grey } = GREY;
    expectEqual("sizes of another format", sizesErrno(second, grey), EINVAL);
    expectEqual("sizes of the format", sizesErrno(second, YUYV.pixelformat), 0);
    const intervals = (format: number, width: number, height: number) =>
      intervalsErrno(second, format, width, height);
    expectEqual("intervals of another size", intervals(YUYV.pixelformat, 320, 240), EINVAL);
    expectEqual("intervals of another format", intervals(grey, 64, 48), EINVAL);
    expectEqual("intervals of the size", intervals(YUYV.pixelformat, 64, 48), 0);
    expectEqual("another's S_PARM", setInterval(second, OUTPUT, 5), EBUSY);
    expectEqual("the writer's S_PARM", setInterval(writer.device, OUTPUT, 25), 0);
    return "TRY_FMT, S_FMT and the enumerations agree; the interval is the writer's";
  });

  await suite.check("loop: a node without a writer is no codec", () => {
    using device = openCapture(node);
    expectEqual("formats of CAPTURE", [...device.formats(CAPTURE)].length, 0);
    expectEqual("TRY_FMT", tryFormat(device, CAPTURE, YUYV), `errno ${EINVAL}`);
    expect([...device.formats(OUTPUT)].length > 9, "formats of OUTPUT");
    setFormat(device, CAPTURE, YUYV);
    expect([...device.formats(CAPTURE)].length > 9, "formats once a reader has chosen");
    return "CAPTURE has no formats before there is a writer, or a reader has chosen one";
  });

  await suite.check("loop: lines and sizes that a writer asks for", () => {
    using device = openOutput(node);
    const given = (
      fourcc: string,
      width: number,
      height: number,
      bytesperline = 0,
      sizeimage = 0,
    ) =>
      setFormat(device, OUTPUT, {
        ...{ width, height, bytesperline, sizeimage },
        pixelformat: v4l2.fourcc(fourcc),
      });
    const expected: readonly [string, string][] = [
      [given("YU12", 1366, 768, 1368), "1366x768 YU12 1368/1575936"],
      [given("YUYV", 853, 480), "853x480 YUYV 1708/819840"],
      [given("YU12", 853, 480), "853x480 YU12 853/614400"],
      [given("NV12", 853, 479), "853x479 NV12 853/613547"],
      [given("MJPG", 640, 480, 0, 1228800), "640x480 MJPG 0/1228800"],
      [given("BGR4", 64, 48), "64x48 BGR4 256/12288"],
      [given("XR24", 64, 48), "64x48 XR24 256/12288"],
      [given("422P", 64, 48), "64x48 422P 64/6144"],
      [given("RGBP", 64, 48), "64x48 RGBP 128/6144"],
      // Bytes of a line that are left over from another format.
      [given("YUYV", 320, 240, 1920, 153600), "320x240 YUYV 640/153600"],
    ];
    for (const [actual, format] of expected) expectEqual("VIDIOC_S_FMT", actual, format);
    setFormat(device, OUTPUT, { ...GREY, pixelformat: v4l2.fourcc("pal8") });
    const larger = device.tryWrite(new IoBuffer(new Uint8Array(4 * BYTES)));
    expectEqual("write of frames of an unknown format", larger, -EINVAL);
    setFormat(device, OUTPUT, { ...GREY, pixelformat: v4l2.V4L2_PIX_FMT_MJPEG });
    const { sizeimage } = device.getFormat(OUTPUT);
    const cut = device.tryWrite(new IoBuffer(new Uint8Array(sizeimage + 1)));
    expectEqual("write of a compressed frame that does not fit", cut, -EINVAL);
    return `${expected.length} formats as asked; EINVAL for what cannot be a frame`;
  });

  await suite.check("loop: pictures that are kept", () => {
    setting(node, VPIPE_LOOP_CID_KEEP_LAST, 1, 0, () => {
      const writer = new Writer(node, "mmap", { size: [64, 48] });
      writer.write(small(77));
      setting(node, VPIPE_LOOP_CID_TIMEOUT, 200, 0, () => {
        using reader = new Reader(node, "mmap");
        for (let i = 0; i < 3; i++) {
          const taken = reader.take();
          expectBytes("what comes while the writer pauses", taken.bytes, small(77));
          reader.give(taken);
        }
      });
      writer.close();
      using device = openCapture(node);
      const kept = setFormat(device, CAPTURE, YUYV);
      expectEqual("S_FMT of a reader", kept, "64x48 GREY 64/3072");
      using reader = new Reader(node, "mmap");
      expectBytes("the kept frame after it", reader.take().bytes, small(77));
    });
    return "a paused writer's last frame, and after a reader's S_FMT";
  });
}

async function loopBufferChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: what goes with a frame", () => {
    using writer = new RawWriter(node, GREY);
    using device = openCapture(node);
    using queue = new MmapQueue(device, CAPTURE, 4);
    const offsets = queue.buffers.map(({ offset }) => offset);
    queue.buffers[3].offset = 0;
    expectEqual("PREPARE_BUF", prepare(device, queue.buffers[3]), 0);
    expectEqual("offset of PREPARE_BUF", queue.buffers[3].offset, offsets[3]);
    for (const { index } of queue.buffers) queue.enqueue(index);
    queue.buffers.forEach(({ offset }, i) => expectEqual("offset of QBUF", offset, offsets[i]));
    queue.streamOn();
    writer.start();
    for (let i = 0; i < 4; i++) {
      Object.assign(writer.buffer(i), {
        ...{ timestamp_sec: 0, timestamp_usec: 40_000 * i, flags: MARKS },
      });
      writer.queue(i, small(i));
      const index = queue.dequeue();
      expect(index >= 0, `no frame ${i}`);
      const { dequeued } = queue;
      expectEqual(`time of frame ${i}`, microseconds(dequeued), 40_000 * i);
      expectEqual("offset of DQBUF", dequeued.offset, offsets[index]);
      const flags = dequeued.flags & MARKS;
      expectEqual("flags", flags, MARKS);
    }
    // All are dequeued now.
    const readable = new Poller(device, POLLIN);
    expectEqual("poll with all buffers dequeued", readable.wait(50), 0);
    queue.streamOff();
    queue.streamOn();
    expectEqual("poll before the first QBUF", readable.wait(50) & POLLERR, POLLERR);
    return "timestamps from 0, flags and offsets; poll waits where all buffers are dequeued";
  });

  await suite.check("loop: one clock in one stream", () => {
    using writer = new RawWriter(node, GREY);
    writer.start();
    setting(node, VPIPE_LOOP_CID_TIMEOUT, 20, 0, () => {
      using device = openCapture(node);
      using queue = new MmapQueue(device, CAPTURE, 4);
      for (const { index } of queue.buffers) queue.enqueue(index);
      queue.streamOn();
      const readable = new Poller(device, POLLIN);
      let last = -1;
      for (let i = 0; i < 3; i++) {
        Object.assign(writer.buffer(i), { timestamp_sec: 1 + i, timestamp_usec: 0 });
        writer.queue(i, small(i));
        let seen = 0;
        // Pictures that were there before it come first, if the suite stood still.
        for (let n = 0; n < 4 || (n < 40 && seen === 0); n++) {
          expect(readable.wait(5000) !== 0, "nothing to read");
          const index = queue.dequeue();
          if (index < 0) continue;
          const now = microseconds(queue.dequeued);
          expect(i === 0 || now > last, `${now} after ${last}`);
          if (now === (1 + i) * 1e6) seen++;
          last = now;
          queue.enqueue(index);
        }
        expectEqual(`frames of ${1 + i} s`, seen, 1);
      }
    });
    return "three frames as they were written, and pictures between them, never back";
  });

  await suite.check("loop: sequence of a writer by write", () => {
    setting(
      node,
      VPIPE_LOOP_CID_STAMPS,
      VPIPE_LOOP_STAMPS_WRITER,
      VPIPE_LOOP_STAMPS_TIMESTAMP,
      () => {
        using writer = new Writer(node, "write", { size: [64, 48] });
        using reader = new Reader(node, "mmap");
        for (let i = 0; i < 4; i++) {
          writer.write(small(i));
          reader.expectFrame(`frame ${i}`, i, small(i));
        }
      },
    );
    return "counts from 0";
  });

  await suite.check("loop: a frame whose size is left out", () => {
    using writer = openOutput(node);
    setFormat(writer, OUTPUT, GREY);
    using memory = allocateFromHeap(heap(), BYTES);
    using queue = new DmabufQueue(writer, OUTPUT, [memory]);
    using reader = new Reader(node, "read");
    queue.streamOn();
    writer.setControl(VPIPE_LOOP_CID_TIMEOUT_IMAGE, 1);
    for (const number of [1, 2]) {
      memory.begin(WRITING);
      memory.bytes.set(small(number));
      memory.end(WRITING);
      // Nor does it say how long the dma-buf is.
      Object.assign(queue.buffers[0], { length: 0, bytesused: 0 });
      ioctl(writer, v4l2.VIDIOC_QBUF, queue.buffers[0].bytes);
      expectBytes(`frame ${number}`, reader.take().bytes, small(number));
      expectEqual("the buffer", queue.dequeue(), 0);
    }
    return "bytesused and length of 0 stand for all of the dma-buf: no frame is empty";
  });

  await suite.check("loop: poll of a file that is open for writing", () => {
    using file = File.open(node, O_WRONLY | O_NONBLOCK);
    const events = new Poller({ path: node, fd: file.fd }, POLLIN | POLLOUT).wait(0);
    expectEqual("events", events, POLLOUT);
    expectEqual("readers", loopStats(node).readers, 0);
    using reading = File.open(node, O_RDONLY | O_NONBLOCK);
    const others = new Poller({ path: node, fd: reading.fd }, POLLIN | POLLOUT).wait(0);
    expectEqual("events of a reader", others, 0);
    expectEqual("readers", loopStats(node).readers, 1);
    return "it is asked for reading, too, and does not read; nor does a reader write";
  });

  await suite.check("loop: poll behind a part of a frame", () => {
    using writer = new Writer(node, "write");
    using reader = new Reader(node, "read");
    const readable = new Poller(reader.device, POLLIN);
    writer.write(numbered(0));
    const parts = [VGA_BYTES - 1, 1].map((bytes) => {
      expectEqual(`poll before ${bytes} bytes`, readable.wait(CALL_MS), POLLIN);
      const part = new Uint8Array(bytes);
      expectEqual(`read(2)`, reader.device.tryRead(new IoBuffer(part)), bytes);
      return part;
    });
    expectEqual("poll behind all of it", readable.wait(0), 0);
    expectBytes("the first part", parts[0], numbered(0).subarray(0, -1));
    expectBytes("the rest", parts[1], numbered(0).subarray(-1));
    return "poll(2) says that what is left of a frame can be read, and that nothing is left";
  });

  await suite.check("loop: a file in more polls than its writer can wake", () => {
    using reader = new Reader(node, "read");
    const asked = Array.from(
      { length: POLLS + 1 },
      () => pollfd.alloc({ fd: reader.device.fd, events: POLLIN }),
    );
    const set = new Uint8Array(asked.flatMap(({ bytes }) => [...bytes]));
    expectEqual("polls with an event", calls.poll(set, BigInt(asked.length), 1), 1);
    expectEqual("event of the last one", pollfd.at(set, 8 * POLLS).revents, POLLERR);
    expectEqual("event of one", new Poller(reader.device, POLLIN).wait(1), 0);
    return `POLLERR for what comes after ${POLLS}, for as long as those are there`;
  });

  await suite.check("loop: one method a file", () => {
    using writer = new RawWriter(node, GREY);
    const frame = new IoBuffer(new Uint8Array(BYTES));
    expectEqual("read with OUTPUT buffers", writer.device.tryRead(frame), -EBUSY);
    using device = openCapture(node);
    using _ = new MmapQueue(device, CAPTURE, 2);
    expectEqual("write with CAPTURE buffers", device.tryWrite(frame), -EBUSY);
    return "EBUSY from read with OUTPUT buffers, and from write with CAPTURE buffers";
  });
}

export async function loopSemanticChecks(suite: Suite, node: string): Promise<void> {
  await loopReadChecks(suite, node);
  await loopFormatEdgeChecks(suite, node);
  await loopBufferChecks(suite, node);
}
