/**
 * AV1's film grain parameters from the control that stands for them.
 * Source: AV1 Bitstream & Decoding Process Specification, section 5.9.30.
 *
 * @module
 */
import type { View } from "../../uapi/struct.ts";
import * as c from "../../uapi/v4l2_controls_av1.ts";
import type { Av1SequenceControl } from "./sequence_writer.ts";
import type { BitWriter } from "../bits/writer.ts";
import { StreamError } from "../stream_error.ts";

const MAX_LUMA_POINTS = 14;
const MAX_CHROMA_POINTS = 10;

/** `struct v4l2_ctrl_av1_film_grain` */
export type Av1GrainControl = View<typeof c.v4l2_ctrl_av1_film_grain.fields>;

function writePoints(
  bits: BitWriter,
  count: number,
  most: number,
  values: readonly number[],
  scaling: readonly number[],
): void {
  if (count > most) throw new StreamError(`${count} points of film grain; at most ${most} can be`);
  bits.bits(count, 4);
  for (let i = 0; i < count; i++) {
    bits.bits(values[i], 8);
    bits.bits(scaling[i], 8);
  }
}

/**
 * Writes film_grain_params() of a frame that is shown. Films with grain are rare: the arrays are
 * read as such.
 *
 * @param inter frame_type is INTER_FRAME
 * @param reference the slot of the frame whose parameters are used, where the control says so
 * @throws {StreamError} no header can say what the control does
 */
export function writeAv1Grain(
  bits: BitWriter,
  grain: Av1GrainControl,
  { flags: sequence }: Av1SequenceControl,
  inter: boolean,
  reference: () => number,
): void {
  const has = (mask: number) => (grain.flags & mask) !== 0;
  const flag = (mask: number) => bits.flag(has(mask));
  flag(c.V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN);
  if (!has(c.V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN)) return;
  bits.bits(grain.grain_seed, 16);
  if (inter) {
    flag(c.V4L2_AV1_FILM_GRAIN_FLAG_UPDATE_GRAIN);
    if (!has(c.V4L2_AV1_FILM_GRAIN_FLAG_UPDATE_GRAIN)) return bits.bits(reference(), 3);
  }
  const { num_y_points } = grain;
  writePoints(bits, num_y_points, MAX_LUMA_POINTS, grain.point_y_value, grain.point_y_scaling);
  const monochrome = (sequence & c.V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME) !== 0;
  const subsampled = c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X |
    c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y;
  if (!monochrome) flag(c.V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA);
  const fromLuma = !monochrome && has(c.V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA);
  const none = monochrome || fromLuma ||
    (sequence & subsampled) === subsampled && num_y_points === 0;
  const numCbPoints = none ? 0 : grain.num_cb_points;
  const numCrPoints = none ? 0 : grain.num_cr_points;
  if (!none) {
    writePoints(bits, numCbPoints, MAX_CHROMA_POINTS, grain.point_cb_value, grain.point_cb_scaling);
    writePoints(bits, numCrPoints, MAX_CHROMA_POINTS, grain.point_cr_value, grain.point_cr_scaling);
  }
  bits.bits(grain.grain_scaling_minus_8, 2);
  bits.bits(grain.ar_coeff_lag, 2);
  const coefficients = (values: readonly number[], count: number) => {
    for (let i = 0; i < count; i++) bits.bits(values[i], 8);
  };
  const luma = 2 * grain.ar_coeff_lag * (grain.ar_coeff_lag + 1);
  const chroma = luma + (num_y_points ? 1 : 0);
  if (num_y_points) coefficients(grain.ar_coeffs_y_plus_128, luma);
  if (fromLuma || numCbPoints) coefficients(grain.ar_coeffs_cb_plus_128, chroma);
  if (fromLuma || numCrPoints) coefficients(grain.ar_coeffs_cr_plus_128, chroma);
  bits.bits(grain.ar_coeff_shift_minus_6, 2);
  bits.bits(grain.grain_scale_shift, 2);
  if (numCbPoints) {
    bits.bits(grain.cb_mult, 8);
    bits.bits(grain.cb_luma_mult, 8);
    bits.bits(grain.cb_offset, 9);
  }
  if (numCrPoints) {
    bits.bits(grain.cr_mult, 8);
    bits.bits(grain.cr_luma_mult, 8);
    bits.bits(grain.cr_offset, 9);
  }
  flag(c.V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP);
  flag(c.V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE);
}
