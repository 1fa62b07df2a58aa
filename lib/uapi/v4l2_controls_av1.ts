/**
 * The controls of stateless AV1 decoders, of linux/v4l2-controls.h, which has them since Linux 6.5.
 *
 * @module
 */
import {
  array,
  type FieldsOf,
  s16,
  s32,
  s8,
  struct,
  type StructType,
  u16,
  u32,
  u8,
} from "./struct.ts";

export const V4L2_CID_STATELESS_AV1_SEQUENCE: number = 0x00a40900 + 500;
export const V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY: number = 0x00a40900 + 501;
export const V4L2_CID_STATELESS_AV1_FRAME: number = 0x00a40900 + 502;
export const V4L2_CID_STATELESS_AV1_FILM_GRAIN: number = 0x00a40900 + 505;

export const V4L2_AV1_SEQUENCE_FLAG_STILL_PICTURE = 0x00000001;
export const V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK = 0x00000002;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_FILTER_INTRA = 0x00000004;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTRA_EDGE_FILTER = 0x00000008;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTERINTRA_COMPOUND = 0x00000010;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_MASKED_COMPOUND = 0x00000020;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION = 0x00000040;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_DUAL_FILTER = 0x00000080;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT = 0x00000100;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_JNT_COMP = 0x00000200;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS = 0x00000400;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES = 0x00000800;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF = 0x00001000;
export const V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION = 0x00002000;
export const V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME = 0x00004000;
export const V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE = 0x00008000;
export const V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X = 0x00010000;
export const V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y = 0x00020000;
export const V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT = 0x00040000;
export const V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q = 0x00080000;

/** Payload of V4L2_CID_STATELESS_AV1_SEQUENCE. */
export const v4l2_ctrl_av1_sequence: StructType<
  FieldsOf<
    number,
    | "flags"
    | "seq_profile"
    | "order_hint_bits"
    | "bit_depth"
    | "max_frame_width_minus_1"
    | "max_frame_height_minus_1"
  >
> = struct("struct v4l2_ctrl_av1_sequence", 12, {
  flags: u32(0),
  seq_profile: u8(4),
  order_hint_bits: u8(5),
  bit_depth: u8(6),
  max_frame_width_minus_1: u16(8),
  max_frame_height_minus_1: u16(10),
});

/** Payload of V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY: an element a tile. */
export const v4l2_ctrl_av1_tile_group_entry: StructType<
  FieldsOf<number, "tile_offset" | "tile_size" | "tile_row" | "tile_col">
> = struct("struct v4l2_ctrl_av1_tile_group_entry", 16, {
  tile_offset: u32(0),
  tile_size: u32(4),
  tile_row: u32(8),
  tile_col: u32(12),
});

export const V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING = 0x1;

export const V4L2_AV1_QUANTIZATION_FLAG_DIFF_UV_DELTA = 0x1;
export const V4L2_AV1_QUANTIZATION_FLAG_USING_QMATRIX = 0x2;
export const V4L2_AV1_QUANTIZATION_FLAG_DELTA_Q_PRESENT = 0x4;

export const V4L2_AV1_SEGMENTATION_FLAG_ENABLED = 0x1;
export const V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP = 0x2;
export const V4L2_AV1_SEGMENTATION_FLAG_TEMPORAL_UPDATE = 0x4;

export const V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED = 0x1;
export const V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_PRESENT = 0x4;
export const V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_MULTI = 0x8;

export const V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE = 0x00000004;
export const V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE = 0x00000008;
export const V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS = 0x00000010;
export const V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV = 0x00000020;
export const V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC = 0x00000040;
export const V4L2_AV1_FRAME_FLAG_USE_SUPERRES = 0x00000080;
export const V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV = 0x00000100;
export const V4L2_AV1_FRAME_FLAG_IS_MOTION_MODE_SWITCHABLE = 0x00000200;
export const V4L2_AV1_FRAME_FLAG_USE_REF_FRAME_MVS = 0x00000400;
export const V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF = 0x00000800;
export const V4L2_AV1_FRAME_FLAG_ALLOW_WARPED_MOTION = 0x00001000;
export const V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT = 0x00002000;
export const V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET = 0x00004000;
export const V4L2_AV1_FRAME_FLAG_SKIP_MODE_PRESENT = 0x00010000;

