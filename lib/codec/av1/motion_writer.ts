/**
 * AV1's global motion parameters, each written as its difference to another frame's.
 * Source: AV1 Bitstream & Decoding Process Specification, sections 5.9.24 to 5.9.28 and 7.20.
 *
 * @module
 */
import { AV1_MOTION_PARAMETERS, AV1_NO_MOTION } from "./references.ts";
import type { BitWriter } from "../bits/writer.ts";
import { StreamError } from "../stream_error.ts";

const LAST_FRAME = 1;
const ALTREF_FRAME = 7;

const TRANSLATION = 1;
const ROTZOOM = 2;
const AFFINE = 3;

const PRECISION = 16;
const ALPHA = { bits: 12, precision: 15 };
const TRANS = { bits: 12, precision: 6 };
const TRANS_ONLY = { bits: 9, precision: 3 };
const TRANS_ONLY_COARSE = { bits: 8, precision: 2 };

/** The number that stands for `value`, small ones for what lies near `reference`. */
function recentre(reference: number, value: number): number {
  if (value > 2 * reference) return value;
  return value < reference ? 2 * (reference - value) - 1 : 2 * (value - reference);
}

/** decode_subexp: one of `count` values. */
function writeSubexponential(bits: BitWriter, value: number, count: number): void {
  const k = 3;
  let base = 0;
  for (let i = 0;; i++) {
    const width = i ? k + i - 1 : k;
    if (count <= base + 3 * 2 ** width) return bits.nonSymmetric(value - base, count - base);
    const more = value >= base + 2 ** width;
    bits.flag(more);
    if (!more) return bits.bits(value - base, width);
    base += 2 ** width;
  }
}

/** decode_signed_subexp_with_ref: a value from -most to most. */
function writeNear(bits: BitWriter, value: number, most: number, reference: number): void {
  const count = 2 * most + 1;
  const x = value + most;
  const near = reference + most;
  if (!(x >= 0 && x < count)) throw new StreamError("global motion out of range");
  const code = 2 * near <= count ? recentre(near, x) : recentre(count - 1 - near, count - 1 - x);
  writeSubexponential(bits, code, count);
}

/**
 * Writes global_motion_params() of a frame that is not intra.
 *
 * @param types V4L2_AV1_WARP_MODEL_* by reference frame
 * @param params as AV1_NO_MOTION has them
 * @param previous those of the primary reference frame
 * @param precise allow_high_precision_mv
 * @param kept gets what a decoder keeps of them
 * @throws {StreamError} parameters that cannot be written
 */
export function writeAv1Motion(
  bits: BitWriter,
  types: Uint32Array,
  params: Int32Array,
  previous: Int32Array,
  precise: boolean,
  kept: Int32Array,
): void {
  kept.set(AV1_NO_MOTION);
  for (let frame = LAST_FRAME; frame <= ALTREF_FRAME; frame++) {
    const type = types[frame];
    if (type > AFFINE) throw new StreamError(`global motion of type ${type}`);
    const first = frame * AV1_MOTION_PARAMETERS;
    const write = (index: number, { bits: width, precision }: typeof ALPHA) => {
      const at = first + index;
      const unit = 1 << (PRECISION - precision);
      // The diagonal is written as its difference to 1.
      const value = (params[at] - AV1_NO_MOTION[at]) / unit;
      if (!Number.isInteger(value)) throw new StreamError("global motion finer than its unit");
      const reference = (previous[at] >> (PRECISION - precision)) - AV1_NO_MOTION[at] / unit;
      writeNear(bits, value, 2 ** width, reference);
      kept[at] = params[at];
    };
    bits.flag(type > 0);
    if (type === 0) continue;
    bits.flag(type === ROTZOOM);
    if (type !== ROTZOOM) bits.flag(type === TRANSLATION);
    if (type >= ROTZOOM) {
      write(2, ALPHA);
      write(3, ALPHA);
      if (type === AFFINE) {
        write(4, ALPHA);
        write(5, ALPHA);
      } else {
        kept[first + 4] = -kept[first + 3];
        kept[first + 5] = kept[first + 2];
      }
    }
    const trans = type > TRANSLATION ? TRANS : precise ? TRANS_ONLY : TRANS_ONLY_COARSE;
    write(0, trans);
    write(1, trans);
  }
}
