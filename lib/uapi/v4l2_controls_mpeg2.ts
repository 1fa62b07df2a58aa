/**
 * The controls of stateless MPEG-2 decoders, of linux/v4l2-controls.h.
 *
 * @module
 */
import { array, type FieldsOf, struct, type StructType, u16, u32, u64, u8 } from "./struct.ts";

export const V4L2_CID_STATELESS_MPEG2_SEQUENCE: number = 0x00a40900 + 220;
export const V4L2_CID_STATELESS_MPEG2_PICTURE: number = 0x00a40900 + 221;
export const V4L2_CID_STATELESS_MPEG2_QUANTISATION: number = 0x00a40900 + 222;

export const V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE = 0x01;

/** Payload of V4L2_CID_STATELESS_MPEG2_SEQUENCE. */
export const v4l2_ctrl_mpeg2_sequence: StructType<
  FieldsOf<
    number,
    | "horizontal_size"
    | "vertical_size"
    | "vbv_buffer_size"
    | "profile_and_level_indication"
    | "chroma_format"
    | "flags"
  >
> = struct("struct v4l2_ctrl_mpeg2_sequence", 12, {
  horizontal_size: u16(0),
  vertical_size: u16(2),
  vbv_buffer_size: u32(4),
  profile_and_level_indication: u16(8),
  chroma_format: u8(10),
  flags: u8(11),
});

export const V4L2_MPEG2_PIC_CODING_TYPE_I = 1;
export const V4L2_MPEG2_PIC_CODING_TYPE_P = 2;
export const V4L2_MPEG2_PIC_CODING_TYPE_B = 3;
export const V4L2_MPEG2_PIC_CODING_TYPE_D = 4;

export const V4L2_MPEG2_PIC_TOP_FIELD = 0x1;
export const V4L2_MPEG2_PIC_BOTTOM_FIELD = 0x2;
export const V4L2_MPEG2_PIC_FRAME = 0x3;

export const V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST = 0x0001;
export const V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT = 0x0002;
export const V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV = 0x0004;
export const V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE = 0x0008;
export const V4L2_MPEG2_PIC_FLAG_INTRA_VLC = 0x0010;
export const V4L2_MPEG2_PIC_FLAG_ALT_SCAN = 0x0020;
export const V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST = 0x0040;
export const V4L2_MPEG2_PIC_FLAG_PROGRESSIVE = 0x0080;

/** Payload of V4L2_CID_STATELESS_MPEG2_PICTURE. */
export const v4l2_ctrl_mpeg2_picture: StructType<
  & FieldsOf<bigint, "backward_ref_ts" | "forward_ref_ts">
  & FieldsOf<number, "flags" | "picture_coding_type" | "picture_structure" | "intra_dc_precision">
  & FieldsOf<readonly number[], "f_code">
> = struct("struct v4l2_ctrl_mpeg2_picture", 32, {
  backward_ref_ts: u64(0),
  forward_ref_ts: u64(8),
  flags: u32(16),
  f_code: array(u8, 2 * 2)(20),
  picture_coding_type: u8(24),
  picture_structure: u8(25),
  intra_dc_precision: u8(26),
});

/** Payload of V4L2_CID_STATELESS_MPEG2_QUANTISATION: matrices in zigzag order. */
export const v4l2_ctrl_mpeg2_quantisation: StructType<
  FieldsOf<
    readonly number[],
    | "intra_quantiser_matrix"
    | "non_intra_quantiser_matrix"
    | "chroma_intra_quantiser_matrix"
    | "chroma_non_intra_quantiser_matrix"
  >
> = struct("struct v4l2_ctrl_mpeg2_quantisation", 256, {
  intra_quantiser_matrix: array(u8, 64)(0),
  non_intra_quantiser_matrix: array(u8, 64)(64),
  chroma_intra_quantiser_matrix: array(u8, 64)(128),
  chroma_non_intra_quantiser_matrix: array(u8, 64)(192),
});
