/**
 * HEVC's parameter sets from the controls that stand for them.
 * Source: ITU-T H.265, sections 7.3.2.1 to 7.3.2.3, 7.3.3, 7.3.4 and 6.5.3.
 *
 * @module
 */
import * as c from "../../uapi/v4l2_controls_hevc.ts";
import type { View } from "../../uapi/struct.ts";
import { writeUnit } from "../annexb.ts";
import type { BitWriter } from "../bits/writer.ts";
import { StreamError } from "../stream_error.ts";
import { NAL_PPS, NAL_SPS, NAL_VPS } from "./nal.ts";
import {
  MAX_PPS_ID,
  MAX_REFERENCE_INDEX,
  MAX_SIDE,
  MAX_SPS_ID,
  MAX_TILE_COLUMNS,
  MAX_TILE_ROWS,
  type PpsControl,
  type SpsControl,
} from "./parameter_sets.ts";

type Matrix = View<typeof c.v4l2_ctrl_hevc_scaling_matrix.fields>;

const MAX_SUB_LAYERS = 7;
// Main and Main 10, and a level that holds all: no control says them, and decoding does not ask.
const MAIN = 1;
const MAIN_10 = 2;
const LEVEL_6_2 = 186;

/** The NAL unit of temporal sub-layer 0, behind a start code. */
const unitOf = (type: number, bits: BitWriter) => writeUnit([type << 1, 1], bits.bytes);

function profileTierLevel(bits: BitWriter, sps: SpsControl): void {
  const profile = sps.bit_depth_luma_minus8 === 0 ? MAIN : MAIN_10;
  // general_profile_space and general_tier_flag, then the profiles that it is compatible with.
  bits.bits(profile, 8);
  for (let i = 0; i < 32; i++) bits.flag(i >= profile && i <= MAIN_10);
  // Progressive frames, and nothing more is said.
  bits.bits(0b1001, 4);
  bits.bits(0, 32);
  bits.bits(0, 12);
  bits.bits(LEVEL_6_2, 8);
  const subLayers = sps.sps_max_sub_layers_minus1;
  for (let i = 0; i < (subLayers > 0 ? 8 : 0); i++) bits.bits(0, 2);
}

/** How many pictures are kept and held back: said once, for all sub-layers. */
function ordering(bits: BitWriter, sps: SpsControl): void {
  bits.flag(false);
  bits.exponential(sps.sps_max_dec_pic_buffering_minus1, 15);
  bits.exponential(sps.sps_max_num_reorder_pics, 15);
  bits.exponential(sps.sps_max_latency_increase_plus1, 255);
}

function subLayers(bits: BitWriter, sps: SpsControl): void {
  if (sps.sps_max_sub_layers_minus1 >= MAX_SUB_LAYERS) {
    throw new StreamError(`${sps.sps_max_sub_layers_minus1 + 1} sub-layers`);
  }
  bits.bits(sps.sps_max_sub_layers_minus1, 3);
  // They are nested where there is one.
  bits.flag(sps.sps_max_sub_layers_minus1 === 0);
}

/**
 * The video parameter set that a sequence's refers to, as a NAL unit behind a start code.
 *
 * @throws {StreamError} no parameter set can say what the control does
 */
export function vpsUnit(bits: BitWriter, sps: SpsControl): Uint8Array<ArrayBuffer> {
  bits.clear();
  bits.bits(sps.video_parameter_set_id, 4);
  // The base layer is in the stream, and is all there is.
  bits.bits(0b11, 2);
  bits.bits(0, 6);
  subLayers(bits, sps);
  bits.bits(0xffff, 16);
  profileTierLevel(bits, sps);
  ordering(bits, sps);
  // vps_max_layer_id, vps_num_layer_sets_minus1, vps_timing_info_present_flag, vps_extension_flag
  bits.bits(0, 6);
  bits.exponential(0, 0);
  bits.bits(0, 2);
  bits.stop();
  return unitOf(NAL_VPS, bits);
}

/**
 * The sequence parameter set, as a NAL unit behind a start code. What the control does not have is
 * left out: cropping, reference picture sets, and all that is no part of decoding. So slices have to
 * name their reference pictures themselves.
 *
 * @throws {StreamError} no parameter set can say what the control does
 */
