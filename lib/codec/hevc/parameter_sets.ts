/**
 * HEVC's parameter sets. Source: ITU-T H.265, sections 7.3.2.2, 7.3.2.3, 7.3.3 and 7.3.4.
 *
 * @module
 */
import type { Rectangle } from "../../image/rectangle.ts";
import * as c from "../../uapi/v4l2_controls_hevc.ts";
import type { View } from "../../uapi/struct.ts";
import type { Chroma } from "../access_unit.ts";
import { NalReader } from "../annexb.ts";
import type { BitReader } from "../bits/reader.ts";
import { upTo } from "../bits/up_to.ts";
import { readCropping } from "../cropping.ts";
import { StreamError } from "../stream_error.ts";
import { NAL_HEADER } from "./nal.ts";
import { readShortTermSet, type ShortTermSet } from "./reference_set.ts";

export type SpsControl = View<typeof c.v4l2_ctrl_hevc_sps.fields>;
export type PpsControl = View<typeof c.v4l2_ctrl_hevc_pps.fields>;

const CHROMA: readonly Chroma[] = ["4:0:0", "4:2:0", "4:2:2", "4:4:4"];
export const MAX_SPS_ID = 15;
export const MAX_PPS_ID = 63;
export const MAX_SIDE = 0xffff;
/** Of num_ref_idx_active_minus1. */
export const MAX_REFERENCE_INDEX = 14;
const MAX_SETS = 64;
const MAX_LONG_TERM = 32;
/** What the control has room for; all levels stay below. */
export const MAX_TILE_COLUMNS = 20;
export const MAX_TILE_ROWS = 22;

/** A picture that long-term references may be chosen from, in the sequence parameter set. */
export interface LongTermCandidate {
  /** Lower bits of its picture order count. */
  readonly lsb: number;
  readonly used: boolean;
}

/** What a slice header needs of a sequence parameter set. */
export interface SliceSps {
  readonly control: SpsControl;
  readonly sets: readonly ShortTermSet[];
  /** As many as the control says; undefined where nothing but their number is known. */
  readonly longTerm: readonly LongTermCandidate[] | undefined;
}

/** A sequence parameter set. */
export interface Sps extends SliceSps {
  readonly longTerm: readonly LongTermCandidate[];
  /** Coded size in pixels. */
  readonly width: number;
  readonly height: number;
  readonly crop: Rectangle;
  readonly bitDepth: number;
  readonly chroma: Chroma;
}

/** A picture parameter set. */
export interface Pps {
  readonly spsId: number;
  readonly control: PpsControl;
}

/** Passes over profile_tier_level(). */
function profileTierLevel(bits: BitReader, subLayers: number): void {
  const skip = (count: number) => {
    for (; count > 32; count -= 32) bits.bits(32);
    bits.bits(count);
  };
  skip(88 + 8);
  const present = Array.from({ length: subLayers }, () => [bits.flag(), bits.flag()]);
  if (subLayers > 0) skip(2 * (8 - subLayers));
  for (const [profile, level] of present) skip((profile ? 88 : 0) + (level ? 8 : 0));
}

/** Passes over scaling_list_data(). */
function scalingListData(bits: BitReader): void {
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (!bits.flag()) {
        bits.exponential();
        continue;
      }
      if (size > 1) bits.signedExponential();
      for (let i = size === 0 ? 16 : 64; i > 0; i--) bits.signedExponential();
    }
  }
}

/** Sets a control's flag as a bit says. */
const flagger = (bits: BitReader, control: { flags: number }) => (mask: number): boolean => {
  const set = bits.flag();
  if (set) control.flags += mask;
  return set;
};

/**
 * Reads a sequence parameter set, as far as the VUI.
 *
 * @param unit the NAL unit with its header
 * @throws {StreamError} where it is cut off, or a value is out of its range
 */
