/**
 * H.264's parameter sets from the controls that stand for them.
 * Source: ITU-T H.264, sections 7.3.1, 7.3.2.1, 7.3.2.2 and 8.5.6.
 *
 * @module
 */
import type { View } from "../../uapi/struct.ts";
import { writeUnit } from "../annexb.ts";
import type { BitWriter } from "../bits/writer.ts";
import * as c from "../../uapi/v4l2_controls_h264.ts";
import { MAX_PPS_ID, MAX_REFERENCES, MAX_SPS_ID, WITH_CHROMA } from "./sps.ts";
import { StreamError } from "../stream_error.ts";

// NAL unit headers: nal_ref_idc 3, and the type.
const SPS = 0x67;
const PPS = 0x68;

const SIZE_4X4 = 16;
const SIZE_8X8 = 64;

/** Where in raster order the elements of a zig-zag scan lie, of `side` lines. */
function zigzag(side: number): number[] {
  const places = Array.from({ length: side * side }, (_, at) => at);
  const diagonal = (at: number) => at % side + Math.floor(at / side);
  // Odd diagonals run down, even ones up.
  const along = (at: number) => diagonal(at) % 2 ? Math.floor(at / side) : at % side;
  return places.sort((a, b) => diagonal(a) - diagonal(b) || along(a) - along(b));
}

const ZIGZAG_4X4 = zigzag(4);
const ZIGZAG_8X8 = zigzag(8);

/**
 * The sequence parameter set, as a NAL unit behind a start code. What the control does not have is
 * left out: cropping, and all that is no part of decoding.
 *
 * @throws {StreamError} no parameter set can say what the control does
 */
export function spsUnit(
  bits: BitWriter,
  sps: View<typeof c.v4l2_ctrl_h264_sps.fields>,
): Uint8Array<ArrayBuffer> {
  const flag = (mask: number) => bits.flag((sps.flags & mask) !== 0);
  bits.clear();
  bits.bits(sps.profile_idc, 8);
  for (let i = 0; i < 6; i++) bits.flag((sps.constraint_set_flags >> i & 1) === 1);
  bits.bits(0, 2);
  bits.bits(sps.level_idc, 8);
  bits.exponential(sps.seq_parameter_set_id, MAX_SPS_ID);
  if (WITH_CHROMA.has(sps.profile_idc)) {
    bits.exponential(sps.chroma_format_idc, 3);
    if (sps.chroma_format_idc === 3) flag(c.V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE);
    bits.exponential(sps.bit_depth_luma_minus8, 6);
    bits.exponential(sps.bit_depth_chroma_minus8, 6);
    flag(c.V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS);
    // The lists are in the picture parameter set.
    bits.flag(false);
  } else if (
    sps.chroma_format_idc !== 1 || sps.bit_depth_luma_minus8 || sps.bit_depth_chroma_minus8
  ) {
    throw new StreamError(`profile ${sps.profile_idc} has 8 bits and 4:2:0`);
  }
  bits.exponential(sps.log2_max_frame_num_minus4, 12);
  bits.exponential(sps.pic_order_cnt_type, 2);
  if (sps.pic_order_cnt_type === 0) bits.exponential(sps.log2_max_pic_order_cnt_lsb_minus4, 12);
  if (sps.pic_order_cnt_type === 1) {
    flag(c.V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO);
    bits.signedExponential(sps.offset_for_non_ref_pic);
    bits.signedExponential(sps.offset_for_top_to_bottom_field);
    const count = sps.num_ref_frames_in_pic_order_cnt_cycle;
    bits.exponential(count, 255);
    for (const offset of sps.offset_for_ref_frame.slice(0, count)) bits.signedExponential(offset);
  }
  bits.exponential(sps.max_num_ref_frames, MAX_REFERENCES);
  flag(c.V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED);
  bits.exponential(sps.pic_width_in_mbs_minus1, 0xffff);
  bits.exponential(sps.pic_height_in_map_units_minus1, 0xffff);
  const frameMbsOnly = (sps.flags & c.V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) !== 0;
  bits.flag(frameMbsOnly);
  if (!frameMbsOnly) flag(c.V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD);
  flag(c.V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE);
  // frame_cropping_flag, vui_parameters_present_flag
  bits.bits(0, 2);
  bits.stop();
  return writeUnit([SPS], bits.bytes);
}

/** Writes a list that is in raster order, from `first` on. */
function scalingList(
  bits: BitWriter,
  list: readonly number[],
  first: number,
  scan: readonly number[],
): void {
  bits.flag(true);
  let last = 8;
  for (const place of scan) {
    const scale = list[first + place];
    if (scale === 0) throw new StreamError("a scaling factor of 0");
    // Modulo 256, from -128 on.
    bits.signedExponential((scale - last) << 24 >> 24);
    last = scale;
  }
}

/**
 * The picture parameter set, as a NAL unit behind a start code, with all scaling lists spelled out
 * where the sequence's or the picture's are not flat.
 *
 * @param sps of the sequence, which says how many lists there are
 * @param matrix the lists, which count where the control says that there are some
 * @throws {StreamError} no parameter set can say what the control does, or it takes more: slice
 * groups
 */
export function ppsUnit(
  bits: BitWriter,
  pps: View<typeof c.v4l2_ctrl_h264_pps.fields>,
  sps: View<typeof c.v4l2_ctrl_h264_sps.fields>,
  matrix: View<typeof c.v4l2_ctrl_h264_scaling_matrix.fields>,
): Uint8Array<ArrayBuffer> {
  const has = (mask: number) => (pps.flags & mask) !== 0;
  const flag = (mask: number) => bits.flag(has(mask));
  bits.clear();
  bits.exponential(pps.pic_parameter_set_id, MAX_PPS_ID);
  bits.exponential(pps.seq_parameter_set_id, MAX_SPS_ID);
  flag(c.V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE);
  flag(c.V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT);
  // No control says which macroblocks are in which group.
  bits.exponential(pps.num_slice_groups_minus1, 0);
  bits.exponential(pps.num_ref_idx_l0_default_active_minus1, 31);
  bits.exponential(pps.num_ref_idx_l1_default_active_minus1, 31);
  flag(c.V4L2_H264_PPS_FLAG_WEIGHTED_PRED);
  bits.bits(pps.weighted_bipred_idc, 2);
  bits.signedExponential(pps.pic_init_qp_minus26);
  bits.signedExponential(pps.pic_init_qs_minus26);
  bits.signedExponential(pps.chroma_qp_index_offset);
  flag(c.V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT);
  flag(c.V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED);
  flag(c.V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT);
  const transform8x8 = has(c.V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE);
  const lists = has(c.V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT);
  // Profiles before High have nothing from here on, and a decoder may refuse it there.
  if (transform8x8 || lists || pps.second_chroma_qp_index_offset !== pps.chroma_qp_index_offset) {
    bits.flag(transform8x8);
    bits.flag(lists);
    if (lists) {
      const { scaling_list_4x4, scaling_list_8x8 } = matrix;
      const count8x8 = !transform8x8 ? 0 : sps.chroma_format_idc === 3 ? 6 : 2;
      for (let i = 0; i < 6; i++) scalingList(bits, scaling_list_4x4, i * SIZE_4X4, ZIGZAG_4X4);
      for (let i = 0; i < count8x8; i++) {
        scalingList(bits, scaling_list_8x8, i * SIZE_8X8, ZIGZAG_8X8);
      }
    }
    bits.signedExponential(pps.second_chroma_qp_index_offset);
  }
  bits.stop();
  return writeUnit([PPS], bits.bytes);
}
