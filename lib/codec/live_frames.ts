/**
 * Frames of a compressed stream whose end has not come: each as soon as it is whole.
 *
 * @module
 */
import { behindLastStartCode, START_CODE } from "./annexb.ts";
import { isSlice, NAL_TYPE_MASK } from "./h264/nal_types.ts";
import { Pictures } from "./h264/stream.ts";
import { jpegImageAt } from "./jpeg.ts";
import { StreamError } from "./stream_error.ts";

/** One whole frame, and the size of its picture in pixels. */
export interface LiveFrame {
  /** A view of the bytes that were given. */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** What there is in the bytes that were read so far and have not been used. */
export interface Found {
  readonly frames: readonly LiveFrame[];
  /** Bytes that need not be given again. */
  readonly used: number;
}

/**
 * Looks for frames.
 *
 * @param ended no more bytes follow
 * @throws {StreamError} where something is broken, or cut off by the end
 */
export type Splitter = (bytes: Uint8Array<ArrayBuffer>, ended: boolean) => Found;

/** Motion JPEG: an image says itself where it ends. */
export function jpegSplitter(): Splitter {
  return (bytes, ended) => {
    const frames: LiveFrame[] = [];
    let used = 0;
    while (used < bytes.length) {
      const image = jpegImageAt(bytes, used);
      if (image === undefined) break;
      frames.push(image);
      used += image.data.length;
    }
    if (ended && frames.length === 0 && used < bytes.length) {
      throw new StreamError(`the last JPEG image is cut off after ${bytes.length} bytes`);
    }
    return { frames, used };
  };
}

// Enough of a slice to tell whether it is of another picture.
const SLICE_BYTES = 64;

/** H.264 with start codes: an access unit ends where the next one begins. */
export function h264Splitter(): Splitter {
  const pictures = new Pictures();
  return (bytes, ended) => {
    const data = ended ? bytes : bytes.subarray(0, wholeUnits(bytes));
    const found = [...pictures.of({ where: "", offset: 0, data })];
    // The last one may go on; and at the end it is what has no picture.
    const last = found.at(-1)!;
    const whole = ended ? found : found.slice(0, -1);
    return {
      frames: whole.flatMap(({ start, end, first }) =>
        first === undefined ? [] : [{ data: bytes.subarray(start, end), ...sizeOf(first.sps.crop) }]
      ),
      used: ended ? bytes.length : last.first === undefined ? 0 : last.start,
    };
  };
}

const sizeOf = ({ width, height }: { width: number; height: number }) => ({ width, height });

/** Up to where units are whole, or are slices of which there is enough. */
function wholeUnits(bytes: Uint8Array): number {
  const last = behindLastStartCode(bytes);
  if (last < 0) return 0;
  const whole = isSlice(bytes[last] & NAL_TYPE_MASK) && bytes.length - last >= SLICE_BYTES;
  return whole ? bytes.length : last - START_CODE;
}
