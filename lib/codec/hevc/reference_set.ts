/**
 * HEVC's short-term reference picture sets: which pictures a decoder keeps, and which of them the
 * current one refers to. Source: ITU-T H.265, sections 7.3.7 and 7.4.8.
 *
 * @module
 */
import type { BitReader } from "../bits/reader.ts";
import { upTo } from "../bits/up_to.ts";
import { StreamError } from "../stream_error.ts";

export const MAX_REFERENCES = 16;
const MAX_DELTA = 0x8000;

/** One picture of a set. */
export interface Reference {
  /** Its picture order count less that of the current picture. */
  readonly delta: number;
  /** The current picture refers to it. */
  readonly used: boolean;
}

/** Each half with the picture that is nearest to the current one first. */
export interface ShortTermSet {
  readonly negative: readonly Reference[];
  readonly positive: readonly Reference[];
  /** How many pictures the set has that it is predicted from; 0 where it is not. */
  readonly predictedFrom: number;
}

function half(bits: BitReader, count: number, sign: 1 | -1): Reference[] {
  let delta = 0;
  return Array.from({ length: count }, () => {
    delta += sign * (upTo(bits, MAX_DELTA - 1, "delta_poc_minus1") + 1);
    return { delta, used: bits.flag() };
  });
}

function predicted(bits: BitReader, from: ShortTermSet): ShortTermSet {
  const sign = bits.flag() ? -1 : 1;
  const shift = sign * (upTo(bits, MAX_DELTA - 1, "abs_delta_rps_minus1") + 1);
  const deltas = [...from.negative, ...from.positive].map(({ delta }) => delta + shift);
  const references: Reference[] = [];
  for (const delta of [...deltas, shift]) {
    const used = bits.flag();
    if (used || bits.flag()) references.push({ delta, used });
  }
  return {
    negative: references.filter(({ delta }) => delta < 0).sort((a, b) => b.delta - a.delta),
    positive: references.filter(({ delta }) => delta > 0).sort((a, b) => a.delta - b.delta),
    predictedFrom: deltas.length,
  };
}

/**
 * Reads st_ref_pic_set().
 *
 * @param sets of the sequence, all that come before it
 * @param inSlice whether a slice has it, which may be predicted from any of them
 * @throws {StreamError} where it is cut off, or a value is out of its range
 */
export function readShortTermSet(
  bits: BitReader,
  sets: readonly ShortTermSet[],
  inSlice: boolean,
): ShortTermSet {
  let set: ShortTermSet;
  if (sets.length > 0 && bits.flag()) {
    const back = inSlice ? upTo(bits, sets.length - 1, "delta_idx_minus1") + 1 : 1;
    set = predicted(bits, sets[sets.length - back]);
  } else {
    const negative = upTo(bits, MAX_REFERENCES, "num_negative_pics");
    const positive = upTo(bits, MAX_REFERENCES - negative, "num_positive_pics");
    set = {
      negative: half(bits, negative, -1),
      positive: half(bits, positive, 1),
      predictedFrom: 0,
    };
  }
  const count = set.negative.length + set.positive.length;
  if (count > MAX_REFERENCES) throw new StreamError(`${count} pictures in a reference picture set`);
  return set;
}
