/**
 * Frames that a sequence number skips.
 *
 * @module
 */

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
 * Finds the gaps of 32-bit sequence numbers, which may wrap.
 *
 * @param frame each row's own number: rows that are gone from the file are no lost frames
 */
export function sequenceGaps(sequence: ArrayLike<number>, frame: ArrayLike<number>): Gaps {
  let gaps = 0;
  let lost = 0;
  let backwards = 0;
  for (let row = 1; row < sequence.length; row++) {
    const step = (sequence[row] - sequence[row - 1]) | 0;
    const skipped = step - (frame[row] - frame[row - 1]);
    if (step <= 0) {
      backwards++;
    } else if (skipped > 0) {
      gaps++;
      lost += skipped;
    }
  }
  return { gaps, lost, backwards };
}
