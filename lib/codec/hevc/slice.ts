/**
 * HEVC's slice segment header. Source: ITU-T H.265, sections 7.3.6 and 7.4.7.1.
 *
 * @module
 */
import * as c from "../../uapi/v4l2_controls_hevc.ts";
import type { BitReader } from "../bits/reader.ts";
import { upTo } from "../bits/up_to.ts";
import { StreamError } from "../stream_error.ts";
import { type HevcNal, isIdr, isIrap, NAL_HEADER } from "./nal.ts";
import {
  MAX_PPS_ID,
  MAX_REFERENCE_INDEX,
  type PpsControl,
  type SliceSps,
  type SpsControl,
} from "./parameter_sets.ts";
import { readShortTermSet, type ShortTermSet } from "./reference_set.ts";

const B = 0;
const P = 1;
const I = 2;
const MAX_LONG_TERM = 33;
const MAX_ENTRY_POINTS = 440 * 23;
const MAX_EXTENSION = 256;
/** Bytes that a header may have: all but hostile ones have fewer than 100. */
const MAX_HEADER = 3072;

/** What is in front of a slice's data, without the 03 of each 00 00 03. */
export class HeaderBytes {
  /** From behind the NAL unit's header on, with some of the data. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** In `bytes`, where a byte was left out in front of each. */
  readonly #gaps: number[] = [];

  constructor({ bytes: unit }: HevcNal) {
    const bytes = new Uint8Array(Math.min(unit.length - NAL_HEADER, MAX_HEADER));
    let size = 0;
    let zeros = 0;
    for (let at = NAL_HEADER; at < unit.length && size < bytes.length; at++) {
      const byte = unit[at];
      if (zeros >= 2 && byte === 3) {
        this.#gaps.push(size);
        zeros = 0;
        continue;
      }
      bytes[size++] = byte;
      zeros = byte === 0 ? zeros + 1 : 0;
    }
    this.bytes = bytes.subarray(0, size);
  }

  /** Where byte `at` lies in the NAL unit. */
  inUnit(at: number): number {
    return NAL_HEADER + at + this.#gaps.filter((gap) => gap <= at).length;
  }
}

/** A long-term reference as a slice names it. */
export interface LongTermReference {
  /** Lower bits of its picture order count. */
  readonly lsb: number;
  /** The current picture refers to it. */
  readonly used: boolean;
  /** How many ranges of the lower bits it is behind; undefined where the slice does not say. */
  readonly cycle: number | undefined;
}

/** The parameter sets that a slice refers to. */
export interface SliceParameters {
  readonly sps: SliceSps;
  readonly pps: PpsControl;
}

/** What a slice segment's header says up to its reference pictures. */
export interface Slice<Parameters extends SliceParameters = SliceParameters> {
  readonly nal: HevcNal;
  readonly parameters: Parameters;
  /** Of its picture. */
  readonly first: boolean;
  /** It goes on with the header of the one before, and has nothing of what follows. */
  readonly dependent: boolean;
  readonly type: number;
  /** pic_output_flag */
  readonly output: boolean;
  readonly pocLsb: number;
  /** Undefined of an IDR picture. */
  readonly shortTerm: ShortTermSet | undefined;
  readonly longTerm: readonly LongTermReference[];
  /** Bits of the header, behind the NAL unit's, between which it names both; equal where it does not. */
  readonly setsBegin: number;
  readonly setsEnd: number;
}

/** Bits that one of `count` values takes. */
const bitsFor = (count: number) => count > 1 ? 32 - Math.clz32(count - 1) : 0;

function addressBits(sps: SpsControl): number {
  const log2 = sps.log2_min_luma_coding_block_size_minus3 + 3 +
    sps.log2_diff_max_min_luma_coding_block_size;
  const blocks = (side: number) => Math.ceil(side / 2 ** log2);
  return bitsFor(blocks(sps.pic_width_in_luma_samples) * blocks(sps.pic_height_in_luma_samples));
}

