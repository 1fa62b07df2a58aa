/**
 * What a stream says of its colours, in V4L2's words.
 *
 * @module
 */
import { cString } from "../sys/libc.ts";
import type { CodecContext } from "./context.ts";
import type { Ffmpeg } from "./abi/libraries.ts";

/** V4L2's numbers; 0 where the stream does not say, or V4L2 has no name for it. */
export interface Colours {
  /** V4L2_COLORSPACE_* */
  readonly colorspace: number;
  /** V4L2_XFER_FUNC_* */
  readonly xfer_func: number;
  /** V4L2_YCBCR_ENC_* */
  readonly ycbcr_enc: number;
  /** V4L2_QUANTIZATION_* */
  readonly quantization: number;
}

// By FFmpeg's number of each. Source: libavutil/pixfmt.h and linux/videodev2.h.
const COLORSPACES = new Map([
  ...[[1, 3], [4, 5], [5, 6], [6, 1], [7, 2], [9, 10], [11, 12]] as const,
]);
const XFER_FUNCS = new Map([
  ...[[1, 1], [6, 1], [7, 4], [8, 5], [13, 2], [14, 1], [15, 1], [16, 7], [17, 6]] as const,
]);
const YCBCR_ENCS = new Map([...[[1, 2], [5, 1], [6, 1], [7, 8], [9, 6], [10, 7]] as const]);
const QUANTIZATIONS = new Map([...[[1, 2], [2, 1]] as const]);

const NAMES = {
  colorspace: ["color_primaries", COLORSPACES],
  xfer_func: ["color_trc", XFER_FUNCS],
  ycbcr_enc: ["colorspace", YCBCR_ENCS],
  quantization: ["color_range", QUANTIZATIONS],
} as const;

/** The colours that the latest header had which a decoder was given. */
export function coloursOf({ avutil }: Ffmpeg, { pointer }: CodecContext): Colours {
  const value = new BigInt64Array(1);
  const cell = new Uint8Array(value.buffer);
  const told = Object.entries(NAMES).map(([name, [option, numbers]]) => {
    value[0] = 0n;
    avutil.av_opt_get_int(pointer, cString(option), 0, cell);
    return [name, (numbers as ReadonlyMap<number, number>).get(Number(value[0])) ?? 0];
  });
  return Object.fromEntries(told);
}
