/**
 * The pictures that a client wants, and how they lie in its buffers.
 *
 * @module
 */
import { PICTURE_LAYOUTS, type PictureLayout, rowBytes } from "../../lib/image/pixel_format.ts";
import type { Layout } from "../../lib/ffmpeg/packer.ts";
import type { View } from "../../lib/uapi/struct.ts";
import { fourcc, fourccText } from "../../lib/uapi/videodev2.ts";
import type { vpipe_dec_capture, vpipe_dec_header } from "../../lib/uapi/vpipe_dec.ts";

const FORMATS: ReadonlyMap<number, PictureLayout> = new Map(
  Object.values(PICTURE_LAYOUTS).map((layout) => [fourcc(layout.fourcc), layout]),
);

// FFmpeg's own limits are near: its line sizes are 32-bit numbers.
const MAX_SIZE = 16384;
const MAX_BYTESPERLINE = 1 << 20;

/** Where the lines of luma or chroma begin, and how far apart they are. */
export interface Lines {
  /** The plane of the buffer. */
  readonly plane: number;
  /** In bytes from the plane's start. */
  readonly offset: number;
  /** In bytes. */
  readonly bytesperline: number;
}

/** A checked `struct vpipe_dec_start` or `vpipe_dec_capture`: whatever is written by it stays inside `sizes`. */
export interface CaptureFormat {
  readonly layout: Layout;
  /** Coded, in pixels. */
  readonly width: number;
  readonly height: number;
  /** `sizeimage` of each plane of a buffer, in bytes. */
  readonly sizes: readonly number[];
  readonly luma: Lines;
  readonly chroma: Lines;
}

/** All but the header. */
type Capture = Omit<
  View<typeof vpipe_dec_capture.fields>,
  "bytes" | keyof typeof vpipe_dec_header.fields
>;

/**
 * Checks what a START or CAPTURE says of the pictures.
 *
 * @throws {Error} this daemon has no such format, or pictures would not fit their buffers
 */
export function captureFormat(capture: Capture): CaptureFormat {
  const { pixelformat, width, height, num_planes } = capture;
  const name = fourccText(pixelformat);
  const format = FORMATS.get(pixelformat);
  if (format === undefined) {
    throw new Error(`pictures in ${name}: not one of ${[...FORMATS.keys()].map(fourccText)}`);
  }
  if (num_planes !== format.memories) {
    throw new Error(`${name} in ${num_planes} planes: has ${format.memories}`);
  }
  if (!(width >= 1 && width <= MAX_SIZE && height >= 1 && height <= MAX_SIZE)) {
    throw new Error(`pictures of ${width}x${height}: up to ${MAX_SIZE}x${MAX_SIZE} is known`);
  }
  const split = format.memories > 1;
  const strides = [capture.bytesperline0, split ? capture.bytesperline1 : capture.bytesperline0];
  const lengths = format.planes.map(({ down }, i) => strides[i] * Math.ceil(height / down));
  const rows = format.planes.map((plane) => rowBytes(plane, width));
  for (const [index, row] of rows.entries()) {
    if (strides[index] < row || strides[index] > MAX_BYTESPERLINE) {
      throw new Error(`${name} of ${width}x${height}: a bytesperline of ${strides[index]}`);
    }
  }
  const sizes = split ? [capture.sizeimage0, capture.sizeimage1] : [capture.sizeimage0];
  const wanted = split ? lengths : [lengths[0] + lengths[1]];
  for (const [plane, size] of wanted.entries()) {
    if (sizes[plane] < size) {
      throw new Error(
        `${name} of ${width}x${height}: plane ${plane} has ${sizes[plane]} of ${size} bytes`,
      );
    }
  }
  return {
    layout: format.ffmpeg,
    width,
    height,
    sizes,
    luma: { plane: 0, offset: 0, bytesperline: strides[0] },
    chroma: {
      plane: split ? 1 : 0,
      offset: split ? 0 : lengths[0],
      bytesperline: strides[1],
    },
  };
}

/** Whether pictures of one format lie as those of the other do. */
export function sameFormat(a: CaptureFormat, b: CaptureFormat): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
