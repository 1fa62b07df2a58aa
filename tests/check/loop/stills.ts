/**
 * What readers of the loopback node get while there is no frame.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import {
  VPIPE_LOOP_CID_KEEP_LAST,
  VPIPE_LOOP_CID_TIMEOUT,
  VPIPE_LOOP_CID_TIMEOUT_IMAGE,
} from "../../../lib/uapi/vpipe_loop.ts";
import { expectBytes, numbered, openOutput, Reader, VGA_BYTES, Writer } from "./client.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const SD = v4l2.V4L2_COLORSPACE_SMPTE170M;
const { V4L2_QUANTIZATION_FULL_RANGE: FULL, V4L2_QUANTIZATION_LIM_RANGE: LIMITED } = v4l2;
const TIMEOUT_MS = 40;
const BLACK = new Uint8Array(VGA_BYTES);
const WAYS = ["mmap", "read"] as const;

/** Sets a control of the node while `body` runs, then 0 again. */
export function setting<T>(node: string, id: number, value: number, body: () => T): T {
  using device = openOutput(node);
  device.setControl(id, value);
  try {
    return body();
  } finally {
    device.setControl(id, 0);
  }
}

/**
 * What the time-out image has in its first bytes of brightness and of colour. V4L2's core takes a
 * quantization only with a colour space.
 */
function blackOf(node: string, colorspace: number, quantization: number): string {
  using device = openOutput(node);
  const format = v4l2.v4l2_format.alloc({
    ...{ type: v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT, width: 64, height: 48 },
    pixelformat: v4l2.V4L2_PIX_FMT_YUV420,
    ...{ colorspace, priv: v4l2.V4L2_PIX_FMT_PRIV_MAGIC, quantization },
  });
  ioctl(device, v4l2.VIDIOC_S_FMT, format.bytes);
  return setting(node, VPIPE_LOOP_CID_TIMEOUT, TIMEOUT_MS, () => {
    using reader = new Reader(node, "read");
    const { bytes } = reader.take();
    return `${bytes[0]} ${bytes[64 * 48]}`;
  });
}

export async function loopStillChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: the last frame for a new reader", () => {
    setting(node, VPIPE_LOOP_CID_KEEP_LAST, 1, () => {
      using writer = new Writer(node, "mmap");
      for (let i = 0; i < 3; i++) writer.write(numbered(i));
      for (const io of WAYS) {
        using reader = new Reader(node, io);
        reader.expectFrame(`the last frame by ${io}`, 0, numbered(2));
      }
      writer.close();
      for (const io of WAYS) {
        using reader = new Reader(node, io);
        const taken = reader.take();
        expectBytes(`the last frame by ${io}, of a writer that is gone`, taken.bytes, numbered(2));
      }
    });
    using reader = new Reader(node, "mmap");
    expect(reader.tryTake() === undefined, "a frame, although none is kept any more");
    return "at once, also after its writer is gone; none when it is not asked for";
  });

  await suite.check("loop: black by its range", () => {
    try {
      expectEqual("limited range", blackOf(node, SD, LIMITED), "16 128");
      expectEqual("full range", blackOf(node, SD, FULL), "0 128");
      expectEqual("by default", blackOf(node, SD, 0), "16 128");
      expectEqual(
        "by default of v4l2.V4L2_COLORSPACE_JPEG",
        blackOf(node, v4l2.V4L2_COLORSPACE_JPEG, 0),
        "0 128",
      );
    } finally {
      new Writer(node, "mmap").close();
    }
    return "0 where the writer's range is full, else 16";
  });

  for (const io of WAYS) {
    await suite.check(`loop: the time-out image by ${io}`, () => {
      const [image, frame] = [numbered(11), numbered(12)];
      setting(node, VPIPE_LOOP_CID_TIMEOUT, TIMEOUT_MS, () => {
        using reader = new Reader(node, io);
        let last = -1;
        // Until `picture` comes there may be more of those before it.
        const reach = (what: string, picture: Uint8Array, before = picture) => {
          for (let there = false; !there;) {
            const taken = reader.take();
            there = Buffer.compare(taken.bytes, picture) === 0;
            if (!there) expectBytes(`${what}, or what was before`, taken.bytes, before);
            const { sequence = last + 1 } = taken;
            expect(sequence > last, `sequence ${sequence} after ${last}`);
            last = sequence;
            reader.give(taken);
          }
        };
        const stay = (what: string, picture: Uint8Array) => {
          for (let i = 0; i < 3; i++) reach(what, picture);
        };
        stay("the default image", BLACK);
        using writer = new Writer(node, "mmap");
        writer.device.setControl(VPIPE_LOOP_CID_TIMEOUT_IMAGE, 1);
        writer.write(image);
        reach("the frame that becomes the image", image, BLACK);
        writer.write(frame);
        reach("the frame after it", frame, image);
        stay("the image of the writer", image);
        writer.close();
        stay("the image without a writer", image);
      });
      using reader = new Reader(node, io);
      expectEqual("events without a time-out", new Poller(reader.device, POLLIN).wait(100), 0);
      reader.close();
      // A change of the format: the image is black again.
      new Writer(node, "mmap", { size: [64, 48] }).close();
      new Writer(node, "mmap").close();
      return "black, then the writer's own, with and without a writer; none without a time-out";
    });
  }
}
