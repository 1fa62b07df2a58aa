/**
 * H.264's slice header, as far as memory_management_control_operation.
 * Source: ITU-T H.264, sections 7.3.3 and 7.4.1.2.4.
 *
 * @module
 */
import { type Nal, NalReader } from "../annexb.ts";
import type { BitReader } from "../bits/reader.ts";
import { upTo } from "../bits/up_to.ts";
import { NAL_SLICE_IDR } from "./nal_types.ts";
import type { Pps, Sps } from "./sps.ts";
import { StreamError } from "../stream_error.ts";

const B = 1;
const I = 2;
const SI = 4;
const MAX_REFERENCES = 32;
const MAX_PPS_ID = 255;

/** What the first bits of a slice say of its picture. */
export interface Slice {
  readonly sps: Sps;
  readonly pps: Pps;
  readonly firstMb: number;
  readonly idr: boolean;
  /** nal_ref_idc is not 0. */
  readonly reference: boolean;
  readonly frameNum: number;
  readonly field: boolean;
  readonly bottom: boolean;
  readonly idrPicId: number;
  readonly pocLsb: number;
  readonly deltaPocBottom: number;
  readonly deltaPoc: readonly [number, number];
  /** 0 of a primary coded picture. */
  readonly redundant: number;
  /** memory_management_control_operation 5: all references are forgotten, and POC starts anew. */
  readonly forgetsAll: boolean;
}

/**
 * Whether a slice refers to no other picture.
 *
 * @param payload behind the NAL unit's header
 * @throws {StreamError} it is cut off
 */
export function isIntra(payload: Uint8Array): boolean {
  const bits = new NalReader(payload);
  bits.exponential();
  const type = upTo(bits, 9, "slice_type") % 5;
  return type === I || type === SI;
}

/** Passes over ref_pic_list_modification() of one list. */
function listModification(bits: BitReader): void {
  if (!bits.flag()) return;
  while (upTo(bits, 3, "modification_of_pic_nums_idc") !== 3) bits.exponential();
}

/** Passes over the weights of one list. */
function weights(bits: BitReader, references: number, chroma: boolean): void {
  for (let i = 0; i < references; i++) {
    if (bits.flag()) {
      bits.signedExponential();
      bits.signedExponential();
    }
    if (!chroma || !bits.flag()) continue;
    for (let value = 0; value < 4; value++) bits.signedExponential();
  }
}

/** Reads the operations of dec_ref_pic_marking(); says whether one is number 5. */
function forgetsAll(bits: BitReader): boolean {
  let found = false;
  if (!bits.flag()) return found;
  for (;;) {
    const operation = upTo(bits, 6, "memory_management_control_operation");
    if (operation === 0) return found;
    if (operation === 5) found = true;
    else bits.exponential();
    if (operation === 3) bits.exponential();
  }
}

/** Reads a header as far as which field the picture is. */
function readBeginning(
  bits: BitReader,
  ppsOf: (id: number) => Pps | undefined,
  spsOf: (id: number) => Sps | undefined,
) {
  const firstMb = bits.exponential();
  const type = upTo(bits, 9, "slice_type") % 5;
  const ppsId = upTo(bits, MAX_PPS_ID, "pic_parameter_set_id");
  const pps = ppsOf(ppsId);
  if (!pps) throw new StreamError(`a slice refers to picture parameter set ${ppsId}: not there`);
  const sps = spsOf(pps.spsId);
  if (!sps) {
    throw new StreamError(`a slice refers to sequence parameter set ${pps.spsId}: not there`);
  }
  if (sps.separatePlanes) bits.bits(2);
  const frameNum = bits.bits(sps.frameNumBits);
  const field = !sps.frameMbsOnly && bits.flag();
  const bottom = field && bits.flag();
  return { firstMb, type, pps, sps, frameNum, field, bottom };
}

/** Fields of a frame, a bit each, as V4L2_H264_TOP_FIELD_REF and so on have them. */
export const TOP_FIELD = 1;
export const BOTTOM_FIELD = 2;
export const BOTH_FIELDS = 3;

/**
 * Which field a slice is of: TOP_FIELD or BOTTOM_FIELD, or BOTH_FIELDS of a frame.
 *
 * @param payload behind the NAL unit's header
 * @throws {StreamError} where it is cut off, or its parameter sets are not there
 */