/** Payload of V4L2_CID_STATELESS_AV1_FRAME. */
export const v4l2_ctrl_av1_frame: StructType<
  & FieldsOf<
    number,
    | "tile_info_flags"
    | "tile_info_context_update_tile_id"
    | "tile_info_tile_cols"
    | "tile_info_tile_rows"
    | "quantization_flags"
    | "quantization_base_q_idx"
    | "quantization_delta_q_y_dc"
    | "quantization_delta_q_u_dc"
    | "quantization_delta_q_u_ac"
    | "quantization_delta_q_v_dc"
    | "quantization_delta_q_v_ac"
    | "quantization_qm_y"
    | "quantization_qm_u"
    | "quantization_qm_v"
    | "quantization_delta_q_res"
    | "superres_denom"
    | "segmentation_flags"
    | "loop_filter_flags"
    | "loop_filter_sharpness"
    | "loop_filter_delta_lf_res"
    | "cdef_damping_minus_3"
    | "cdef_bits"
    | "primary_ref_frame"
    | "flags"
    | "frame_type"
    | "order_hint"
    | "upscaled_width"
    | "interpolation_filter"
    | "tx_mode"
    | "frame_width_minus_1"
    | "frame_height_minus_1"
    | "refresh_frame_flags"
  >
  & FieldsOf<
    readonly number[],
    | "tile_info_mi_col_starts"
    | "tile_info_mi_row_starts"
    | "segmentation_feature_enabled"
    | "segmentation_feature_data"
    | "loop_filter_level"
    | "loop_filter_ref_deltas"
    | "loop_filter_mode_deltas"
    | "cdef_y_pri_strength"
    | "cdef_y_sec_strength"
    | "cdef_uv_pri_strength"
    | "cdef_uv_sec_strength"
    | "loop_restoration_frame_restoration_type"
    | "loop_restoration_loop_restoration_size"
    | "global_motion_type"
    | "global_motion_params"
    | "reference_frame_ts"
    | "ref_frame_idx"
  >
> = struct("struct v4l2_ctrl_av1_frame", 1784, {
  tile_info_flags: u8(0, "tile_info.flags"),
  tile_info_context_update_tile_id: u8(1, "tile_info.context_update_tile_id"),
  tile_info_tile_cols: u8(2, "tile_info.tile_cols"),
  tile_info_tile_rows: u8(3, "tile_info.tile_rows"),
  tile_info_mi_col_starts: array(u32, 65)(4, "tile_info.mi_col_starts"),
  tile_info_mi_row_starts: array(u32, 65)(264, "tile_info.mi_row_starts"),
  quantization_flags: u8(1040, "quantization.flags"),
  quantization_base_q_idx: u8(1041, "quantization.base_q_idx"),
  quantization_delta_q_y_dc: s8(1042, "quantization.delta_q_y_dc"),
  quantization_delta_q_u_dc: s8(1043, "quantization.delta_q_u_dc"),
  quantization_delta_q_u_ac: s8(1044, "quantization.delta_q_u_ac"),
  quantization_delta_q_v_dc: s8(1045, "quantization.delta_q_v_dc"),
  quantization_delta_q_v_ac: s8(1046, "quantization.delta_q_v_ac"),
  quantization_qm_y: u8(1047, "quantization.qm_y"),
  quantization_qm_u: u8(1048, "quantization.qm_u"),
  quantization_qm_v: u8(1049, "quantization.qm_v"),
  quantization_delta_q_res: u8(1050, "quantization.delta_q_res"),
  superres_denom: u8(1051),
  segmentation_flags: u8(1052, "segmentation.flags"),
  segmentation_feature_enabled: array(u8, 8)(1054, "segmentation.feature_enabled"),
  segmentation_feature_data: array(s16, 8 * 8)(1062, "segmentation.feature_data"),
  loop_filter_flags: u8(1190, "loop_filter.flags"),
  loop_filter_level: array(u8, 4)(1191, "loop_filter.level"),
  loop_filter_sharpness: u8(1195, "loop_filter.sharpness"),
  loop_filter_ref_deltas: array(s8, 8)(1196, "loop_filter.ref_deltas"),
  loop_filter_mode_deltas: array(s8, 2)(1204, "loop_filter.mode_deltas"),
  loop_filter_delta_lf_res: u8(1206, "loop_filter.delta_lf_res"),
  cdef_damping_minus_3: u8(1207, "cdef.damping_minus_3"),
  cdef_bits: u8(1208, "cdef.bits"),
  cdef_y_pri_strength: array(u8, 8)(1209, "cdef.y_pri_strength"),
  cdef_y_sec_strength: array(u8, 8)(1217, "cdef.y_sec_strength"),
  cdef_uv_pri_strength: array(u8, 8)(1225, "cdef.uv_pri_strength"),
  cdef_uv_sec_strength: array(u8, 8)(1233, "cdef.uv_sec_strength"),
  primary_ref_frame: u8(1243),
  loop_restoration_frame_restoration_type: array(u32, 3)(
    1248,
    "loop_restoration.frame_restoration_type",
  ),
  loop_restoration_loop_restoration_size: array(u32, 3)(
    1260,
    "loop_restoration.loop_restoration_size",
  ),
  global_motion_type: array(u32, 8)(1280, "global_motion.type"),
  global_motion_params: array(s32, 8 * 6)(1312, "global_motion.params"),
  flags: u32(1508),
  frame_type: u32(1512),
  order_hint: u32(1516),
  upscaled_width: u32(1520),
  interpolation_filter: u32(1524),
  tx_mode: u32(1528),
  frame_width_minus_1: u32(1532),
  frame_height_minus_1: u32(1536),
  // Words of 64-bit numbers: low, high.
  reference_frame_ts: array(u32, 8 * 2)(1712),
  ref_frame_idx: array(s8, 7)(1776),
  refresh_frame_flags: u8(1783),
});

