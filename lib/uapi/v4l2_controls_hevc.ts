/**
 * The controls of stateless HEVC decoders by which a sequence is set up and its headers are written
 * again, of linux/v4l2-controls.h.
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

export const V4L2_CID_STATELESS_HEVC_SPS: number = 0x00a40900 + 400;
export const V4L2_CID_STATELESS_HEVC_PPS: number = 0x00a40900 + 401;
export const V4L2_CID_STATELESS_HEVC_SLICE_PARAMS: number = 0x00a40900 + 402;
export const V4L2_CID_STATELESS_HEVC_SCALING_MATRIX: number = 0x00a40900 + 403;
export const V4L2_CID_STATELESS_HEVC_DECODE_PARAMS: number = 0x00a40900 + 404;
export const V4L2_CID_STATELESS_HEVC_DECODE_MODE: number = 0x00a40900 + 405;
export const V4L2_CID_STATELESS_HEVC_START_CODE: number = 0x00a40900 + 406;

/** Value of V4L2_CID_STATELESS_HEVC_DECODE_MODE. */
export const V4L2_STATELESS_HEVC_DECODE_MODE_SLICE_BASED = 0;

/** Value of V4L2_CID_STATELESS_HEVC_START_CODE. */
export const V4L2_STATELESS_HEVC_START_CODE_NONE = 0;

export const V4L2_HEVC_SPS_FLAG_SEPARATE_COLOUR_PLANE = 0x001;
export const V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED = 0x002;
export const V4L2_HEVC_SPS_FLAG_AMP_ENABLED = 0x004;
export const V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET = 0x008;
export const V4L2_HEVC_SPS_FLAG_PCM_ENABLED = 0x010;
export const V4L2_HEVC_SPS_FLAG_PCM_LOOP_FILTER_DISABLED = 0x020;
export const V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT = 0x040;
export const V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED = 0x080;
export const V4L2_HEVC_SPS_FLAG_STRONG_INTRA_SMOOTHING_ENABLED = 0x100;

/** Payload of V4L2_CID_STATELESS_HEVC_SPS. */
export const v4l2_ctrl_hevc_sps: StructType<
  FieldsOf<
    number,
    | "video_parameter_set_id"
    | "seq_parameter_set_id"
    | "pic_width_in_luma_samples"
    | "pic_height_in_luma_samples"
    | "bit_depth_luma_minus8"
    | "bit_depth_chroma_minus8"
    | "log2_max_pic_order_cnt_lsb_minus4"
    | "sps_max_dec_pic_buffering_minus1"
    | "sps_max_num_reorder_pics"
    | "sps_max_latency_increase_plus1"
    | "log2_min_luma_coding_block_size_minus3"
    | "log2_diff_max_min_luma_coding_block_size"
    | "log2_min_luma_transform_block_size_minus2"
    | "log2_diff_max_min_luma_transform_block_size"
    | "max_transform_hierarchy_depth_inter"
    | "max_transform_hierarchy_depth_intra"
    | "pcm_sample_bit_depth_luma_minus1"
    | "pcm_sample_bit_depth_chroma_minus1"
    | "log2_min_pcm_luma_coding_block_size_minus3"
    | "log2_diff_max_min_pcm_luma_coding_block_size"
    | "num_short_term_ref_pic_sets"
    | "num_long_term_ref_pics_sps"
    | "chroma_format_idc"
    | "sps_max_sub_layers_minus1"
    | "flags"
  >
