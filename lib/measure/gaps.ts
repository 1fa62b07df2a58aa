/**
 * Frames that a sequence number skips.
 *
 * @module
 */

/**
 * From one 32-bit sequence number to a later frame's: 1 between neighbours, also where the numbers
 * wrap; 0 of a frame that is had again, negative where the numbers began anew.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(sequenceStep(41, 42), 1);
 * assertEquals(sequenceStep(0xffff_ffff, 0), 1);
 * assertEquals(sequenceStep(42, 0), -42);
 * ```
 */
export function sequenceStep(from: number, to: number): number {
  return (to - from) | 0;
}

/**
 * Frames that are missing between two that were had.
 *
 * @param step of their sequence numbers; none are missing where it does not go forward
 * @param frames how many frames the later one is after the earlier by its own count
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(missingFrames(sequenceStep(41, 42)), 0);
 * assertEquals(missingFrames(sequenceStep(41, 45)), 3);
 * assertEquals(missingFrames(sequenceStep(42, 0)), 0);
 * ```
 */
export function missingFrames(step: number, frames = 1): number {
  return step > frames ? step - frames : 0;
}

/** What a column of sequence numbers says about frames that never came. */
export interface Gaps {
  /** How often a number was skipped. */
  readonly gaps: number;
  /** How many numbers were skipped in all. */
  readonly lost: number;
  /** How often a number was not above the one before. */
  readonly backwards: number;
}

/**
 * Finds the gaps of a column.
 *
 * @param frame each row's own number: rows that are gone from the file are no lost frames
 */
export function sequenceGaps(sequence: ArrayLike<number>, frame: ArrayLike<number>): Gaps {
  const found = { gaps: 0, lost: 0, backwards: 0 };
  for (let row = 1; row < sequence.length; row++) {
    const step = sequenceStep(sequence[row - 1], sequence[row]);
    const missing = missingFrames(step, frame[row] - frame[row - 1]);
    if (step <= 0) found.backwards++;
    if (missing > 0) found.gaps++;
    found.lost += missing;
  }
  return found;
}
