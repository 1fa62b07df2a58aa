/**
 * HEVC's picture order count. Source: ITU-T H.265, section 8.3.1.
 *
 * @module
 */
import { countsOn, isIrap } from "./nal.ts";
import type { Slice } from "./slice.ts";

/** Counts the pictures of a stream in decoding order. */
export class PictureOrder {
  /** Of the last picture that others count on. */
  last = 0;

  /**
   * The count of the next picture.
   *
   * @param slice its first one
   * @param anew nothing before it is of its sequence: what is an IRAP picture counts from 0 on
   */
  next({ nal, pocLsb, parameters: { sps } }: Slice, anew: boolean): number {
    const range = 2 ** (sps.control.log2_max_pic_order_cnt_lsb_minus4 + 4);
    const lastLsb = (this.last % range + range) % range;
    let high = this.last - lastLsb;
    if (anew && isIrap(nal.type)) high = 0;
    else if (pocLsb < lastLsb && lastLsb - pocLsb >= range / 2) high += range;
    else if (pocLsb > lastLsb && pocLsb - lastLsb > range / 2) high -= range;
    const count = high + pocLsb;
    if (countsOn(nal)) this.last = count;
    return count;
  }
}
