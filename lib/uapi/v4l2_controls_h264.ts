/**
 * The controls of stateless H.264 decoders that set a sequence up, and those by which its parameter
 * sets are written again, of linux/v4l2-controls.h.
 *
 * @module
 */
import {
  array,
  type FieldsOf,
  n64,
  s32,
  s8,
  struct,
  type StructType,
  u16,
  u32,
  u8,
} from "./struct.ts";

export const V4L2_CID_STATELESS_H264_DECODE_MODE: number = 0x00a40900 + 0;
export const V4L2_CID_STATELESS_H264_START_CODE: number = 0x00a40900 + 1;
export const V4L2_CID_STATELESS_H264_SPS: number = 0x00a40900 + 2;
export const V4L2_CID_STATELESS_H264_PPS: number = 0x00a40900 + 3;
export const V4L2_CID_STATELESS_H264_SCALING_MATRIX: number = 0x00a40900 + 4;
export const V4L2_CID_STATELESS_H264_DECODE_PARAMS: number = 0x00a40900 + 7;

/** Value of V4L2_CID_STATELESS_H264_DECODE_MODE. */
export const V4L2_STATELESS_H264_DECODE_MODE_SLICE_BASED = 0;

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
export const v4l2_ctrl_h264_sps: StructType<
  FieldsOf<
    number,
    | "profile_idc"
    | "constraint_set_flags"
    | "level_idc"
    | "seq_parameter_set_id"
    | "chroma_format_idc"
    | "bit_depth_luma_minus8"
    | "bit_depth_chroma_minus8"
    | "log2_max_frame_num_minus4"
    | "pic_order_cnt_type"
    | "log2_max_pic_order_cnt_lsb_minus4"
    | "max_num_ref_frames"
    | "num_ref_frames_in_pic_order_cnt_cycle"
    | "offset_for_non_ref_pic"
    | "offset_for_top_to_bottom_field"
    | "pic_width_in_mbs_minus1"
    | "pic_height_in_map_units_minus1"
    | "flags"
  > & FieldsOf<readonly number[], "offset_for_ref_frame">
> = struct("struct v4l2_ctrl_h264_sps", 1048, {
  profile_idc: u8(0),
  constraint_set_flags: u8(1),
  level_idc: u8(2),
  seq_parameter_set_id: u8(3),
  chroma_format_idc: u8(4),
  bit_depth_luma_minus8: u8(5),
  bit_depth_chroma_minus8: u8(6),
  log2_max_frame_num_minus4: u8(7),
  pic_order_cnt_type: u8(8),
  log2_max_pic_order_cnt_lsb_minus4: u8(9),
  max_num_ref_frames: u8(10),
  num_ref_frames_in_pic_order_cnt_cycle: u8(11),
  offset_for_ref_frame: array(s32, 255)(12),
  offset_for_non_ref_pic: s32(1032),
  offset_for_top_to_bottom_field: s32(1036),
  pic_width_in_mbs_minus1: u16(1040),
  pic_height_in_map_units_minus1: u16(1042),
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
export const v4l2_ctrl_h264_pps: StructType<
  FieldsOf<
    number,
    | "pic_parameter_set_id"
    | "seq_parameter_set_id"
    | "num_slice_groups_minus1"
    | "num_ref_idx_l0_default_active_minus1"
    | "num_ref_idx_l1_default_active_minus1"
    | "weighted_bipred_idc"
    | "pic_init_qp_minus26"
    | "pic_init_qs_minus26"
    | "chroma_qp_index_offset"
    | "second_chroma_qp_index_offset"
    | "flags"
  >
> = struct("struct v4l2_ctrl_h264_pps", 12, {
  pic_parameter_set_id: u8(0),
  seq_parameter_set_id: u8(1),
  num_slice_groups_minus1: u8(2),
  num_ref_idx_l0_default_active_minus1: u8(3),
  num_ref_idx_l1_default_active_minus1: u8(4),
  weighted_bipred_idc: u8(5),
  pic_init_qp_minus26: s8(6),
  pic_init_qs_minus26: s8(7),
  chroma_qp_index_offset: s8(8),
  second_chroma_qp_index_offset: s8(9),
  flags: u16(10),
});

/** Payload of V4L2_CID_STATELESS_H264_SCALING_MATRIX: lists in raster order. */
export const v4l2_ctrl_h264_scaling_matrix: StructType<
  FieldsOf<readonly number[], "scaling_list_4x4" | "scaling_list_8x8">
> = struct("struct v4l2_ctrl_h264_scaling_matrix", 480, {
  scaling_list_4x4: array(u8, 6 * 16)(0),
  scaling_list_8x8: array(u8, 6 * 64)(96),
});

export const V4L2_H264_NUM_DPB_ENTRIES = 16;

/** Values of `v4l2_h264_dpb_entry.fields`. */
export const V4L2_H264_TOP_FIELD_REF = 0x1;
export const V4L2_H264_BOTTOM_FIELD_REF = 0x2;
export const V4L2_H264_FRAME_REF = 0x3;

export const V4L2_H264_DPB_ENTRY_FLAG_VALID = 0x01;
export const V4L2_H264_DPB_ENTRY_FLAG_ACTIVE = 0x02;
export const V4L2_H264_DPB_ENTRY_FLAG_FIELD = 0x08;

/** One picture of `v4l2_ctrl_h264_decode_params.dpb`. */
export const v4l2_h264_dpb_entry: StructType<
  FieldsOf<
    number,
    | "reference_ts"
    | "pic_num"
    | "frame_num"
    | "fields"
    | "top_field_order_cnt"
    | "bottom_field_order_cnt"
    | "flags"
  >
> = struct("struct v4l2_h264_dpb_entry", 32, {
  reference_ts: n64(0),
  pic_num: u32(8),
  frame_num: u16(12),
  fields: u8(14),
  top_field_order_cnt: s32(20),
  bottom_field_order_cnt: s32(24),
  flags: u32(28),
});

/** Flags of `v4l2_ctrl_h264_decode_params`. */
export const V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC = 0x01;
export const V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC = 0x02;
export const V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD = 0x04;

/** Payload of V4L2_CID_STATELESS_H264_DECODE_PARAMS; `dpb` is where its first picture begins. */
export const v4l2_ctrl_h264_decode_params: StructType<
  & FieldsOf<number, "nal_ref_idc" | "frame_num" | "flags">
  & FieldsOf<readonly number[], "dpb">
> = struct("struct v4l2_ctrl_h264_decode_params", 560, {
  dpb: array(u8, 16 * 32)(0),
  nal_ref_idc: u16(512),
  frame_num: u16(514),
  flags: u32(556),
});
