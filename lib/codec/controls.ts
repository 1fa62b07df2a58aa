/**
 * The sequence-level controls of stateless decoders, from `linux/v4l2-controls.h`.
 *
 * @module
 */
import { embedded, type Field, s16, struct, u16, u32, u64, u8 } from "../sys/struct.ts";

/** `__s8` */
function s8(offset: number, c?: string): Field<number> {
  return {
    offset,
    size: 1,
    c,
    get: (data, at) => data.getInt8(at),
    set: (data, at, value) => data.setInt8(at, value),
  };
}

/** An array of `count` elements of `size` bytes, as numbers. */
function array(
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

export const V4L2_CID_STATELESS_H264_SPS = CODEC_STATELESS_BASE + 2;
export const V4L2_CID_STATELESS_H264_PPS = CODEC_STATELESS_BASE + 3;
export const V4L2_CID_STATELESS_VP9_FRAME = CODEC_STATELESS_BASE + 300;
export const V4L2_CID_STATELESS_AV1_SEQUENCE = CODEC_STATELESS_BASE + 500;

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
