/**
 * H.264's parameter sets. Source: ITU-T H.264, sections 7.3.2.1, 7.3.2.2, 7.4.2.1 and annex E.
 *
 * @module
 */
import type { Rectangle } from "../../image/rectangle.ts";
import type { Chroma } from "../access_unit.ts";
import { NalReader } from "../annexb.ts";
import type { BitReader } from "../bits/reader.ts";
import { upTo } from "../bits/up_to.ts";
import { readCropping } from "../cropping.ts";
import * as c from "../../uapi/v4l2_controls_h264.ts";

const CHROMA: readonly Chroma[] = ["4:0:0", "4:2:0", "4:2:2", "4:4:4"];
/** The profiles whose sequence parameter sets say how chroma is sampled. */
export const WITH_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
export const MAX_SPS_ID = 31;
export const MAX_PPS_ID = 255;
export const MAX_REFERENCES = 16;
/** Sides in macroblocks that fit the control's 16 bits. */
const MAX_MACROBLOCKS = 0x10000;

/** A sequence parameter set. */
export interface Sps {
  readonly id: number;
  /** `struct v4l2_ctrl_h264_sps` */
  readonly control: Uint8Array<ArrayBuffer>;
  /** Coded size of a frame in pixels. */
  readonly width: number;
  readonly height: number;
  readonly crop: Rectangle;
  readonly bitDepth: number;
  readonly chroma: Chroma;
  readonly separatePlanes: boolean;
  readonly scalingMatrix: boolean;
  readonly frameMbsOnly: boolean;
  readonly frameNumBits: number;
  readonly pocType: number;
  readonly pocLsbBits: number;
  readonly deltaPocAlwaysZero: boolean;
  readonly offsetForNonRefPic: number;
  readonly offsetForTopToBottomField: number;
  readonly offsetForRefFrame: readonly number[];
}

/** A picture parameter set. */
export interface Pps {
  readonly id: number;
  readonly spsId: number;
  /** `struct v4l2_ctrl_h264_pps` */
  readonly control: Uint8Array<ArrayBuffer>;
  readonly bottomFieldPocInFrame: boolean;
  /** Number of references in each list, where a slice does not say. */
  readonly defaultReferences: readonly [number, number];
  readonly weightedPrediction: boolean;
  readonly weightedBipred: number;
  readonly redundantPictures: boolean;
}

/** Passes over the scaling lists. */
function scalingLists(bits: BitReader, count: number): void {
  for (let list = 0; list < count; list++) {
    if (!bits.flag()) continue;
    const size = list < 6 ? 16 : 64;
    let scale = 8;
    for (let i = 0; i < size; i++) {
      scale = (scale + bits.signedExponential()) & 0xff;
      if (scale === 0) break;
    }
  }
}

/**
 * Reads a sequence parameter set, as far as the cropping.
 *
 * @throws {StreamError} where it is cut off, or a value is out of its range
 */
export function readSps(payload: Uint8Array): Sps {
  const bits = new NalReader(payload);
  const control = c.v4l2_ctrl_h264_sps.alloc();
  const flag = (mask: number): boolean => {
    const set = bits.flag();
    if (set) control.flags |= mask;
    return set;
  };
  const profile = control.profile_idc = bits.bits(8);
  // The flags come from set 0 on, which is the control's lowest bit.
  for (let i = 0; i < 6; i++) control.constraint_set_flags |= bits.bit() << i;
  bits.bits(2);
  control.level_idc = bits.bits(8);
  const id = control.seq_parameter_set_id = upTo(bits, MAX_SPS_ID, "seq_parameter_set_id");

  let chromaFormat = 1;
  let separatePlanes = false;
  let scalingMatrix = false;
  if (WITH_CHROMA.has(profile)) {
    chromaFormat = upTo(bits, 3, "chroma_format_idc");
    if (chromaFormat === 3) separatePlanes = flag(c.V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE);
    control.bit_depth_luma_minus8 = upTo(bits, 6, "bit_depth_luma_minus8");
    control.bit_depth_chroma_minus8 = upTo(bits, 6, "bit_depth_chroma_minus8");
    flag(c.V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS);
    scalingMatrix = bits.flag();
    if (scalingMatrix) scalingLists(bits, chromaFormat === 3 ? 12 : 8);
  }
  control.chroma_format_idc = chromaFormat;

  control.log2_max_frame_num_minus4 = upTo(bits, 12, "log2_max_frame_num_minus4");
  const pocType = control.pic_order_cnt_type = upTo(bits, 2, "pic_order_cnt_type");
  const offsets: number[] = [];
  if (pocType === 0) {
    control.log2_max_pic_order_cnt_lsb_minus4 = upTo(bits, 12, "log2_max_pic_order_cnt_lsb_minus4");
  } else if (pocType === 1) {
    flag(c.V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO);
    control.offset_for_non_ref_pic = bits.signedExponential();
    control.offset_for_top_to_bottom_field = bits.signedExponential();
    const count = upTo(bits, 255, "num_ref_frames_in_pic_order_cnt_cycle");
    for (let i = 0; i < count; i++) offsets.push(bits.signedExponential());
    control.num_ref_frames_in_pic_order_cnt_cycle = count;
    control.offset_for_ref_frame = offsets;
  }
  control.max_num_ref_frames = upTo(bits, MAX_REFERENCES, "max_num_ref_frames");
  flag(c.V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED);
  control.pic_width_in_mbs_minus1 = upTo(bits, MAX_MACROBLOCKS - 1, "pic_width_in_mbs_minus1");
  control.pic_height_in_map_units_minus1 = upTo(
    bits,
    MAX_MACROBLOCKS - 1,
    "pic_height_in_map_units_minus1",
  );
  const frameMbsOnly = flag(c.V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY);
  if (!frameMbsOnly) flag(c.V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD);
  flag(c.V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE);

  const width = 16 * (control.pic_width_in_mbs_minus1 + 1);
  const fields = frameMbsOnly ? 1 : 2;
  const height = 16 * (control.pic_height_in_map_units_minus1 + 1) * fields;
  const chroma = CHROMA[chromaFormat];
  return {
    id,
    control: control.bytes,
    width,
    height,
    crop: readCropping(bits, chroma, width, height, fields),
    bitDepth: 8 + control.bit_depth_luma_minus8,
    chroma,
    separatePlanes,
    scalingMatrix,
    frameMbsOnly,
    frameNumBits: control.log2_max_frame_num_minus4 + 4,
    pocType,
    pocLsbBits: control.log2_max_pic_order_cnt_lsb_minus4 + 4,
    deltaPocAlwaysZero: (control.flags & c.V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO) !== 0,
    offsetForNonRefPic: control.offset_for_non_ref_pic,
    offsetForTopToBottomField: control.offset_for_top_to_bottom_field,
    offsetForRefFrame: offsets,
  };
}

