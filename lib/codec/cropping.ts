/**
 * The visible part of H.264's and HEVC's pictures, as sequence parameter sets have it.
 * Source: ITU-T H.264, section 7.4.2.1.1, and ITU-T H.265, section 7.4.3.2.1.
 *
 * @module
 */
import type { Rectangle } from "../image/rectangle.ts";
import type { Chroma } from "./access_unit.ts";
import type { BitReader } from "./bits/reader.ts";
import { StreamError } from "./stream_error.ts";

/**
 * Reads whether there is cropping, and how much.
 *
 * @param fields 2 where the pictures may be fields, whose lines count for two
 * @throws {StreamError} nothing is left
 */
export function readCropping(
  bits: BitReader,
  chroma: Chroma,
  width: number,
  height: number,
  fields = 1,
): Rectangle {
  let [left, right, top, bottom] = [0, 0, 0, 0];
  if (bits.flag()) {
    const unitX = chroma === "4:2:0" || chroma === "4:2:2" ? 2 : 1;
    const unitY = (chroma === "4:2:0" ? 2 : 1) * fields;
    left = unitX * bits.exponential();
    right = unitX * bits.exponential();
    top = unitY * bits.exponential();
    bottom = unitY * bits.exponential();
  }
  if (left + right >= width || top + bottom >= height) {
    throw new StreamError(`cropping leaves nothing of ${width}x${height}`);
  }
  return { left, top, width: width - left - right, height: height - top - bottom };
}