export function spsUnit(bits: BitWriter, sps: SpsControl): Uint8Array<ArrayBuffer> {
  const has = (mask: number) => (sps.flags & mask) !== 0;
  const flag = (mask: number) => bits.flag(has(mask));
  bits.clear();
  bits.bits(sps.video_parameter_set_id, 4);
  subLayers(bits, sps);
  profileTierLevel(bits, sps);
  bits.exponential(sps.seq_parameter_set_id, MAX_SPS_ID);
  bits.exponential(sps.chroma_format_idc, 3);
  if (sps.chroma_format_idc === 3) flag(c.V4L2_HEVC_SPS_FLAG_SEPARATE_COLOUR_PLANE);
  bits.exponential(sps.pic_width_in_luma_samples, MAX_SIDE);
  bits.exponential(sps.pic_height_in_luma_samples, MAX_SIDE);
  // conformance_window_flag
  bits.flag(false);
  bits.exponential(sps.bit_depth_luma_minus8, 8);
  bits.exponential(sps.bit_depth_chroma_minus8, 8);
  bits.exponential(sps.log2_max_pic_order_cnt_lsb_minus4, 12);
  ordering(bits, sps);
  bits.exponential(sps.log2_min_luma_coding_block_size_minus3, 3);
  bits.exponential(sps.log2_diff_max_min_luma_coding_block_size, 3);
  bits.exponential(sps.log2_min_luma_transform_block_size_minus2, 3);
  bits.exponential(sps.log2_diff_max_min_luma_transform_block_size, 3);
  bits.exponential(sps.max_transform_hierarchy_depth_inter, 4);
  bits.exponential(sps.max_transform_hierarchy_depth_intra, 4);
  flag(c.V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED);
  // The lists are in the picture parameter set.
  if (has(c.V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED)) bits.flag(false);
  flag(c.V4L2_HEVC_SPS_FLAG_AMP_ENABLED);
  flag(c.V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET);
  flag(c.V4L2_HEVC_SPS_FLAG_PCM_ENABLED);
  if (has(c.V4L2_HEVC_SPS_FLAG_PCM_ENABLED)) {
    bits.bits(sps.pcm_sample_bit_depth_luma_minus1, 4);
    bits.bits(sps.pcm_sample_bit_depth_chroma_minus1, 4);
    bits.exponential(sps.log2_min_pcm_luma_coding_block_size_minus3, 2);
    bits.exponential(sps.log2_diff_max_min_pcm_luma_coding_block_size, 2);
    flag(c.V4L2_HEVC_SPS_FLAG_PCM_LOOP_FILTER_DISABLED);
  }
  // num_short_term_ref_pic_sets, num_long_term_ref_pics_sps
  bits.exponential(0, 0);
  flag(c.V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT);
  if (has(c.V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT)) bits.exponential(0, 0);
  flag(c.V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED);
  flag(c.V4L2_HEVC_SPS_FLAG_STRONG_INTRA_SMOOTHING_ENABLED);
  // vui_parameters_present_flag, sps_extension_present_flag
  bits.bits(0, 2);
  bits.stop();
  return unitOf(NAL_SPS, bits);
}

/** Where in raster order the elements of an up-right diagonal scan lie, of `side` lines. */
function diagonals(side: number): number[] {
  const places = Array.from({ length: side * side }, (_, at) => at);
  const column = (at: number) => at % side;
  const diagonal = (at: number) => column(at) + Math.floor(at / side);
  return places.sort((a, b) => diagonal(a) - diagonal(b) || column(a) - column(b));
}

const DIAGONALS_4X4 = diagonals(4);
const DIAGONALS_8X8 = diagonals(8);

/** Writes a list that is in raster order, from `first` on. */
function scalingList(
  bits: BitWriter,
  list: readonly number[],
  first: number,
  scan: readonly number[],
  dc: number | undefined,
): void {
  // scaling_list_pred_mode_flag
  bits.flag(true);
  let last = 8;
  if (dc !== undefined) {
    if (dc === 0) throw new StreamError("a scaling factor of 0");
    bits.signedExponential(dc - 8);
    last = dc;
  }
  for (const place of scan) {
    const scale = list[first + place];
    if (scale === 0) throw new StreamError("a scaling factor of 0");
    // Modulo 256, from -128 on.
    bits.signedExponential((scale - last) << 24 >> 24);
    last = scale;
  }
}