function shortTermSet(bits: BitReader, sets: readonly ShortTermSet[]): ShortTermSet {
  if (!bits.flag()) return readShortTermSet(bits, sets, true);
  const index = bits.bits(bitsFor(sets.length));
  if (index >= sets.length) throw new StreamError(`reference picture set ${index}: not there`);
  return sets[index];
}

function longTermReferences(
  bits: BitReader,
  { control, longTerm }: SliceSps,
): LongTermReference[] {
  const lsbBits = control.log2_max_pic_order_cnt_lsb_minus4 + 4;
  const candidates = control.num_long_term_ref_pics_sps;
  const chosen = candidates > 0 ? upTo(bits, MAX_LONG_TERM, "num_long_term_sps") : 0;
  const count = chosen + upTo(bits, MAX_LONG_TERM - chosen, "num_long_term_pics");
  let cycle = 0;
  return Array.from({ length: count }, (_, i) => {
    let picture: { lsb: number; used: boolean };
    if (i < chosen) {
      const index = bits.bits(bitsFor(candidates));
      if (index >= candidates) throw new StreamError(`long-term reference ${index}: not there`);
      picture = longTerm?.[index] ?? { lsb: 0, used: false };
    } else {
      picture = { lsb: bits.bits(lsbBits), used: bits.flag() };
    }
    const told = bits.flag();
    // It counts on from the one before, in each of the two lists.
    if (i === chosen) cycle = 0;
    if (told) cycle += bits.exponential();
    return { ...picture, cycle: told ? cycle : undefined };
  });
}

/**
 * Reads a slice segment's header up to its reference pictures.
 *
 * @param bits of the header, at its beginning
 * @throws {StreamError} where it is cut off, or its parameter sets are not there
 */
export function readSlice<Parameters extends SliceParameters>(
  nal: HevcNal,
  bits: BitReader,
  parametersOf: (ppsId: number) => Parameters | undefined,
): Slice<Parameters> {
  const first = bits.flag();
  if (isIrap(nal.type)) bits.bit();
  const ppsId = upTo(bits, MAX_PPS_ID, "slice_pic_parameter_set_id");
  const parameters = parametersOf(ppsId);
  if (!parameters) {
    throw new StreamError(`a slice refers to picture parameter set ${ppsId}: not there`);
  }
  const { sps, pps } = parameters;
  const has = (mask: number) => (pps.flags & mask) !== 0;
  let dependent = false;
  if (!first) {
    dependent = has(c.V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED) && bits.flag();
    bits.bits(addressBits(sps.control));
  }
  const beginning = {
    ...{ nal, parameters, first, dependent, type: I, output: true, pocLsb: 0 },
    ...{ shortTerm: undefined, longTerm: [], setsBegin: 0, setsEnd: 0 },
  };
  if (dependent) return beginning;
  bits.bits(pps.num_extra_slice_header_bits);
  const type = upTo(bits, I, "slice_type");
  const output = !has(c.V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT) || bits.flag();
  if (sps.control.flags & c.V4L2_HEVC_SPS_FLAG_SEPARATE_COLOUR_PLANE) bits.bits(2);
  if (isIdr(nal.type)) return { ...beginning, type, output };
  const pocLsb = bits.bits(sps.control.log2_max_pic_order_cnt_lsb_minus4 + 4);
  const setsBegin = bits.position;
  const shortTerm = shortTermSet(bits, sps.sets);
  const hasLongTerm = sps.control.flags & c.V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT;
  const longTerm = hasLongTerm ? longTermReferences(bits, sps) : [];
  const setsEnd = bits.position;
  return { ...beginning, type, output, pocLsb, shortTerm, longTerm, setsBegin, setsEnd };
}

/** Passes over pred_weight_table(). */
function weights(bits: BitReader, counts: readonly number[], chroma: boolean): void {
  bits.exponential();
  if (chroma) bits.signedExponential();
  for (const count of counts) {
    const luma = Array.from({ length: count }, () => bits.flag());
    const colour = Array.from({ length: count }, () => chroma && bits.flag());
    for (let i = 0; i < count; i++) {
      for (let values = (luma[i] ? 2 : 0) + (colour[i] ? 4 : 0); values > 0; values--) {
        bits.signedExponential();
      }
    }
  }
}

