/**
 * HEVC's slices with reference pictures that they name themselves, instead of by the sequence
 * parameter set. Source: ITU-T H.265, sections 7.3.6.1 and 7.3.7.
 *
 * @module
 */
import * as c from "../../uapi/v4l2_controls_hevc.ts";
import { writeUnit } from "../annexb.ts";
import { BitReader } from "../bits/reader.ts";
import type { BitWriter } from "../bits/writer.ts";
import { StreamError } from "../stream_error.ts";
import { MAX_REFERENCES, type Reference, type ShortTermSet } from "./reference_set.ts";
import type { SpsControl } from "./parameter_sets.ts";
import { type HeaderBytes, type LongTermReference, passHeader, type Slice } from "./slice.ts";

/** All pictures that a decoder is to keep. */
export interface ReferenceSets extends Pick<ShortTermSet, "negative" | "positive"> {
  readonly longTerm: readonly LongTermReference[];
}

const used = (references: readonly { readonly used: boolean }[]) =>
  references.filter(({ used }) => used).length;

function copyBits(to: BitWriter, from: BitReader, count: number): void {
  for (; count > 0; count--) to.flag(from.flag());
}

function half(bits: BitWriter, references: readonly Reference[]): void {
  let last = 0;
  for (const { delta, used } of references) {
    bits.exponential(Math.abs(delta - last) - 1, 0x7fff);
    bits.flag(used);
    last = delta;
  }
}

function writeLongTerm(
  bits: BitWriter,
  references: readonly LongTermReference[],
  lsbBits: number,
): void {
  // None is chosen from the sequence parameter set, which has none.
  bits.exponential(references.length, MAX_REFERENCES);
  let last = 0;
  for (const { lsb, used, cycle } of references) {
    bits.bits(lsb, lsbBits);
    bits.flag(used);
    bits.flag(cycle !== undefined);
    if (cycle === undefined) continue;
    bits.exponential(cycle - last, 2 ** 32 - 2);
    last = cycle;
  }
}

function writeSets(bits: BitWriter, sps: SpsControl, sets: ReferenceSets): void {
  const { negative, positive, longTerm } = sets;
  // short_term_ref_pic_set_sps_flag
  bits.flag(false);
  bits.exponential(negative.length, MAX_REFERENCES - 1);
  bits.exponential(positive.length, MAX_REFERENCES - 1);
  half(bits, negative);
  half(bits, positive);
  if (sps.flags & c.V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT) {
    writeLongTerm(bits, longTerm, sps.log2_max_pic_order_cnt_lsb_minus4 + 4);
  } else if (longTerm.length > 0) {
    throw new StreamError("a long-term reference in a sequence without any");
  }
}

/** A slice's NAL unit in two parts. */
export interface WrittenSlice {
  /** A start code, and all up to the slice's data. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** A view of the NAL unit that was there. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * A slice with other reference pictures in its header, for a sequence parameter set of `spsUnit`.
 *
 * @param slice neither of an IDR picture nor dependent: those name none
 * @param sets what its decoder is to keep; as many are used as the slice refers to
 * @throws {StreamError} the rest of the header is broken, or none can say what `sets` does
 */
export function withSets(
  bits: BitWriter,
  header: HeaderBytes,
  slice: Slice,
  sets: ReferenceSets,
): WrittenSlice {
  const { nal: { bytes: unit }, parameters, setsBegin, setsEnd } = slice;
  const pictures = used(sets.negative) + used(sets.positive) + used(sets.longTerm);
  const rest = new BitReader(header.bytes);
  for (let i = 0; i < setsEnd; i++) rest.bit();
  const end = passHeader(rest, slice, pictures);
  const from = new BitReader(header.bytes);
  bits.clear();
  copyBits(bits, from, setsBegin);
  writeSets(bits, parameters.sps.control, sets);
  for (let i = setsBegin; i < setsEnd; i++) from.bit();
  copyBits(bits, from, end - setsEnd);
  bits.stop();
  return {
    header: writeUnit([unit[0], unit[1]], bits.bytes),
    data: unit.subarray(header.inUnit(rest.bytesRead)),
  };
}