> = struct("struct v4l2_ctrl_hevc_sps", 40, {
  video_parameter_set_id: u8(0),
  seq_parameter_set_id: u8(1),
  pic_width_in_luma_samples: u16(2),
  pic_height_in_luma_samples: u16(4),
  bit_depth_luma_minus8: u8(6),
  bit_depth_chroma_minus8: u8(7),
  log2_max_pic_order_cnt_lsb_minus4: u8(8),
  sps_max_dec_pic_buffering_minus1: u8(9),
  sps_max_num_reorder_pics: u8(10),
  sps_max_latency_increase_plus1: u8(11),
  log2_min_luma_coding_block_size_minus3: u8(12),
  log2_diff_max_min_luma_coding_block_size: u8(13),
  log2_min_luma_transform_block_size_minus2: u8(14),
  log2_diff_max_min_luma_transform_block_size: u8(15),
  max_transform_hierarchy_depth_inter: u8(16),
  max_transform_hierarchy_depth_intra: u8(17),
  pcm_sample_bit_depth_luma_minus1: u8(18),
  pcm_sample_bit_depth_chroma_minus1: u8(19),
  log2_min_pcm_luma_coding_block_size_minus3: u8(20),
  log2_diff_max_min_pcm_luma_coding_block_size: u8(21),
  num_short_term_ref_pic_sets: u8(22),
  num_long_term_ref_pics_sps: u8(23),
  chroma_format_idc: u8(24),
  sps_max_sub_layers_minus1: u8(25),
  flags: n64(32),
});

export const V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED = 0x00_0001;
export const V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT = 0x00_0002;
export const V4L2_HEVC_PPS_FLAG_SIGN_DATA_HIDING_ENABLED = 0x00_0004;
export const V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT = 0x00_0008;
export const V4L2_HEVC_PPS_FLAG_CONSTRAINED_INTRA_PRED = 0x00_0010;
export const V4L2_HEVC_PPS_FLAG_TRANSFORM_SKIP_ENABLED = 0x00_0020;
export const V4L2_HEVC_PPS_FLAG_CU_QP_DELTA_ENABLED = 0x00_0040;
export const V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT = 0x00_0080;
export const V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED = 0x00_0100;
export const V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED = 0x00_0200;
export const V4L2_HEVC_PPS_FLAG_TRANSQUANT_BYPASS_ENABLED = 0x00_0400;
export const V4L2_HEVC_PPS_FLAG_TILES_ENABLED = 0x00_0800;
export const V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED = 0x00_1000;
export const V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED = 0x00_2000;
export const V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED = 0x00_4000;
export const V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED = 0x00_8000;
export const V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER = 0x01_0000;
export const V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT = 0x02_0000;
export const V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT = 0x04_0000;
export const V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT = 0x08_0000;
export const V4L2_HEVC_PPS_FLAG_UNIFORM_SPACING = 0x10_0000;

/** Payload of V4L2_CID_STATELESS_HEVC_PPS. */
export const v4l2_ctrl_hevc_pps: StructType<
  & FieldsOf<
    number,
    | "pic_parameter_set_id"
    | "num_extra_slice_header_bits"
    | "num_ref_idx_l0_default_active_minus1"
    | "num_ref_idx_l1_default_active_minus1"
    | "init_qp_minus26"
    | "diff_cu_qp_delta_depth"
    | "pps_cb_qp_offset"
    | "pps_cr_qp_offset"
    | "num_tile_columns_minus1"
    | "num_tile_rows_minus1"
    | "pps_beta_offset_div2"
    | "pps_tc_offset_div2"
    | "log2_parallel_merge_level_minus2"
    | "flags"
  >
  & FieldsOf<readonly number[], "column_width_minus1" | "row_height_minus1">
> = struct("struct v4l2_ctrl_hevc_pps", 64, {
  pic_parameter_set_id: u8(0),
  num_extra_slice_header_bits: u8(1),
  num_ref_idx_l0_default_active_minus1: u8(2),
  num_ref_idx_l1_default_active_minus1: u8(3),
  init_qp_minus26: s8(4),
  diff_cu_qp_delta_depth: u8(5),
  pps_cb_qp_offset: s8(6),
  pps_cr_qp_offset: s8(7),
  num_tile_columns_minus1: u8(8),
  num_tile_rows_minus1: u8(9),
  column_width_minus1: array(u8, 20)(10),
  row_height_minus1: array(u8, 22)(30),
  pps_beta_offset_div2: s8(52),
  pps_tc_offset_div2: s8(53),
  log2_parallel_merge_level_minus2: u8(54),
  flags: n64(56),
});

