/**
 * Every format through the loopback node.
 *
 * @module
 */
import { MovingPattern } from "../../../lib/image/moving_pattern.ts";
import { randomBytes } from "../../../lib/image/patterns.ts";
import {
  isCompressed,
  isDrawable,
  PIXEL_FORMATS,
  type PixelFormat,
} from "../../../lib/image/pixel_format.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { VPIPE_LOOP_CID_TIMEOUT } from "../../../lib/uapi/vpipe_loop.ts";
import { RAW_FACTS, RAW_SIZE } from "../../harness/raw_formats.ts";
import { expectEqual, type Suite } from "../../harness/suite.ts";
import { expectBytes, openOutput, Reader, Writer } from "./client.ts";
import { setting } from "./stills.ts";

const COMPRESSED_SIZE = [320, 240] as const;
const COMPRESSED_BYTES = 320 * 240 * 3 / 2;
const FRAMES = 5;
const TIMEOUT_MS = 20;

const { fourcc, fourccText, V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_BUF_TYPE_VIDEO_OUTPUT } = v4l2;
const RAW = PIXEL_FORMATS.filter((format) => !isCompressed(format));

/** Puts frames of a format into memory: a picture, or noise where nobody knows what one is. */
function painter(format: PixelFormat): (frame: Uint8Array, number: number) => void {
  if (!isDrawable(format)) {
    return (frame, number) => frame.set(randomBytes(frame.length, number + 1));
  }
  const pattern = new MovingPattern("bars", format, ...RAW_SIZE);
  return (frame, number) => pattern.fill(frame, number);
}

/** Sets a format as a writer would, with room behind each line. */
function setPadded({ name, fourcc: text }: PixelFormat, node: string, padding: number) {
  const { line } = RAW_FACTS[name];
  using device = openOutput(node);
  const full = padding === 0;
  const format = v4l2.v4l2_format.alloc({
    ...{ type: V4L2_BUF_TYPE_VIDEO_OUTPUT, width: RAW_SIZE[0], height: RAW_SIZE[1] },
    ...{ pixelformat: fourcc(text), bytesperline: line + padding },
    ...{ colorspace: v4l2.V4L2_COLORSPACE_SMPTE170M, priv: v4l2.V4L2_PIX_FMT_PRIV_MAGIC },
    quantization: full ? v4l2.V4L2_QUANTIZATION_FULL_RANGE : v4l2.V4L2_QUANTIZATION_LIM_RANGE,
  });
  ioctl(device, v4l2.VIDIOC_S_FMT, format.bytes);
  expectEqual(`bytesperline of ${name}`, format.bytesperline, line + padding);
  return { line: format.bytesperline, size: format.sizeimage };
}

const hex = (text: string) => Uint8Array.from(text.match(/../g)!, (byte) => parseInt(byte, 16));

/** The black picture. */
function black(format: PixelFormat, padding: number, line: number, size: number): Uint8Array {
  const [limited, behind = "00", full = limited] = RAW_FACTS[format.name].black!;
  const [first, rest] = [hex(padding === 0 ? full : limited), hex(behind)];
  const chroma = line * RAW_SIZE[1];
  return Uint8Array.from(
    { length: size },
    (_, i) => i < chroma ? first[i % line % first.length] : rest[(i - chroma) % rest.length],
  );
}

export async function loopFormatChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: formats", () => {
    using device = openOutput(node);
    const all = [...device.formats(V4L2_BUF_TYPE_VIDEO_OUTPUT)].map(fourccText).sort();
    const known = PIXEL_FORMATS.map(({ fourcc: text }) => text.trimEnd()).sort();
    expectEqual("formats", all.join(" "), known.join(" "));
    expectEqual(
      "raw formats with facts",
      Object.keys(RAW_FACTS).sort().join(" "),
      RAW.map(({ name }) => name).sort().join(" "),
    );
    return `${all.length}: ${all.join(" ")}`;
  });

  for (const format of RAW) {
    await suite.check(`loop: ${format.name}`, () => {
      const { line, size } = RAW_FACTS[format.name];
      const paint = painter(format);
      const frame = new Uint8Array(size);
      using writer = new Writer(node, "mmap", { format, size: RAW_SIZE });
      using reader = new Reader(node, "mmap");
      const got = reader.device.getFormat(V4L2_BUF_TYPE_VIDEO_CAPTURE);
      expectEqual("pixelformat", got.pixelformat, fourcc(format.fourcc));
      expectEqual("size", `${got.width}x${got.height}`, RAW_SIZE.join("x"));
      expectEqual("bytesperline", got.bytesperline, line);
      expectEqual("sizeimage", got.sizeimage, size);
      for (let i = 0; i < FRAMES; i++) {
        paint(frame, i);
        writer.write(frame);
        reader.expectFrame(`frame ${i}`, i, frame);
      }
      return `${FRAMES} frames of ${RAW_SIZE.join("x")}, ${size} bytes, ${line} a line`;
    });
  }

  await suite.check("loop: black in each format", () => {
    setting(node, VPIPE_LOOP_CID_TIMEOUT, TIMEOUT_MS, () => {
      for (const format of RAW.filter(({ name }) => RAW_FACTS[name].black)) {
        for (const padding of [0, 1]) {
          const { line, size } = setPadded(format, node, padding);
          using reader = new Reader(node, "read");
          const what = `${format.name} with ${padding} bytes behind a line`;
          expectBytes(what, reader.take().bytes, black(format, padding, line, size));
        }
      }
      for (const name of ["yyuv", "vp8"]) {
        using _writer = new Writer(node, "mmap", {
          format: PIXEL_FORMATS.find((format) => format.name === name)!,
          size: RAW_SIZE,
        });
        using reader = new Reader(node, "mmap");
        const events = new Poller(reader.device, POLLIN).wait(TIMEOUT_MS * 10);
        expectEqual(`events of ${name}, which has no black`, events, 0);
      }
    });
    new Writer(node, "mmap").close();
    return "every byte, of full and limited range, also with room behind the lines; none of yyuv";
  });

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
