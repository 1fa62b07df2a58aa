/**
 * Frames that come as two fields, each with its own OUTPUT buffer of the same time.
 *
 * @module
 */

/** Fields, a bit each: as MPEG-2's picture_structure, and as V4L2_H264_TOP_FIELD_REF and so on. */
const TOP = 1;
const BOTTOM = 2;
export const BOTH = 3;

/** Which fields there are of the latest frame. */
export class FieldPair {
  /** Timestamp of the latest frame, in 32-bit words. */
  low = 0;
  high = 0;
  #fields = 0;

  /** Whether the other field of the latest frame has not come. */
  get half(): boolean {
    return this.#fields === TOP || this.#fields === BOTTOM;
  }

  /** Whether a picture is just that field. */
  isSecond(fields: number, low: number, high: number): boolean {
    return this.half && fields !== BOTH && fields + this.#fields === BOTH &&
      this.low === low && this.high === high;
  }

  /** @param fields of a picture that begins a frame, or is the other field of the latest one */
  take(fields: number, low: number, high: number): void {
    this.#fields = this.isSecond(fields, low, high) ? BOTH : fields;
    this.low = low;
    this.high = high;
  }

  /** Nothing belongs to the latest frame any more. */
  clear(): void {
    this.#fields = 0;
  }
}
