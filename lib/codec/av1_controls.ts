/**
 * The sequence-level control of stateless AV1 decoders, from `linux/v4l2-controls.h`, which has it
 * since Linux 6.5.
 *
 * @module
 */
import { struct, u16, u32, u8 } from "../sys/struct.ts";

export const V4L2_CID_STATELESS_AV1_SEQUENCE = 0x00a40900 + 500;

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