function scalingLists(bits: BitWriter, matrix: Matrix): void {
  const lists = [
    [matrix.scaling_list_4x4, DIAGONALS_4X4, undefined],
    [matrix.scaling_list_8x8, DIAGONALS_8X8, undefined],
    [matrix.scaling_list_16x16, DIAGONALS_8X8, matrix.scaling_list_dc_coef_16x16],
    [matrix.scaling_list_32x32, DIAGONALS_8X8, matrix.scaling_list_dc_coef_32x32],
  ] as const;
  for (const [list, scan, dcs] of lists) {
    for (let first = 0; first < list.length; first += scan.length) {
      scalingList(bits, list, first, scan, dcs?.[first / scan.length]);
    }
  }
}

function tiles(bits: BitWriter, pps: PpsControl): void {
  const columns = pps.num_tile_columns_minus1;
  const rows = pps.num_tile_rows_minus1;
  const uniform = (pps.flags & c.V4L2_HEVC_PPS_FLAG_UNIFORM_SPACING) !== 0;
  bits.exponential(columns, MAX_TILE_COLUMNS - 1);
  bits.exponential(rows, MAX_TILE_ROWS - 1);
  bits.flag(uniform);
  if (!uniform) {
    for (const size of pps.column_width_minus1.slice(0, columns)) bits.exponential(size, 255);
    for (const size of pps.row_height_minus1.slice(0, rows)) bits.exponential(size, 255);
  }
  bits.flag((pps.flags & c.V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED) !== 0);
}

/**
 * The picture parameter set, as a NAL unit behind a start code, with all scaling lists spelled out
 * where the sequence has some.
 *
 * @param matrix the lists, which count where the sequence's control says that there are some
 * @throws {StreamError} no parameter set can say what the control does
 */
export function ppsUnit(
  bits: BitWriter,
  pps: PpsControl,
  sps: SpsControl,
  matrix: Matrix,
): Uint8Array<ArrayBuffer> {
  const has = (mask: number) => (pps.flags & mask) !== 0;
  const flag = (mask: number) => bits.flag(has(mask));
  bits.clear();
  bits.exponential(pps.pic_parameter_set_id, MAX_PPS_ID);
  bits.exponential(sps.seq_parameter_set_id, MAX_SPS_ID);
  flag(c.V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED);
  flag(c.V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT);
  bits.bits(pps.num_extra_slice_header_bits, 3);
  flag(c.V4L2_HEVC_PPS_FLAG_SIGN_DATA_HIDING_ENABLED);
  flag(c.V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT);
  bits.exponential(pps.num_ref_idx_l0_default_active_minus1, MAX_REFERENCE_INDEX);
  bits.exponential(pps.num_ref_idx_l1_default_active_minus1, MAX_REFERENCE_INDEX);
  bits.signedExponential(pps.init_qp_minus26);
  flag(c.V4L2_HEVC_PPS_FLAG_CONSTRAINED_INTRA_PRED);
  flag(c.V4L2_HEVC_PPS_FLAG_TRANSFORM_SKIP_ENABLED);
  flag(c.V4L2_HEVC_PPS_FLAG_CU_QP_DELTA_ENABLED);
  if (has(c.V4L2_HEVC_PPS_FLAG_CU_QP_DELTA_ENABLED)) {
    bits.exponential(pps.diff_cu_qp_delta_depth, 3);
  }
  bits.signedExponential(pps.pps_cb_qp_offset);
  bits.signedExponential(pps.pps_cr_qp_offset);
  flag(c.V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT);
  flag(c.V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED);
  flag(c.V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED);
  flag(c.V4L2_HEVC_PPS_FLAG_TRANSQUANT_BYPASS_ENABLED);
  flag(c.V4L2_HEVC_PPS_FLAG_TILES_ENABLED);
  flag(c.V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED);
  if (has(c.V4L2_HEVC_PPS_FLAG_TILES_ENABLED)) tiles(bits, pps);
  flag(c.V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED);
  flag(c.V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT);
  if (has(c.V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT)) {
    flag(c.V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED);
    flag(c.V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER);
    if (!has(c.V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER)) {
      bits.signedExponential(pps.pps_beta_offset_div2);
      bits.signedExponential(pps.pps_tc_offset_div2);
    }
  }
  const lists = (sps.flags & c.V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED) !== 0;
  bits.flag(lists);
  if (lists) scalingLists(bits, matrix);
  flag(c.V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT);
  bits.exponential(pps.log2_parallel_merge_level_minus2, 4);
  flag(c.V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT);
  // pps_extension_present_flag
  bits.flag(false);
  bits.stop();
  return unitOf(NAL_PPS, bits);
}
