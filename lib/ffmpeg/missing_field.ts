/**
 * A frame of which there is one field: the other one's lines are as those, as FFmpeg has it where it shows one.
 *
 * @module
 */
import { BOTTOM_FIELD } from "../codec/h264/slice.ts";
import { AVFRAME } from "./abi/avutil.ts";
import type { Ffmpeg } from "./abi/libraries.ts";
import type { Frame } from "./frame.ts";
import { planes } from "./packer.ts";

const PLANES = 4;

/**
 * Writes the lines of the field that is missing.
 *
 * @param field that is there: TOP_FIELD or BOTTOM_FIELD
 */
export function fillMissingField({ avutil }: Ffmpeg, picture: Frame, field: number): void {
  const view = new Deno.UnsafePointerView(picture.pointer);
  const { lines, format, width, height } = picture;
  // Of what has fewer planes their addresses and lines are 0.
  const side = (bottom: boolean) =>
    planes(...Array.from({ length: PLANES }, (_, plane) => {
      const address = Number(view.getBigUint64(AVFRAME.data + 8 * plane));
      return address + (bottom ? lines[plane] : 0);
    }));
  const strides = new Uint8Array(lines.map((bytes) => 2 * bytes).buffer);
  const there = field === BOTTOM_FIELD;
  avutil.av_image_copy(side(!there), strides, side(there), strides, format, width, height >> 1);
}
