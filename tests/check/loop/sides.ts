/**
 * Who may use which side of a loopback node.
 *
 * @module
 */
import { EBUSY, SysError } from "../../../lib/sys/errno.ts";
import { IoBuffer } from "../../../lib/sys/file.ts";
import { MmapQueue } from "../../../lib/v4l2/queue/queue.ts";
import {
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
  v4l2_format,
  V4L2_PIX_FMT_YUYV,
  VIDIOC_S_FMT,
} from "../../../lib/uapi/videodev2.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import type { Context } from "../../harness/context.ts";
import { expectError } from "../../harness/expectations.ts";
import { numbered, openCapture, openOutput, Reader, VGA_BYTES, Writer } from "./client.ts";
import { run } from "../../harness/processes.ts";
import { expectEqual, type Suite } from "../../harness/suite.ts";

function errorOf(body: () => unknown): string {
  try {
    body();
    return "no error";
  } catch (error) {
    if (error instanceof SysError) return `${error.call}: ${error.code}`;
    throw error;
  }
}

export async function loopSideChecks(suite: Suite, context: Context, node: string): Promise<void> {
  await suite.check("loop: a second writer", async () => {
    using writer = new Writer(node, "mmap");
    using reader = new Reader(node, "mmap");
    using second = openOutput(node);
    const type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
    const requested = errorOf(() => new MmapQueue(second, type, 4));
    expectEqual("REQBUFS", requested, `VIDIOC_REQBUFS: ${EBUSY}`);
    const written = second.tryWrite(new IoBuffer(new Uint8Array(VGA_BYTES)));
    expectEqual("write", written, -EBUSY);
    const args = [node, `${context.fixtures}/noise-vga.pgm`];
    const outcome = await run(context.tool("loop-write"), args);
    const busy = `Device or resource busy (EBUSY), open in ${Deno.pid} `;
    const said = expectError(outcome, "loop-write", 1, busy);
    writer.write(numbered(0));
    reader.expectFrame("the first writer's frame", 0, numbered(0));
    return `${said}; the first one goes on`;
  });

  await suite.check("loop: a second stream of one process", () => {
    using writer = new Writer(node, "mmap");
    using reader = new Reader(node, "mmap");
    using second = openCapture(node);
    const requested = errorOf(() => new MmapQueue(second, V4L2_BUF_TYPE_VIDEO_CAPTURE, 4));
    expectEqual("REQBUFS", requested, `VIDIOC_REQBUFS: ${EBUSY}`);
    const read = second.tryRead(new IoBuffer(new Uint8Array(VGA_BYTES)));
    expectEqual("read", read, -EBUSY);
    writer.write(numbered(0));
    reader.expectFrame("the first stream's frame", 0, numbered(0));
    reader.close();
    using queue = new MmapQueue(second, V4L2_BUF_TYPE_VIDEO_CAPTURE, 4);
    return `EBUSY from REQBUFS and read; ${queue.buffers.length} buffers once the first is over`;
  });

  await suite.check("loop: the format is the writer's", () => {
    using writer = new Writer(node, "mmap");
    using reader = openCapture(node);
    const format = v4l2_format.alloc({
      ...{ type: V4L2_BUF_TYPE_VIDEO_CAPTURE, width: 320, height: 240 },
      pixelformat: V4L2_PIX_FMT_YUYV,
    });
    ioctl(reader, VIDIOC_S_FMT, format.bytes);
    expectEqual("what a reader gets", `${format.width}x${format.height}`, "640x480");
    writer.close();
    const free = v4l2_format.alloc({
      ...{ type: V4L2_BUF_TYPE_VIDEO_CAPTURE, width: 320, height: 240 },
      pixelformat: V4L2_PIX_FMT_YUYV,
    });
    ioctl(reader, VIDIOC_S_FMT, free.bytes);
    expectEqual("what it gets without a writer", `${free.width}x${free.height}`, "320x240");
    return "a reader gets it whatever it asks for, and sets its own where there is no writer";
  });
}