export function readSps(unit: Uint8Array): Sps {
  const bits = new NalReader(unit.subarray(NAL_HEADER));
  const control = c.v4l2_ctrl_hevc_sps.alloc();
  const flag = flagger(bits, control);
  control.video_parameter_set_id = bits.bits(4);
  const subLayers = control.sps_max_sub_layers_minus1 = bits.bits(3);
  if (subLayers > 6) throw new StreamError("sps_max_sub_layers_minus1 7; at most 6 is possible");
  bits.bit();
  profileTierLevel(bits, subLayers);
  control.seq_parameter_set_id = upTo(bits, MAX_SPS_ID, "sps_seq_parameter_set_id");
  control.chroma_format_idc = upTo(bits, 3, "chroma_format_idc");
  if (control.chroma_format_idc === 3) flag(c.V4L2_HEVC_SPS_FLAG_SEPARATE_COLOUR_PLANE);
  const chroma = CHROMA[control.chroma_format_idc];
  const width = upTo(bits, MAX_SIDE, "pic_width_in_luma_samples");
  const height = upTo(bits, MAX_SIDE, "pic_height_in_luma_samples");
  control.pic_width_in_luma_samples = width;
  control.pic_height_in_luma_samples = height;
  const crop = readCropping(bits, chroma, width, height);
  control.bit_depth_luma_minus8 = upTo(bits, 8, "bit_depth_luma_minus8");
  control.bit_depth_chroma_minus8 = upTo(bits, 8, "bit_depth_chroma_minus8");
  control.log2_max_pic_order_cnt_lsb_minus4 = upTo(bits, 12, "log2_max_pic_order_cnt_lsb_minus4");
  // The highest sub-layer's come last.
  for (let i = bits.flag() ? subLayers : 0; i >= 0; i--) {
    control.sps_max_dec_pic_buffering_minus1 = upTo(bits, 15, "sps_max_dec_pic_buffering_minus1");
    control.sps_max_num_reorder_pics = upTo(bits, 15, "sps_max_num_reorder_pics");
    control.sps_max_latency_increase_plus1 = bits.exponential();
  }
  control.log2_min_luma_coding_block_size_minus3 = upTo(
    bits,
    3,
    "log2_min_luma_coding_block_size_minus3",
  );
  control.log2_diff_max_min_luma_coding_block_size = upTo(
    bits,
    3,
    "log2_diff_max_min_luma_coding_block_size",
  );
  control.log2_min_luma_transform_block_size_minus2 = upTo(
    bits,
    3,
    "log2_min_luma_transform_block_size_minus2",
  );
  control.log2_diff_max_min_luma_transform_block_size = upTo(
    bits,
    3,
    "log2_diff_max_min_luma_transform_block_size",
  );
  control.max_transform_hierarchy_depth_inter = upTo(bits, 4, "max_transform_hierarchy_depth");
  control.max_transform_hierarchy_depth_intra = upTo(bits, 4, "max_transform_hierarchy_depth");
  if (flag(c.V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED) && bits.flag()) scalingListData(bits);
  flag(c.V4L2_HEVC_SPS_FLAG_AMP_ENABLED);
  flag(c.V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET);
  if (flag(c.V4L2_HEVC_SPS_FLAG_PCM_ENABLED)) {
    control.pcm_sample_bit_depth_luma_minus1 = bits.bits(4);
    control.pcm_sample_bit_depth_chroma_minus1 = bits.bits(4);
    control.log2_min_pcm_luma_coding_block_size_minus3 = upTo(bits, 2, "log2_min_pcm");
    control.log2_diff_max_min_pcm_luma_coding_block_size = upTo(bits, 2, "log2_diff_pcm");
    flag(c.V4L2_HEVC_SPS_FLAG_PCM_LOOP_FILTER_DISABLED);
  }
  const sets: ShortTermSet[] = [];
  const count = upTo(bits, MAX_SETS, "num_short_term_ref_pic_sets");
  while (sets.length < count) sets.push(readShortTermSet(bits, sets, false));
  control.num_short_term_ref_pic_sets = count;
  const longTerm: LongTermCandidate[] = [];
  if (flag(c.V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT)) {
    const lsbBits = control.log2_max_pic_order_cnt_lsb_minus4 + 4;
    const count = upTo(bits, MAX_LONG_TERM, "num_long_term_ref_pics_sps");
    while (longTerm.length < count) longTerm.push({ lsb: bits.bits(lsbBits), used: bits.flag() });
    control.num_long_term_ref_pics_sps = count;
  }
  flag(c.V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED);
  flag(c.V4L2_HEVC_SPS_FLAG_STRONG_INTRA_SMOOTHING_ENABLED);
  const bitDepth = 8 + control.bit_depth_luma_minus8;
  return { control, sets, longTerm, width, height, crop, bitDepth, chroma };
}