/** Payload of V4L2_CID_STATELESS_HEVC_SCALING_MATRIX: lists in raster order. */
export const v4l2_ctrl_hevc_scaling_matrix: StructType<
  FieldsOf<
    readonly number[],
    | "scaling_list_4x4"
    | "scaling_list_8x8"
    | "scaling_list_16x16"
    | "scaling_list_32x32"
    | "scaling_list_dc_coef_16x16"
    | "scaling_list_dc_coef_32x32"
  >
> = struct("struct v4l2_ctrl_hevc_scaling_matrix", 1000, {
  scaling_list_4x4: array(u8, 6 * 16)(0),
  scaling_list_8x8: array(u8, 6 * 64)(96),
  scaling_list_16x16: array(u8, 6 * 64)(480),
  scaling_list_32x32: array(u8, 2 * 64)(864),
  scaling_list_dc_coef_16x16: array(u8, 6)(992),
  scaling_list_dc_coef_32x32: array(u8, 2)(998),
});

/** One element of V4L2_CID_STATELESS_HEVC_SLICE_PARAMS, as far as it says where a slice lies. */
export const v4l2_ctrl_hevc_slice_params: StructType<FieldsOf<number, "bit_size">> = struct(
  "struct v4l2_ctrl_hevc_slice_params",
  280,
  { bit_size: u32(0) },
);

export const V4L2_HEVC_DPB_ENTRIES_NUM_MAX = 16;

/** Flag of `v4l2_hevc_dpb_entry`. */
export const V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE = 0x01;

/** One picture of `v4l2_ctrl_hevc_decode_params.dpb`. */
export const v4l2_hevc_dpb_entry: StructType<
  FieldsOf<number, "timestamp" | "flags" | "field_pic" | "pic_order_cnt_val">
> = struct("struct v4l2_hevc_dpb_entry", 16, {
  timestamp: n64(0),
  flags: u8(8),
  field_pic: u8(9),
  pic_order_cnt_val: s32(12),
});

/** Payload of V4L2_CID_STATELESS_HEVC_DECODE_PARAMS; `dpb` is where its first picture begins. */
export const v4l2_ctrl_hevc_decode_params: StructType<
  & FieldsOf<
    number,
    | "pic_order_cnt_val"
    | "short_term_ref_pic_set_size"
    | "long_term_ref_pic_set_size"
    | "num_active_dpb_entries"
    | "num_poc_st_curr_before"
    | "num_poc_st_curr_after"
    | "num_poc_lt_curr"
    | "num_delta_pocs_of_ref_rps_idx"
    | "flags"
  >
  & FieldsOf<readonly number[], "poc_st_curr_before" | "poc_st_curr_after" | "poc_lt_curr" | "dpb">
> = struct("struct v4l2_ctrl_hevc_decode_params", 328, {
  pic_order_cnt_val: s32(0),
  short_term_ref_pic_set_size: u16(4),
  long_term_ref_pic_set_size: u16(6),
  num_active_dpb_entries: u8(8),
  num_poc_st_curr_before: u8(9),
  num_poc_st_curr_after: u8(10),
  num_poc_lt_curr: u8(11),
  poc_st_curr_before: array(u8, 16)(12),
  poc_st_curr_after: array(u8, 16)(28),
  poc_lt_curr: array(u8, 16)(44),
  num_delta_pocs_of_ref_rps_idx: u8(60),
  dpb: array(u8, 16 * 16)(64),
  flags: n64(320),
});

export const V4L2_HEVC_DECODE_PARAM_FLAG_IRAP_PIC = 0x1;
export const V4L2_HEVC_DECODE_PARAM_FLAG_IDR_PIC = 0x2;