export function fieldsOf(
  payload: Uint8Array,
  ppsOf: (id: number) => Pps | undefined,
  spsOf: (id: number) => Sps | undefined,
): number {
  const { field, bottom } = readBeginning(new NalReader(payload), ppsOf, spsOf);
  if (!field) return BOTH_FIELDS;
  return bottom ? BOTTOM_FIELD : TOP_FIELD;
}

/**
 * Reads a slice's header.
 *
 * @param nal of type 1, 2 or 5
 * @throws {StreamError} where it is cut off, or its parameter sets are not there
 */
export function readSlice(
  nal: Nal,
  ppsOf: (id: number) => Pps | undefined,
  spsOf: (id: number) => Sps | undefined,
): Slice {
  const bits = new NalReader(nal.payload);
  const idr = nal.type === NAL_SLICE_IDR;
  const reference = nal.refIdc !== 0;
  const { firstMb, type, pps, sps, frameNum, field, bottom } = readBeginning(bits, ppsOf, spsOf);
  const idrPicId = idr ? bits.exponential() : 0;
  let pocLsb = 0;
  let deltaPocBottom = 0;
  const deltaPoc: [number, number] = [0, 0];
  const both = pps.bottomFieldPocInFrame && !field;
  if (sps.pocType === 0) {
    pocLsb = bits.bits(sps.pocLsbBits);
    if (both) deltaPocBottom = bits.signedExponential();
  } else if (sps.pocType === 1 && !sps.deltaPocAlwaysZero) {
    deltaPoc[0] = bits.signedExponential();
    if (both) deltaPoc[1] = bits.signedExponential();
  }
  const redundant = pps.redundantPictures ? bits.exponential() : 0;
  const forgets = reference && !idr && marking(bits, type, pps, sps);
  return {
    sps,
    pps,
    firstMb,
    idr,
    reference,
    frameNum,
    field,
    bottom,
    idrPicId,
    pocLsb,
    deltaPocBottom,
    deltaPoc,
    redundant,
    forgetsAll: forgets,
  };
}

/** From redundant_pic_cnt to the reference marking of a picture that is no IDR. */
function marking(bits: BitReader, type: number, pps: Pps, sps: Sps): boolean {
  const intra = type === I || type === SI;
  if (type === B) bits.bit();
  let [list0, list1] = pps.defaultReferences;
  if (!intra) {
    if (bits.flag()) {
      list0 = upTo(bits, MAX_REFERENCES - 1, "num_ref_idx_l0_active_minus1") + 1;
      if (type === B) list1 = upTo(bits, MAX_REFERENCES - 1, "num_ref_idx_l1_active_minus1") + 1;
    }
    listModification(bits);
    if (type === B) listModification(bits);
    if (type === B ? pps.weightedBipred === 1 : pps.weightedPrediction) {
      const chroma = sps.chroma !== "4:0:0" && !sps.separatePlanes;
      bits.exponential();
      if (chroma) bits.exponential();
      weights(bits, list0, chroma);
      if (type === B) weights(bits, list1, chroma);
    }
  }
  return forgetsAll(bits);
}

/** Whether two slices are of different primary coded pictures: section 7.4.1.2.4. */
export function beginsPicture(last: Slice, next: Slice): boolean {
  return last.frameNum !== next.frameNum || last.pps.id !== next.pps.id ||
    last.sps.id !== next.sps.id || last.field !== next.field || last.bottom !== next.bottom ||
    last.reference !== next.reference || last.idr !== next.idr ||
    last.idrPicId !== next.idrPicId || last.pocLsb !== next.pocLsb ||
    last.deltaPocBottom !== next.deltaPocBottom || last.deltaPoc[0] !== next.deltaPoc[0] ||
    last.deltaPoc[1] !== next.deltaPoc[1];
}

/** Whether `next`, right behind `first` in decoding order, is the other field of its frame. */
export function isOtherField(first: Slice, next: Slice): boolean {
  const frameNum = first.forgetsAll ? 0 : first.frameNum;
  return first.field && next.field && first.bottom !== next.bottom && next.frameNum === frameNum &&
    first.sps === next.sps && (first.reference || !next.reference) && (first.idr || !next.idr);
}
