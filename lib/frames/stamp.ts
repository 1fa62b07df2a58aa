/**
 * The number that `loop-write --stamp` puts into a frame's first four bytes, as a little-endian u32:
 * what arrives at a reader can be told from what was written.
 *
 * @module
 */

/** Bytes of a stamp. */
export const STAMP_BYTES = 4;

/** The number in a frame's pixels. */
export function stampOf(frame: Uint8Array): number {
  return (frame[0] | frame[1] << 8 | frame[2] << 16 | frame[3] << 24) >>> 0;
}

/** Puts a number into a frame's pixels. */
export function writeStamp(frame: Uint8Array, number: number): void {
  frame[0] = number;
  frame[1] = number >>> 8;
  frame[2] = number >>> 16;
  frame[3] = number >>> 24;
}
