/**
 * The control of stateless VP8 decoders, of linux/v4l2-controls.h.
 *
 * @module
 */
import {
  array,
  type FieldsOf,
  n64,
  s8,
  struct,
  type StructType,
  u16,
  u32,
  u64,
  u8,
} from "./struct.ts";

export const V4L2_CID_STATELESS_VP8_FRAME: number = 0x00a40900 + 200;

export const V4L2_VP8_FRAME_FLAG_KEY_FRAME = 0x01;
export const V4L2_VP8_FRAME_FLAG_EXPERIMENTAL = 0x02;
export const V4L2_VP8_FRAME_FLAG_SHOW_FRAME = 0x04;
export const V4L2_VP8_FRAME_FLAG_MB_NO_SKIP_COEFF = 0x08;
export const V4L2_VP8_FRAME_FLAG_SIGN_BIAS_GOLDEN = 0x10;
export const V4L2_VP8_FRAME_FLAG_SIGN_BIAS_ALT = 0x20;

/** Payload of V4L2_CID_STATELESS_VP8_FRAME. */
export const v4l2_ctrl_vp8_frame: StructType<
  & FieldsOf<
    readonly number[],
    | "segment_quant_update"
    | "segment_lf_update"
    | "segment_probs"
    | "lf_ref_frm_delta"
    | "lf_mb_mode_delta"
    | "coeff_probs"
    | "y_mode_probs"
    | "uv_mode_probs"
    | "mv_probs"
    | "dct_part_sizes"
  >
  & FieldsOf<
    number,
    | "segment_flags"
    | "lf_sharpness_level"
    | "lf_level"
    | "lf_flags"
    | "quant_y_ac_qi"
    | "quant_y_dc_delta"
    | "quant_y2_dc_delta"
    | "quant_y2_ac_delta"
    | "quant_uv_dc_delta"
    | "quant_uv_ac_delta"
    | "coder_range"
    | "coder_value"
    | "coder_bit_count"
    | "width"
    | "height"
    | "horizontal_scale"
    | "vertical_scale"
    | "version"
    | "prob_skip_false"
    | "prob_intra"
    | "prob_last"
    | "prob_gf"
    | "num_dct_parts"
    | "first_part_size"
    | "first_part_header_bits"
    | "flags"
  >
  & FieldsOf<bigint, "last_frame_ts" | "golden_frame_ts" | "alt_frame_ts">
> = struct("struct v4l2_ctrl_vp8_frame", 1232, {
  segment_quant_update: array(s8, 4)(0, "segment.quant_update"),
  segment_lf_update: array(s8, 4)(4, "segment.lf_update"),
  segment_probs: array(u8, 3)(8, "segment.segment_probs"),
  segment_flags: u32(12, "segment.flags"),
  lf_ref_frm_delta: array(s8, 4)(16, "lf.ref_frm_delta"),
  lf_mb_mode_delta: array(s8, 4)(20, "lf.mb_mode_delta"),
  lf_sharpness_level: u8(24, "lf.sharpness_level"),
  lf_level: u8(25, "lf.level"),
  lf_flags: u32(28, "lf.flags"),
  quant_y_ac_qi: u8(32, "quant.y_ac_qi"),
  quant_y_dc_delta: s8(33, "quant.y_dc_delta"),
  quant_y2_dc_delta: s8(34, "quant.y2_dc_delta"),
  quant_y2_ac_delta: s8(35, "quant.y2_ac_delta"),
  quant_uv_dc_delta: s8(36, "quant.uv_dc_delta"),
  quant_uv_ac_delta: s8(37, "quant.uv_ac_delta"),
  coeff_probs: array(u8, 4 * 8 * 3 * 11)(40, "entropy.coeff_probs"),
  y_mode_probs: array(u8, 4)(1096, "entropy.y_mode_probs"),
  uv_mode_probs: array(u8, 3)(1100, "entropy.uv_mode_probs"),
  mv_probs: array(u8, 2 * 19)(1103, "entropy.mv_probs"),
  coder_range: u8(1144, "coder_state.range"),
  coder_value: u8(1145, "coder_state.value"),
  coder_bit_count: u8(1146, "coder_state.bit_count"),
  width: u16(1148),
  height: u16(1150),
  horizontal_scale: u8(1152),
  vertical_scale: u8(1153),
  version: u8(1154),
  prob_skip_false: u8(1155),
  prob_intra: u8(1156),
  prob_last: u8(1157),
  prob_gf: u8(1158),
  num_dct_parts: u8(1159),
  first_part_size: u32(1160),
  first_part_header_bits: u32(1164),
  dct_part_sizes: array(u32, 8)(1168),
  last_frame_ts: u64(1200),
  golden_frame_ts: u64(1208),
  alt_frame_ts: u64(1216),
  flags: n64(1224),
});