/** Bits before the last set one, which ends the syntax. */
function bitsBeforeStop(payload: Uint8Array): number {
  let end = payload.length;
  while (end > 0 && payload[end - 1] === 0) end--;
  if (end === 0) return 0;
  const last = payload[end - 1];
  return 8 * end - 1 - (31 - Math.clz32(last & -last));
}

/** Passes over the map of slice groups. */
function sliceGroups(bits: BitReader, groups: number): void {
  const type = upTo(bits, 6, "slice_group_map_type");
  if (type === 0) {
    for (let i = 0; i < groups; i++) bits.exponential();
  } else if (type === 2) {
    for (let i = 0; i < 2 * (groups - 1); i++) bits.exponential();
  } else if (type >= 3 && type <= 5) {
    bits.bit();
    bits.exponential();
  } else if (type === 6) {
    const units = bits.exponential() + 1;
    const width = Math.ceil(Math.log2(groups));
    for (let i = 0; i < units; i++) bits.bits(width);
  }
}

/**
 * Reads a picture parameter set.
 *
 * @param spsOf the sequence parameter set of an id, which says how many scaling lists there are
 * @throws {StreamError} where it is cut off, or a value is out of its range
 */
export function readPps(payload: Uint8Array, spsOf: (id: number) => Sps | undefined): Pps {
  const bits = new NalReader(payload);
  const control = c.v4l2_ctrl_h264_pps.alloc();
  const flag = (mask: number): boolean => {
    const set = bits.flag();
    if (set) control.flags |= mask;
    return set;
  };
  const id = control.pic_parameter_set_id = upTo(bits, MAX_PPS_ID, "pic_parameter_set_id");
  const spsId = control.seq_parameter_set_id = upTo(bits, MAX_SPS_ID, "seq_parameter_set_id");
  const sps = spsOf(spsId);
  flag(c.V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE);
  const bottomFieldPocInFrame = flag(
    c.V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT,
  );
  const groups = upTo(bits, 7, "num_slice_groups_minus1") + 1;
  control.num_slice_groups_minus1 = groups - 1;
  if (groups > 1) sliceGroups(bits, groups);
  const references = () => upTo(bits, 31, "num_ref_idx_default_active_minus1");
  control.num_ref_idx_l0_default_active_minus1 = references();
  control.num_ref_idx_l1_default_active_minus1 = references();
  const weightedPrediction = flag(c.V4L2_H264_PPS_FLAG_WEIGHTED_PRED);
  const weightedBipred = control.weighted_bipred_idc = bits.bits(2);
  control.pic_init_qp_minus26 = bits.signedExponential();
  control.pic_init_qs_minus26 = bits.signedExponential();
  control.chroma_qp_index_offset = bits.signedExponential();
  control.second_chroma_qp_index_offset = control.chroma_qp_index_offset;
  flag(c.V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT);
  flag(c.V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED);
  const redundantPictures = flag(c.V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT);
  if (bits.position < bitsBeforeStop(payload)) {
    const transform8x8 = flag(c.V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE);
    if (flag(c.V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT)) {
      const lists8x8 = sps?.chroma === "4:4:4" ? 6 : 2;
      scalingLists(bits, 6 + (transform8x8 ? lists8x8 : 0));
    }
    control.second_chroma_qp_index_offset = bits.signedExponential();
  }
  // The control's flag stands for the sequence's matrices too.
  if (sps?.scalingMatrix) control.flags |= c.V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT;
  return {
    id,
    spsId,
    control: control.bytes,
    bottomFieldPocInFrame,
    defaultReferences: [
      control.num_ref_idx_l0_default_active_minus1 + 1,
      control.num_ref_idx_l1_default_active_minus1 + 1,
    ],
    weightedPrediction,
    weightedBipred,
    redundantPictures,
  };
}
