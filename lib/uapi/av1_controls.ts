/**
 * The controls of stateless AV1 decoders, from `linux/v4l2-controls.h`, which has them since Linux
 * 6.5.
 *
 * @module
 */
import { embedded, s16, s32, struct, u16, u32, u8 } from "./struct.ts";
import { array, s8 } from "./controls.ts";

export const V4L2_CID_STATELESS_AV1_SEQUENCE = 0x00a40900 + 500;
export const V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY = 0x00a40900 + 501;
export const V4L2_CID_STATELESS_AV1_FRAME = 0x00a40900 + 502;
export const V4L2_CID_STATELESS_AV1_FILM_GRAIN = 0x00a40900 + 505;

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
export const av1Sequence = struct("struct v4l2_ctrl_av1_sequence", 12, {
  flags: u32(0),
  seqProfile: u8(4, "seq_profile"),
  orderHintBits: u8(5, "order_hint_bits"),
  bitDepth: u8(6, "bit_depth"),
  maxFrameWidthMinus1: u16(8, "max_frame_width_minus_1"),
  maxFrameHeightMinus1: u16(10, "max_frame_height_minus_1"),
});

/** Payload of V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY: an element a tile. */
export const av1Tile = struct("struct v4l2_ctrl_av1_tile_group_entry", 16, {
  tileOffset: u32(0, "tile_offset"),
  tileSize: u32(4, "tile_size"),
  tileRow: u32(8, "tile_row"),
  tileCol: u32(12, "tile_col"),
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
export const av1Frame = struct("struct v4l2_ctrl_av1_frame", 1784, {
  ...embedded("tile_info", {
    tileFlags: u8(0, "flags"),
    contextUpdateTileId: u8(1, "context_update_tile_id"),
    tileCols: u8(2, "tile_cols"),
    tileRows: u8(3, "tile_rows"),
    miColStarts: array(u32, 65)(4, "mi_col_starts"),
    miRowStarts: array(u32, 65)(264, "mi_row_starts"),
  }),
  quantizationFlags: u8(1040, "quantization.flags"),
  baseQIdx: u8(1041, "quantization.base_q_idx"),
  deltaQYDc: s8(1042, "quantization.delta_q_y_dc"),
  deltaQUDc: s8(1043, "quantization.delta_q_u_dc"),
  deltaQUAc: s8(1044, "quantization.delta_q_u_ac"),
  deltaQVDc: s8(1045, "quantization.delta_q_v_dc"),
  deltaQVAc: s8(1046, "quantization.delta_q_v_ac"),
  qmY: u8(1047, "quantization.qm_y"),
  qmU: u8(1048, "quantization.qm_u"),
  qmV: u8(1049, "quantization.qm_v"),
  deltaQRes: u8(1050, "quantization.delta_q_res"),
  superresDenom: u8(1051, "superres_denom"),
  segmentationFlags: u8(1052, "segmentation.flags"),
  featureEnabled: array(u8, 8)(1054, "segmentation.feature_enabled"),
  featureData: array(s16, 8 * 8)(1062, "segmentation.feature_data"),
  loopFilterFlags: u8(1190, "loop_filter.flags"),
  level: array(u8, 4)(1191, "loop_filter.level"),
  sharpness: u8(1195, "loop_filter.sharpness"),
  refDeltas: array(s8, 8)(1196, "loop_filter.ref_deltas"),
  modeDeltas: array(s8, 2)(1204, "loop_filter.mode_deltas"),
  deltaLfRes: u8(1206, "loop_filter.delta_lf_res"),
  dampingMinus3: u8(1207, "cdef.damping_minus_3"),
  cdefBits: u8(1208, "cdef.bits"),
  yPriStrength: array(u8, 8)(1209, "cdef.y_pri_strength"),
  ySecStrength: array(u8, 8)(1217, "cdef.y_sec_strength"),
  uvPriStrength: array(u8, 8)(1225, "cdef.uv_pri_strength"),
  uvSecStrength: array(u8, 8)(1233, "cdef.uv_sec_strength"),
  primaryRefFrame: u8(1243, "primary_ref_frame"),
  restorationType: array(u32, 3)(1248, "loop_restoration.frame_restoration_type"),
  restorationSize: array(u32, 3)(1260, "loop_restoration.loop_restoration_size"),
  globalMotionType: array(u32, 8)(1280, "global_motion.type"),
  globalMotionParams: array(s32, 8 * 6)(1312, "global_motion.params"),
  flags: u32(1508),
  frameType: u32(1512, "frame_type"),
  orderHint: u32(1516, "order_hint"),
  upscaledWidth: u32(1520, "upscaled_width"),
  interpolationFilter: u32(1524, "interpolation_filter"),
  txMode: u32(1528, "tx_mode"),
  frameWidthMinus1: u32(1532, "frame_width_minus_1"),
  frameHeightMinus1: u32(1536, "frame_height_minus_1"),
  // Words of 64-bit numbers: low, high.
  referenceFrameTs: array(u32, 8 * 2)(1712, "reference_frame_ts"),
  refFrameIdx: array(s8, 7)(1776, "ref_frame_idx"),
  refreshFrameFlags: u8(1783, "refresh_frame_flags"),
});

export const V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN = 0x1;
export const V4L2_AV1_FILM_GRAIN_FLAG_UPDATE_GRAIN = 0x2;
export const V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA = 0x4;
export const V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP = 0x8;
export const V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE = 0x10;

/** Payload of V4L2_CID_STATELESS_AV1_FILM_GRAIN. */
export const av1FilmGrain = struct("struct v4l2_ctrl_av1_film_grain", 194, {
  flags: u8(0),
  crMult: u8(1, "cr_mult"),
  grainSeed: u16(2, "grain_seed"),
  paramsRefIdx: u8(4, "film_grain_params_ref_idx"),
  numYPoints: u8(5, "num_y_points"),
  pointYValue: array(u8, 16)(6, "point_y_value"),
  pointYScaling: array(u8, 16)(22, "point_y_scaling"),
  numCbPoints: u8(38, "num_cb_points"),
  pointCbValue: array(u8, 16)(39, "point_cb_value"),
  pointCbScaling: array(u8, 16)(55, "point_cb_scaling"),
  numCrPoints: u8(71, "num_cr_points"),
  pointCrValue: array(u8, 16)(72, "point_cr_value"),
  pointCrScaling: array(u8, 16)(88, "point_cr_scaling"),
  scalingMinus8: u8(104, "grain_scaling_minus_8"),
  arCoeffLag: u8(105, "ar_coeff_lag"),
  arCoeffsY: array(u8, 25)(106, "ar_coeffs_y_plus_128"),
  arCoeffsCb: array(u8, 25)(131, "ar_coeffs_cb_plus_128"),
  arCoeffsCr: array(u8, 25)(156, "ar_coeffs_cr_plus_128"),
  arCoeffShiftMinus6: u8(181, "ar_coeff_shift_minus_6"),
  scaleShift: u8(182, "grain_scale_shift"),
  cbMult: u8(183, "cb_mult"),
  cbLumaMult: u8(184, "cb_luma_mult"),
  crLumaMult: u8(185, "cr_luma_mult"),
  cbOffset: u16(186, "cb_offset"),
  crOffset: u16(188, "cr_offset"),
});
