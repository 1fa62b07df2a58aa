/**
 * How random calls ended.
 *
 * @module
 */

/** Calls counted by their result. */
export interface Tally {
  calls: number;
  succeeded: number;
  /** Frames, or metadata entries, that came out. */
  results: number;
  /** By errno, a call that failed with it. */
  readonly errnos: Record<number, string>;
}

export function emptyTally(): Tally {
  return { calls: 0, succeeded: 0, results: 0, errnos: {} };
}

/** Counts one call, and passes on what it returned: a negated errno, or success. */
export function count(tally: Tally, call: string, result: number): number {
  tally.calls++;
  if (result >= 0) tally.succeeded++;
  else tally.errnos[-result] = call;
  return result;
}
