/**
 * What came of checks, whoever made them, and how it is counted.
 *
 * @module
 */

/** How a check ended. */
export type State = "passed" | "failed" | "skipped";

/** One check. */
export interface Result {
  readonly name: string;
  readonly state: State;
  readonly seconds: number;
  /** What was compared, why it failed, or why it was skipped. */
  readonly text: string;
}

/** Checks that belong together. */
export interface Group {
  readonly name: string;
  readonly results: readonly Result[];
}

export type Counts = Readonly<Record<State, number>>;

/** How many ended how. */
export function countsOf(results: readonly Result[]): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { state } of results) counts[state]++;
  return counts;
}

/** The last line of a run: `N passed, N failed`, and `, N skipped` where there are any. */
export function closing({ passed, failed, skipped }: Counts): string {
  const counts = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? counts : `${counts}, ${skipped} skipped`;
}
