/**
 * H.264's picture order count. Source: ITU-T H.264, section 8.2.1.
 *
 * @module
 */
import type { Slice } from "./slice.ts";

/** The order counts of a picture's fields; of one field alone, both are its own. */
interface FieldCounts {
  top: number;
  bottom: number;
}

/** Counts the pictures (frames or fields) of a stream in decoding order. */
export class PictureOrder {
  /** Of the last reference picture: the two parts of its count, type 0. */
  #msb = 0;
  #lsb = 0;
  /** Of the last picture, types 1 and 2. */
  #frameNum = 0;
  #frameNumOffset = 0;

  /** The count of the next picture: of a frame, the lower of its fields'. */
  next(slice: Slice): number {
    const { top, bottom } = slice.sps.pocType === 0 ? this.#type0(slice) : this.#type1or2(slice);
    const count = Math.min(top, bottom);
    if (!slice.forgetsAll) return count;
    // From here on the picture counts as if it had been number 0.
    this.#msb = 0;
    this.#lsb = slice.bottom ? 0 : top - count;
    this.#frameNum = 0;
    this.#frameNumOffset = 0;
    return 0;
  }

  #type0(slice: Slice): FieldCounts {
    if (slice.idr) this.#msb = this.#lsb = 0;
    const { pocLsb, sps: { pocLsbBits } } = slice;
    const range = 2 ** pocLsbBits;
    let msb = this.#msb;
    if (pocLsb < this.#lsb && this.#lsb - pocLsb >= range / 2) msb += range;
    else if (pocLsb > this.#lsb && pocLsb - this.#lsb > range / 2) msb -= range;
    if (slice.reference) {
      this.#msb = msb;
      this.#lsb = pocLsb;
    }
    const top = msb + pocLsb;
    return { top, bottom: slice.field ? top : top + slice.deltaPocBottom };
  }

  #type1or2(slice: Slice): FieldCounts {
    const { sps, frameNum, reference } = slice;
    if (slice.idr) this.#frameNumOffset = 0;
    else if (this.#frameNum > frameNum) this.#frameNumOffset += 2 ** sps.frameNumBits;
    this.#frameNum = frameNum;
    const number = this.#frameNumOffset + frameNum;
    if (sps.pocType === 2) {
      const count = 2 * number - (reference ? 0 : 1);
      return { top: count, bottom: count };
    }
    const cycle = sps.offsetForRefFrame;
    const steps = cycle.length === 0 ? 0 : number - (!reference && number > 0 ? 1 : 0);
    const sum = (count: number) => cycle.slice(0, count).reduce((a, b) => a + b, 0);
    let expected = Math.floor(steps / (cycle.length || 1)) * sum(cycle.length) +
      sum(steps % (cycle.length || 1));
    if (!reference) expected += sps.offsetForNonRefPic;
    const top = expected + slice.deltaPoc[0];
    const bottom = top + sps.offsetForTopToBottomField + slice.deltaPoc[1];
    if (!slice.field) return { top, bottom };
    return slice.bottom ? { top: bottom, bottom } : { top, bottom: top };
  }
}
