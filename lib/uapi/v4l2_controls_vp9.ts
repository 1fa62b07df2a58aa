/**
 * The control of stateless VP9 decoders, of linux/v4l2-controls.h.
 *
 * @module
 */
import {
  array,
  type FieldsOf,
  s16,
  s8,
  struct,
  type StructType,
  u16,
  u32,
  u64,
  u8,
} from "./struct.ts";

export const V4L2_CID_STATELESS_VP9_FRAME: number = 0x00a40900 + 300;

export const V4L2_VP9_FRAME_FLAG_KEY_FRAME = 0x001;
export const V4L2_VP9_FRAME_FLAG_SHOW_FRAME = 0x002;
export const V4L2_VP9_FRAME_FLAG_ERROR_RESILIENT = 0x004;
export const V4L2_VP9_FRAME_FLAG_INTRA_ONLY = 0x008;
export const V4L2_VP9_FRAME_FLAG_ALLOW_HIGH_PREC_MV = 0x010;
export const V4L2_VP9_FRAME_FLAG_REFRESH_FRAME_CTX = 0x020;
export const V4L2_VP9_FRAME_FLAG_PARALLEL_DEC_MODE = 0x040;
export const V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING = 0x080;
export const V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING = 0x100;
export const V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING = 0x200;

export const V4L2_VP9_LOOP_FILTER_FLAG_DELTA_ENABLED = 0x1;
export const V4L2_VP9_LOOP_FILTER_FLAG_DELTA_UPDATE = 0x2;

export const V4L2_VP9_SEGMENTATION_FLAG_ENABLED = 0x01;
export const V4L2_VP9_SEGMENTATION_FLAG_UPDATE_MAP = 0x02;
export const V4L2_VP9_SEGMENTATION_FLAG_TEMPORAL_UPDATE = 0x04;
export const V4L2_VP9_SEGMENTATION_FLAG_UPDATE_DATA = 0x08;
export const V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE = 0x10;

/** Payload of V4L2_CID_STATELESS_VP9_FRAME. */
export const v4l2_ctrl_vp9_frame: StructType<
  & FieldsOf<
    readonly number[],
    | "lf_ref_deltas"
    | "lf_mode_deltas"
    | "seg_feature_data"
    | "seg_feature_enabled"
    | "seg_tree_probs"
    | "seg_pred_probs"
  >
  & FieldsOf<
    number,
    | "lf_level"
    | "lf_sharpness"
    | "lf_flags"
    | "quant_base_q_idx"
    | "quant_delta_q_y_dc"
    | "quant_delta_q_uv_dc"
    | "quant_delta_q_uv_ac"
    | "seg_flags"
    | "flags"
    | "compressed_header_size"
    | "uncompressed_header_size"
    | "frame_width_minus_1"
    | "frame_height_minus_1"
    | "render_width_minus_1"
    | "render_height_minus_1"
    | "ref_frame_sign_bias"
    | "reset_frame_context"
    | "frame_context_idx"
    | "profile"
    | "bit_depth"
    | "interpolation_filter"
    | "tile_cols_log2"
    | "tile_rows_log2"
    | "reference_mode"
  >
  & FieldsOf<bigint, "last_frame_ts" | "golden_frame_ts" | "alt_frame_ts">
> = struct("struct v4l2_ctrl_vp9_frame", 168, {
  lf_ref_deltas: array(s8, 4)(0, "lf.ref_deltas"),
  lf_mode_deltas: array(s8, 2)(4, "lf.mode_deltas"),
  lf_level: u8(6, "lf.level"),
  lf_sharpness: u8(7, "lf.sharpness"),
  lf_flags: u8(8, "lf.flags"),
  quant_base_q_idx: u8(16, "quant.base_q_idx"),
  quant_delta_q_y_dc: s8(17, "quant.delta_q_y_dc"),
  quant_delta_q_uv_dc: s8(18, "quant.delta_q_uv_dc"),
  quant_delta_q_uv_ac: s8(19, "quant.delta_q_uv_ac"),
  seg_feature_data: array(s16, 8 * 4)(24, "seg.feature_data"),
  seg_feature_enabled: array(u8, 8)(88, "seg.feature_enabled"),
  seg_tree_probs: array(u8, 7)(96, "seg.tree_probs"),
  seg_pred_probs: array(u8, 3)(103, "seg.pred_probs"),
  seg_flags: u8(106, "seg.flags"),
  flags: u32(112),
  compressed_header_size: u16(116),
  uncompressed_header_size: u16(118),
  frame_width_minus_1: u16(120),
  frame_height_minus_1: u16(122),
  render_width_minus_1: u16(124),
  render_height_minus_1: u16(126),
  last_frame_ts: u64(128),
  golden_frame_ts: u64(136),
  alt_frame_ts: u64(144),
  ref_frame_sign_bias: u8(152),
  reset_frame_context: u8(153),
  frame_context_idx: u8(154),
  profile: u8(155),
  bit_depth: u8(156),
  interpolation_filter: u8(157),
  tile_cols_log2: u8(158),
  tile_rows_log2: u8(159),
  reference_mode: u8(160),
});