/**
 * Reads a picture parameter set, as far as the extensions.
 *
 * @param unit the NAL unit with its header
 * @throws {StreamError} where it is cut off, or a value is out of its range
 */
export function readPps(unit: Uint8Array): Pps {
  const bits = new NalReader(unit.subarray(NAL_HEADER));
  const control = c.v4l2_ctrl_hevc_pps.alloc();
  const flag = flagger(bits, control);
  control.pic_parameter_set_id = upTo(bits, MAX_PPS_ID, "pps_pic_parameter_set_id");
  const spsId = upTo(bits, MAX_SPS_ID, "pps_seq_parameter_set_id");
  flag(c.V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED);
  flag(c.V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT);
  control.num_extra_slice_header_bits = bits.bits(3);
  flag(c.V4L2_HEVC_PPS_FLAG_SIGN_DATA_HIDING_ENABLED);
  flag(c.V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT);
  const references = () => upTo(bits, MAX_REFERENCE_INDEX, "num_ref_idx_default_active_minus1");
  control.num_ref_idx_l0_default_active_minus1 = references();
  control.num_ref_idx_l1_default_active_minus1 = references();
  control.init_qp_minus26 = bits.signedExponential();
  flag(c.V4L2_HEVC_PPS_FLAG_CONSTRAINED_INTRA_PRED);
  flag(c.V4L2_HEVC_PPS_FLAG_TRANSFORM_SKIP_ENABLED);
  if (flag(c.V4L2_HEVC_PPS_FLAG_CU_QP_DELTA_ENABLED)) {
    control.diff_cu_qp_delta_depth = upTo(bits, 3, "diff_cu_qp_delta_depth");
  }
  control.pps_cb_qp_offset = bits.signedExponential();
  control.pps_cr_qp_offset = bits.signedExponential();
  flag(c.V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT);
  flag(c.V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED);
  flag(c.V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED);
  flag(c.V4L2_HEVC_PPS_FLAG_TRANSQUANT_BYPASS_ENABLED);
  const tiles = flag(c.V4L2_HEVC_PPS_FLAG_TILES_ENABLED);
  flag(c.V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED);
  if (tiles) {
    const columns = upTo(bits, MAX_TILE_COLUMNS - 1, "num_tile_columns_minus1");
    const rows = upTo(bits, MAX_TILE_ROWS - 1, "num_tile_rows_minus1");
    control.num_tile_columns_minus1 = columns;
    control.num_tile_rows_minus1 = rows;
    if (!flag(c.V4L2_HEVC_PPS_FLAG_UNIFORM_SPACING)) {
      const sizes = (count: number) =>
        Array.from({ length: count }, () => upTo(bits, 0xff, "tiles' size less 1"));
      control.column_width_minus1 = sizes(columns);
      control.row_height_minus1 = sizes(rows);
    }
    flag(c.V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED);
  }
  flag(c.V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED);
  if (flag(c.V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT)) {
    flag(c.V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED);
    if (!flag(c.V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER)) {
      control.pps_beta_offset_div2 = bits.signedExponential();
      control.pps_tc_offset_div2 = bits.signedExponential();
    }
  }
  if (bits.flag()) scalingListData(bits);
  flag(c.V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT);
  control.log2_parallel_merge_level_minus2 = upTo(bits, 4, "log2_parallel_merge_level_minus2");
  flag(c.V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT);
  return { spsId, control };
}
