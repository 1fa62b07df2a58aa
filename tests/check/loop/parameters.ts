/**
 * Parameters of vpipe-loop.ko, right and wrong ones.
 *
 * @module
 */
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { Poller, POLLERR, POLLIN, POLLOUT } from "../../../lib/sys/poll.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MmapQueue } from "../../../lib/v4l2/queue/queue.ts";
import {
  V4L2_BUF_CAP_SUPPORTS_MAX_NUM_BUFFERS,
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
  V4L2_CAP_VIDEO_CAPTURE,
  V4L2_CAP_VIDEO_OUTPUT,
  v4l2_create_buffers,
  V4L2_MEMORY_MMAP,
  VIDIOC_CREATE_BUFS,
  VIDIOC_STREAMOFF,
} from "../../../lib/uapi/videodev2.ts";
import type { Context } from "../../harness/context.ts";
import { numbered, openCapture, openOutput, Reader, Writer } from "./client.ts";
import { loadLoop, tryLoadLoop } from "./module.ts";
import { kernelLog } from "../../harness/kernel_log.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { loopNode } from "../../harness/nodes.ts";

const BOTH = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_OUTPUT;

const uevents = () => Number(Deno.readTextFileSync("/sys/kernel/uevent_seqnum"));

/** Which sides a node has, for a program that opens it now. */
function sides(node: string): string {
  using device = VideoDevice.open(node, 0, "device");
  switch (device.capabilities & BOTH) {
    case BOTH:
      return "both";
    case V4L2_CAP_VIDEO_CAPTURE:
      return "capture";
    case V4L2_CAP_VIDEO_OUTPUT:
      return "output";
    default:
      return "none";
  }
}

/** What is told to who creates no buffers; `max` where the kernel has that. */
function askForBuffers(device: VideoDevice, type: number): { index: number; max?: number } {
  const asked = v4l2_create_buffers.alloc({ type, memory: V4L2_MEMORY_MMAP });
  ioctl(device, VIDIOC_CREATE_BUFS, asked.bytes);
  const told = asked.capabilities & V4L2_BUF_CAP_SUPPORTS_MAX_NUM_BUFFERS;
  return { index: asked.index, max: told ? asked.max_num_buffers : undefined };
}

export async function loopParameterChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("loop: devices, video_nr, card_label", async () => {
    const labels = ["Front door", "Yard", "Loft"];
    await loadLoop(
      ...[context, "devices=4", "video_nr=40,45,-1,41"] as const,
      `card_label="${labels.join(",")}"`,
    );
    const nodes = [...labels, "vpipe loopback 3"].map((name) => {
      const node = loopNode(name);
      using device = openCapture(node);
      expectEqual(`card of ${node}`, device.card, name);
      expectEqual(`driver of ${node}`, device.driver, "vpipe-loop");
      return node;
    });
    const asked = [nodes[0], nodes[1], nodes[3]].join(" ");
    expectEqual("nodes", asked, "/dev/video40 /dev/video45 /dev/video41");
    using stack = new DisposableStack();
    const writers = nodes.map((node) => stack.use(new Writer(node, "mmap")));
    const readers = nodes.map((node) => stack.use(new Reader(node, "mmap")));
    writers.forEach((writer, i) => writer.write(numbered(i)));
    readers.forEach((reader, i) => reader.expectFrame(`the frame of ${nodes[i]}`, 0, numbered(i)));
    return `${nodes.join(", ")}: each with its name, and a frame of its own`;
  });

  for (const most of [4, 32]) {
    await suite.check(`loop: max_buffers=${most}`, async () => {
      await loadLoop(context, `max_buffers=${most}`);
      using output = openOutput(loopNode());
      using capture = openCapture(loopNode());
      using out = new MmapQueue(output, V4L2_BUF_TYPE_VIDEO_OUTPUT, 64);
      expectEqual("OUTPUT buffers", out.buffers.length, most);
      using cap = new MmapQueue(capture, V4L2_BUF_TYPE_VIDEO_CAPTURE, 64);
      expectEqual("CAPTURE buffers", cap.buffers.length, most);
      // Who creates none only asks, whoever has the node.
      using other = VideoDevice.open(loopNode(), 0, "device");
      for (const type of [V4L2_BUF_TYPE_VIDEO_OUTPUT, V4L2_BUF_TYPE_VIDEO_CAPTURE]) {
        const { index, max } = askForBuffers(other, type);
        expectEqual("buffers of a file without any", index, 0);
        expect(max === undefined || max === most, `at most ${max} of ${most}`);
      }
      return `${most} of 64 on either side`;
    });
  }

  await suite.check("loop: exclusive_caps", async () => {
    await loadLoop(context, "devices=2", "exclusive_caps=0,1");
    expectEqual("the node without", sides(loopNode()), "both");
    const node = loopNode("vpipe loopback 1");
    expectEqual("before a writer", sides(node), "output");
    using idle = openOutput(node);
    expectEqual("poll for a frame", new Poller(idle, POLLIN).wait(0), POLLERR);
    expectEqual("poll for either", new Poller(idle, POLLIN | POLLOUT).wait(0), POLLOUT);
    using writer = new Writer(node, "mmap");
    expectEqual("while a writer streams", sides(node), "capture");
    using reader = new Reader(node, "mmap");
    writer.write(numbered(0));
    reader.expectFrame("a frame", 0, numbered(0));
    let refused = "";
    try {
      openOutput(node).close();
    } catch (error) {
      refused = (error as Error).message;
    }
    expect(refused.includes("is not an output device"), `a second writer: "${refused}"`);
    writer.close();
    expectEqual("after the writer", sides(node), "output");
    {
      using file = VideoDevice.open(node, 0, "device");
      const before = uevents();
      const type = new Uint8Array(Uint32Array.of(V4L2_BUF_TYPE_VIDEO_OUTPUT).buffer);
      for (let i = 0; i < 10; i++) ioctl(file, VIDIOC_STREAMOFF, type);
      expectEqual("what programs that look for cameras are told", uevents() - before, 0);
    }
    expectEqual("a format of who was there before", idle.getFormat(2).width, 640);
    return "an output device until a writer streams, then a capture device, then an output device";
  });

  await suite.whole?.check("loop: wrong parameters", async () => {
    const wrong = {
      "devices=0": "devices=0: not 1 to 32",
      "devices=33": "devices=33: not 1 to 32",
      "max_buffers=3": "max_buffers=3: not 4 to 32",
      "max_buffers=33": "max_buffers=33: not 4 to 32",
    };
    const lines: string[] = [];
    for (const [parameter, line] of Object.entries(wrong)) {
      const logged = kernelLog();
      const { status, stderr } = await tryLoadLoop(context, parameter);
      expect(status !== 0, `${parameter} was accepted`);
      expect(stderr.includes("Invalid"), `${parameter}: ${stderr.trim()}`);
      const log = await logged();
      expect(log.includes(`vpipe_loop: ${line}`), `${parameter}: the kernel log has ${log}`);
      lines.push(line);
    }
    return `refused, and the kernel log says why: ${lines.join("; ")}`;
  });
}
