/**
 * Every format through the loopback node.
 *
 * @module
 */
import { MovingPattern } from "../../../lib/image/moving_pattern.ts";
import { randomBytes } from "../../../lib/image/patterns.ts";
import {
  frameBytes,
  isCompressed,
  PIXEL_FORMATS,
  rowBytes,
} from "../../../lib/image/pixel_format.ts";
import {
  fourcc,
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
} from "../../../lib/uapi/videodev2.ts";
import { openOutput, Reader, Writer } from "./client.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const SIZE = [66, 50] as const;
const COMPRESSED_SIZE = [320, 240] as const;
const COMPRESSED_BYTES = 320 * 240 * 3 / 2;
const FRAMES = 5;

export async function loopFormatChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: formats", () => {
    using device = openOutput(node);
    const all = [...device.formats(V4L2_BUF_TYPE_VIDEO_OUTPUT)];
    for (const { name, fourcc: text } of PIXEL_FORMATS) {
      expect(all.includes(fourcc(text)), `${name} is not among the ${all.length} formats`);
    }
    return `${PIXEL_FORMATS.map(({ name }) => name).join(", ")} among ${all.length}`;
  });

  for (const format of PIXEL_FORMATS.filter((format) => !isCompressed(format))) {
    await suite.check(`loop: ${format.name}`, () => {
      const [width, height] = SIZE;
      const pattern = new MovingPattern("bars", format, width, height);
      const frame = new Uint8Array(frameBytes(format, width, height));
      using writer = new Writer(node, "mmap", { format, size: SIZE });
      using reader = new Reader(node, "mmap");
      const got = reader.device.getFormat(V4L2_BUF_TYPE_VIDEO_CAPTURE);
      expectEqual("pixelformat", got.pixelformat, fourcc(format.fourcc));
      expectEqual("size", `${got.width}x${got.height}`, SIZE.join("x"));
      expectEqual("bytesperline", got.bytesperline, rowBytes(format.planes[0], width));
      expectEqual("sizeimage", got.sizeimage, frame.length);
      for (let i = 0; i < FRAMES; i++) {
        pattern.fill(frame, i);
        writer.write(frame);
        reader.expectFrame(`frame ${i}`, i, frame);
      }
      return `${FRAMES} frames of ${SIZE.join("x")}, ${frame.length} bytes without padding`;
    });
  }

  for (const format of PIXEL_FORMATS.filter(isCompressed)) {
    for (const io of ["write", "mmap"] as const) {
      await suite.check(`loop: ${format.name} by ${io}`, () => {
        const sizes = [1, 5000, 4096, 65536, 3, COMPRESSED_BYTES, 70_001, 2];
        using writer = new Writer(node, io, { format, size: COMPRESSED_SIZE });
        using reader = new Reader(node, io === "write" ? "read" : "mmap");
        const { sizeimage } = reader.device.getFormat(V4L2_BUF_TYPE_VIDEO_CAPTURE);
        expectEqual("sizeimage", sizeimage, COMPRESSED_BYTES);
        sizes.forEach((size, i) => {
          const frame = randomBytes(size, i + 1);
          writer.write(frame);
          reader.expectFrame(`frame ${i}`, i, frame);
        });
        return `frames of ${sizes.join(", ")} bytes, each as it was`;
      });
    }
  }
}
