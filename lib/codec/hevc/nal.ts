/**
 * HEVC's NAL units. Source: ITU-T H.265, section 7.3.1 and table 7-1.
 *
 * @module
 */
import { type Unit, unitsOf } from "../annexb.ts";

/** Bytes of a unit's header. */
export const NAL_HEADER = 2;

const NAL_TRAIL_R = 1;
const NAL_RADL_R = 7;
const NAL_RASL_N = 8;
const NAL_RASL_R = 9;
const NAL_BLA_W_LP = 16;
const NAL_IDR_W_RADL = 19;
const NAL_IDR_N_LP = 20;
const NAL_CRA = 21;
const NAL_RESERVED_IRAP_23 = 23;
export const NAL_VPS = 32;
export const NAL_SPS = 33;
export const NAL_PPS = 34;
const NAL_DELIMITER = 35;
const NAL_END_OF_SEQUENCE = 36;
const NAL_END_OF_BITSTREAM = 37;
export const NAL_PREFIX_SEI = 39;

/** Whether a unit has a slice segment. */
export const isSlice = (type: number) =>
  type <= NAL_RASL_R || type >= NAL_BLA_W_LP && type <= NAL_CRA;

/** Intra random access point picture: IDR, BLA or CRA. */
export const isIrap = (type: number) => type >= NAL_BLA_W_LP && type <= NAL_RESERVED_IRAP_23;

export const isIdr = (type: number) => type === NAL_IDR_W_RADL || type === NAL_IDR_N_LP;

/** Whether a picture forgets all before it, wherever it is: IDR and BLA, but not CRA. */
export const forgetsAll = (type: number) => isIrap(type) && type < NAL_CRA;

/** A picture that needs what came before the random access point in front of it. */
export const isRasl = (type: number) => type === NAL_RASL_N || type === NAL_RASL_R;

/** Whether the picture order counts of those behind it are coded against its own. */
export const countsOn = ({ type, temporalId }: HevcNal) =>
  temporalId === 0 && type !== NAL_RADL_R && type !== NAL_RASL_R &&
  (type >= NAL_BLA_W_LP || type % 2 === NAL_TRAIL_R);

/** Whether a sequence is over: a CRA picture behind it is as if the stream began. */
export const endsSequence = (type: number) =>
  type === NAL_END_OF_SEQUENCE || type === NAL_END_OF_BITSTREAM;

/** Whether a unit between two slices begins the access unit of the second one: section 7.4.2.4.4. */
export const beginsAccessUnit = (type: number) =>
  type >= NAL_VPS && type <= NAL_DELIMITER || type === NAL_PREFIX_SEI ||
  type >= 41 && type <= 44 || type >= 48 && type <= 55;

/** One NAL unit of the base layer. */
export interface HevcNal extends Unit {
  /** nal_unit_type */
  readonly type: number;
  readonly temporalId: number;
}

/** What the header of a unit says; undefined of another layer's, or where it is broken. */
export function hevcNal({ start, bytes }: Unit): HevcNal | undefined {
  if (bytes.length <= NAL_HEADER) return undefined;
  const layer = (bytes[0] & 1) << 5 | bytes[1] >> 3;
  const temporalId = (bytes[1] & 7) - 1;
  if (layer !== 0 || temporalId < 0) return undefined;
  return { type: bytes[0] >> 1 & 0x3f, temporalId, start, bytes };
}

/**
 * The units of a stream's base layer.
 *
 * @param offset of `bytes` in the file
 */
export function* hevcNals(bytes: Uint8Array<ArrayBuffer>, offset = 0): Generator<HevcNal> {
  for (const unit of unitsOf(bytes, offset)) {
    const nal = hevcNal(unit);
    if (nal) yield nal;
  }
}

/** Whether a byte stream begins as one of HEVC does: with what comes before slices. */
export function isHevcStream(bytes: Uint8Array<ArrayBuffer>): boolean {
  const one = bytes.subarray(0, 64).findIndex((byte) => byte !== 0);
  if (one < 2 || bytes[one] !== 1 || bytes.length < one + 1 + NAL_HEADER) return false;
  const [first, second] = bytes.subarray(one + 1);
  // What H.264 has there are units of types that no stream begins with.
  return beginsAccessUnit(first >> 1) && first >> 1 <= NAL_PREFIX_SEI && (first & 1) === 0 &&
    second === 1;
}