export const V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN = 0x1;
export const V4L2_AV1_FILM_GRAIN_FLAG_UPDATE_GRAIN = 0x2;
export const V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA = 0x4;
export const V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP = 0x8;
export const V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE = 0x10;

/** Payload of V4L2_CID_STATELESS_AV1_FILM_GRAIN. */
export const v4l2_ctrl_av1_film_grain: StructType<
  & FieldsOf<
    number,
    | "flags"
    | "cr_mult"
    | "grain_seed"
    | "film_grain_params_ref_idx"
    | "num_y_points"
    | "num_cb_points"
    | "num_cr_points"
    | "grain_scaling_minus_8"
    | "ar_coeff_lag"
    | "ar_coeff_shift_minus_6"
    | "grain_scale_shift"
    | "cb_mult"
    | "cb_luma_mult"
    | "cr_luma_mult"
    | "cb_offset"
    | "cr_offset"
  >
  & FieldsOf<
    readonly number[],
    | "point_y_value"
    | "point_y_scaling"
    | "point_cb_value"
    | "point_cb_scaling"
    | "point_cr_value"
    | "point_cr_scaling"
    | "ar_coeffs_y_plus_128"
    | "ar_coeffs_cb_plus_128"
    | "ar_coeffs_cr_plus_128"
  >
> = struct("struct v4l2_ctrl_av1_film_grain", 194, {
  flags: u8(0),
  cr_mult: u8(1),
  grain_seed: u16(2),
  film_grain_params_ref_idx: u8(4),
  num_y_points: u8(5),
  point_y_value: array(u8, 16)(6),
  point_y_scaling: array(u8, 16)(22),
  num_cb_points: u8(38),
  point_cb_value: array(u8, 16)(39),
  point_cb_scaling: array(u8, 16)(55),
  num_cr_points: u8(71),
  point_cr_value: array(u8, 16)(72),
  point_cr_scaling: array(u8, 16)(88),
  grain_scaling_minus_8: u8(104),
  ar_coeff_lag: u8(105),
  ar_coeffs_y_plus_128: array(u8, 25)(106),
  ar_coeffs_cb_plus_128: array(u8, 25)(131),
  ar_coeffs_cr_plus_128: array(u8, 25)(156),
  ar_coeff_shift_minus_6: u8(181),
  grain_scale_shift: u8(182),
  cb_mult: u8(183),
  cb_luma_mult: u8(184),
  cr_luma_mult: u8(185),
  cb_offset: u16(186),
  cr_offset: u16(188),
});
