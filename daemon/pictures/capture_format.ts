/**
 * The pictures that a client wants, and how they lie in its buffers.
 *
 * @module
 */
import { PICTURE_LAYOUTS, type PictureLayout, rowBytes } from "../../lib/image/pixel_format.ts";
import { type SamplePlane, samplePlanes } from "../../lib/image/sample_planes.ts";
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

/** A checked `struct vpipe_dec_start` or `vpipe_dec_capture`: whatever is written by it stays inside `sizes`. */
export interface CaptureFormat {
  readonly layout: Layout;
  /** Coded, in pixels. */
  readonly width: number;
  readonly height: number;
  /** `sizeimage` of each plane of a buffer, in bytes. */
  readonly sizes: readonly number[];
  /** Luma, then chroma. */
  readonly planes: readonly SamplePlane[];
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
  const strides = [capture.bytesperline0, capture.bytesperline1, capture.bytesperline2];
  const planes = samplePlanes(format, height, strides);
  for (const plane of planes) {
    const { bytesperline } = plane;
    if (bytesperline < rowBytes(plane, width) || bytesperline > MAX_BYTESPERLINE) {
      throw new Error(`${name} of ${width}x${height}: a bytesperline of ${bytesperline}`);
    }
  }
  const told = [capture.sizeimage0, capture.sizeimage1, capture.sizeimage2];
  const sizes = told.slice(0, num_planes);
  for (const { memory, offset, bytesperline, down } of planes) {
    const end = offset + bytesperline * Math.ceil(height / down);
    if (sizes[memory] < end) {
      throw new Error(
        `${name} of ${width}x${height}: plane ${memory} has ${sizes[memory]} of ${end} bytes`,
      );
    }
  }
  return { layout: format.ffmpeg, width, height, sizes, planes };
}

/** Whether pictures of one format lie as those of the other do. */
export function sameFormat(a: CaptureFormat, b: CaptureFormat): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