/** Passes over what only P and B slices have. */
function prediction(
  bits: BitReader,
  { type, parameters: { pps } }: Slice,
  pictures: number,
  chroma: boolean,
  motion: boolean,
): void {
  const has = (mask: number) => (pps.flags & mask) !== 0;
  const counts = [pps.num_ref_idx_l0_default_active_minus1 + 1];
  if (type === B) counts.push(pps.num_ref_idx_l1_default_active_minus1 + 1);
  if (bits.flag()) {
    for (const list of counts.keys()) {
      counts[list] = upTo(bits, MAX_REFERENCE_INDEX, "num_ref_idx_active_minus1") + 1;
    }
  }
  if (has(c.V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT) && pictures > 1) {
    for (const count of counts) {
      if (!bits.flag()) continue;
      for (let i = 0; i < count; i++) bits.bits(bitsFor(pictures));
    }
  }
  if (type === B) bits.bit();
  if (has(c.V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT)) bits.bit();
  if (motion) {
    const list = type === B && !bits.flag() ? 1 : 0;
    if (counts[list] > 1) bits.exponential();
  }
  const weighted = type === P
    ? c.V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED
    : c.V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED;
  if (has(weighted)) weights(bits, counts, chroma);
  bits.exponential();
}

/**
 * Passes over the rest of a header, behind its reference pictures.
 *
 * @param bits as `readSlice` left them; in the end they are at the byte where the slice's data begins
 * @param pictures that the slice refers to: NumPicTotalCurr
 * @returns bits of the header in front of the one that ends it
 * @throws {StreamError} where it is cut off, or a value is out of its range
 */
export function passHeader(bits: BitReader, slice: Slice, pictures: number): number {
  const { type, nal, parameters: { sps: { control: sps }, pps } } = slice;
  const has = (mask: number) => (pps.flags & mask) !== 0;
  const chroma = sps.chroma_format_idc !== 0;
  const motion = (sps.flags & c.V4L2_HEVC_SPS_FLAG_SPS_TEMPORAL_MVP_ENABLED) !== 0 &&
    !isIdr(nal.type) && bits.flag();
  let filtered = false;
  if (sps.flags & c.V4L2_HEVC_SPS_FLAG_SAMPLE_ADAPTIVE_OFFSET) {
    filtered = bits.flag();
    if (chroma && bits.flag()) filtered = true;
  }
  if (type !== I) prediction(bits, slice, pictures, chroma, motion);
  bits.signedExponential();
  if (has(c.V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT)) {
    bits.signedExponential();
    bits.signedExponential();
  }
  let deblocked = !has(c.V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER);
  if (has(c.V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED) && bits.flag()) {
    deblocked = !bits.flag();
    if (deblocked) {
      bits.signedExponential();
      bits.signedExponential();
    }
  }
  if (
    has(c.V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED) && (filtered || deblocked)
  ) bits.bit();
  passEntryPoints(bits, pps);
  if (has(c.V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT)) {
    const length = upTo(bits, MAX_EXTENSION, "slice_segment_header_extension_length");
    for (let i = 0; i < length; i++) bits.bits(8);
  }
  const end = bits.position;
  if (!bits.flag()) throw new StreamError("the header of a slice does not end where it should");
  while (bits.position % 8 !== 0) bits.bit();
  return end;
}

function passEntryPoints(bits: BitReader, { flags }: PpsControl): void {
  const parts = c.V4L2_HEVC_PPS_FLAG_TILES_ENABLED |
    c.V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED;
  const count = flags & parts ? upTo(bits, MAX_ENTRY_POINTS, "num_entry_point_offsets") : 0;
  if (count === 0) return;
  const width = upTo(bits, 31, "offset_len_minus1") + 1;
  for (let i = 0; i < count; i++) bits.bits(width);
}
