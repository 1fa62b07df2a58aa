/**
 * AV1's sequence header from the control that stands for it.
 * Source: AV1 Bitstream & Decoding Process Specification, sections 5.5 and 6.4.
 *
 * @module
 */
import type { View } from "../../uapi/struct.ts";
import * as c from "../../uapi/v4l2_controls_av1.ts";
import type { BitWriter } from "../bits/writer.ts";
import { StreamError } from "../stream_error.ts";

/** Bits of a frame's width and height, where its header has them. */
export const AV1_SIZE_BITS = 16;

/** seq_level_idx: no limits. */
const LEVEL_MAXIMUM = 31;

/** `struct v4l2_ctrl_av1_sequence` */
export type Av1SequenceControl = View<typeof c.v4l2_ctrl_av1_sequence.fields>;

/**
 * Writes the payload of a sequence header. What the control does not have is so that a frame's own
 * header says it: screen content tools, integer motion vectors. There are no times, no frame ids and
 * one operating point.
 *
 * @throws {StreamError} no sequence header can say what the control does
 */
export function writeAv1Sequence(bits: BitWriter, sequence: Av1SequenceControl): void {
  const has = (mask: number) => (sequence.flags & mask) !== 0;
  const flag = (mask: number) => bits.flag(has(mask));
  if (sequence.seq_profile > 2) throw new StreamError(`AV1 profile ${sequence.seq_profile}`);
  bits.bits(sequence.seq_profile, 3);
  // still_picture, reduced_still_picture_header, timing_info_present_flag,
  // initial_display_delay_present_flag
  bits.bits(0, 4);
  // operating_points_cnt_minus_1, operating_point_idc
  bits.bits(0, 5 + 12);
  bits.bits(LEVEL_MAXIMUM, 5);
  // seq_tier
  bits.bits(0, 1);
  bits.bits(AV1_SIZE_BITS - 1, 4);
  bits.bits(AV1_SIZE_BITS - 1, 4);
  bits.bits(sequence.max_frame_width_minus_1, AV1_SIZE_BITS);
  bits.bits(sequence.max_frame_height_minus_1, AV1_SIZE_BITS);
  // frame_id_numbers_present_flag
  bits.bits(0, 1);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_FILTER_INTRA);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTRA_EDGE_FILTER);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTERINTRA_COMPOUND);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_MASKED_COMPOUND);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_DUAL_FILTER);
  const orderHints = has(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT);
  bits.flag(orderHints);
  if (orderHints) {
    flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_JNT_COMP);
    flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS);
  }
  // seq_choose_screen_content_tools, seq_choose_integer_mv
  bits.bits(3, 2);
  if (orderHints) bits.bits(sequence.order_hint_bits - 1, 3);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION);
  writeColourConfig(bits, sequence);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT);
  bits.stop();
}

function writeColourConfig(bits: BitWriter, sequence: Av1SequenceControl): void {
  const { seq_profile: profile, bit_depth: depth } = sequence;
  const flag = (mask: number): boolean => {
    const set = (sequence.flags & mask) !== 0;
    bits.flag(set);
    return set;
  };
  if (depth !== 8 && depth !== 10 && !(depth === 12 && profile === 2)) {
    throw new StreamError(`${depth} bits in AV1 profile ${profile}`);
  }
  bits.flag(depth > 8);
  if (profile === 2 && depth > 8) bits.flag(depth === 12);
  const monochrome = profile !== 1 && flag(c.V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME);
  // color_description_present_flag
  bits.bits(0, 1);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE);
  if (monochrome) return;
  let [x, y] = profile === 0 ? [true, true] : [profile === 2, false];
  if (depth === 12) {
    x = flag(c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X);
    y = x && flag(c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y);
  }
  // chroma_sample_position
  if (x && y) bits.bits(0, 2);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q);
}
