/**
 * The controls of stateless VP9 and H.264 decoders that set a sequence up, and H.264's by which its
 * parameter sets are written again, from `linux/v4l2-controls.h`.
 *
 * @module
 */
import { embedded, type Field, s16, s32, struct, u16, u32, u64, u8 } from "./struct.ts";

/** `__s8` */
export function s8(offset: number, c?: string): Field<number> {
  return {
    offset,
    size: 1,
    c,
    get: (data, at) => data.getInt8(at),
    set: (data, at, value) => data.setInt8(at, value),
  };
}

/** An array of `count` elements of `size` bytes, as numbers. */
export function array(
  element: (offset: number) => Field<number>,
  count: number,
): (offset: number, c?: string) => Field<readonly number[]> {
  const { size } = element(0);
  const fields = Array.from({ length: count }, (_, i) => element(i * size));
  return (offset, c) => ({
    offset,
    size: size * count,
    c,
    get: (data, at) => fields.map((field) => field.get(data, at + field.offset)),
    set: (data, at, values) =>
      fields.forEach((field, i) => field.set(data, at + field.offset, values[i] ?? 0)),
  });
}

const CODEC_STATELESS_BASE = 0x00a40900;

export const V4L2_CID_STATELESS_H264_START_CODE = CODEC_STATELESS_BASE + 1;
export const V4L2_CID_STATELESS_H264_SPS = CODEC_STATELESS_BASE + 2;
export const V4L2_CID_STATELESS_H264_PPS = CODEC_STATELESS_BASE + 3;
export const V4L2_CID_STATELESS_H264_SCALING_MATRIX = CODEC_STATELESS_BASE + 4;
export const V4L2_CID_STATELESS_VP9_FRAME = CODEC_STATELESS_BASE + 300;

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
export const vp9Frame = struct("struct v4l2_ctrl_vp9_frame", 168, {
  ...embedded("lf", {
    refDeltas: array(s8, 4)(0, "ref_deltas"),
    modeDeltas: array(s8, 2)(4, "mode_deltas"),
    filterLevel: u8(6, "level"),
    sharpness: u8(7),
    filterFlags: u8(8, "flags"),
  }),
  baseQIdx: u8(16, "quant.base_q_idx"),
  deltaQYDc: s8(17, "quant.delta_q_y_dc"),
  deltaQUvDc: s8(18, "quant.delta_q_uv_dc"),
  deltaQUvAc: s8(19, "quant.delta_q_uv_ac"),
  featureData: array(s16, 8 * 4)(24, "seg.feature_data"),
  featureEnabled: array(u8, 8)(88, "seg.feature_enabled"),
  treeProbs: array(u8, 7)(96, "seg.tree_probs"),
  predProbs: array(u8, 3)(103, "seg.pred_probs"),
  segmentationFlags: u8(106, "seg.flags"),
  flags: u32(112),
  compressedHeaderSize: u16(116, "compressed_header_size"),
  uncompressedHeaderSize: u16(118, "uncompressed_header_size"),
  frameWidthMinus1: u16(120, "frame_width_minus_1"),
  frameHeightMinus1: u16(122, "frame_height_minus_1"),
  renderWidthMinus1: u16(124, "render_width_minus_1"),
  renderHeightMinus1: u16(126, "render_height_minus_1"),
  lastFrameTs: u64(128, "last_frame_ts"),
  goldenFrameTs: u64(136, "golden_frame_ts"),
  altFrameTs: u64(144, "alt_frame_ts"),
  refFrameSignBias: u8(152, "ref_frame_sign_bias"),
  resetFrameContext: u8(153, "reset_frame_context"),
  frameContextIdx: u8(154, "frame_context_idx"),
  profile: u8(155),
  bitDepth: u8(156, "bit_depth"),
  interpolationFilter: u8(157, "interpolation_filter"),
  tileColsLog2: u8(158, "tile_cols_log2"),
  tileRowsLog2: u8(159, "tile_rows_log2"),
  referenceMode: u8(160, "reference_mode"),
});

/** Value of V4L2_CID_STATELESS_H264_START_CODE. */
export const V4L2_STATELESS_H264_START_CODE_NONE = 0;

export const V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE = 0x01;
export const V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS = 0x02;
export const V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO = 0x04;
export const V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED = 0x08;
export const V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY = 0x10;
export const V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD = 0x20;
export const V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE = 0x40;

/** Payload of V4L2_CID_STATELESS_H264_SPS. */
export const h264Sps = struct("struct v4l2_ctrl_h264_sps", 1048, {
  profileIdc: u8(0, "profile_idc"),
  constraintSetFlags: u8(1, "constraint_set_flags"),
  levelIdc: u8(2, "level_idc"),
  seqParameterSetId: u8(3, "seq_parameter_set_id"),
  chromaFormatIdc: u8(4, "chroma_format_idc"),
  bitDepthLumaMinus8: u8(5, "bit_depth_luma_minus8"),
  bitDepthChromaMinus8: u8(6, "bit_depth_chroma_minus8"),
  log2MaxFrameNumMinus4: u8(7, "log2_max_frame_num_minus4"),
  picOrderCntType: u8(8, "pic_order_cnt_type"),
  log2MaxPicOrderCntLsbMinus4: u8(9, "log2_max_pic_order_cnt_lsb_minus4"),
  maxNumRefFrames: u8(10, "max_num_ref_frames"),
  numRefFramesInPicOrderCntCycle: u8(11, "num_ref_frames_in_pic_order_cnt_cycle"),
  offsetForRefFrame: array(s32, 255)(12, "offset_for_ref_frame"),
  offsetForNonRefPic: s32(1032, "offset_for_non_ref_pic"),
  offsetForTopToBottomField: s32(1036, "offset_for_top_to_bottom_field"),
  picWidthInMbsMinus1: u16(1040, "pic_width_in_mbs_minus1"),
  picHeightInMapUnitsMinus1: u16(1042, "pic_height_in_map_units_minus1"),
  flags: u32(1044),
});

export const V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE = 0x0001;
export const V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT = 0x0002;
export const V4L2_H264_PPS_FLAG_WEIGHTED_PRED = 0x0004;
export const V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT = 0x0008;
export const V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED = 0x0010;
export const V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT = 0x0020;
export const V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE = 0x0040;
export const V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT = 0x0080;

/** Payload of V4L2_CID_STATELESS_H264_PPS. */
export const h264Pps = struct("struct v4l2_ctrl_h264_pps", 12, {
  picParameterSetId: u8(0, "pic_parameter_set_id"),
  seqParameterSetId: u8(1, "seq_parameter_set_id"),
  numSliceGroupsMinus1: u8(2, "num_slice_groups_minus1"),
  numRefIdxL0DefaultActiveMinus1: u8(3, "num_ref_idx_l0_default_active_minus1"),
  numRefIdxL1DefaultActiveMinus1: u8(4, "num_ref_idx_l1_default_active_minus1"),
  weightedBipredIdc: u8(5, "weighted_bipred_idc"),
  picInitQpMinus26: s8(6, "pic_init_qp_minus26"),
  picInitQsMinus26: s8(7, "pic_init_qs_minus26"),
  chromaQpIndexOffset: s8(8, "chroma_qp_index_offset"),
  secondChromaQpIndexOffset: s8(9, "second_chroma_qp_index_offset"),
  flags: u16(10),
});

/** Payload of V4L2_CID_STATELESS_H264_SCALING_MATRIX: lists in raster order. */
export const h264ScalingMatrix = struct("struct v4l2_ctrl_h264_scaling_matrix", 480, {
  lists4x4: array(u8, 6 * 16)(0, "scaling_list_4x4"),
  lists8x8: array(u8, 6 * 64)(96, "scaling_list_8x8"),
});
