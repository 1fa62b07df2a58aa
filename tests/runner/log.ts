/**
 * What a step's log says of the checks inside.
 *
 * @module
 */
import type { Counts, Result, State } from "../harness/results.ts";

const STATES: Readonly<Record<string, State>> = {
  ok: "passed",
  FAILED: "failed",
  skipped: "skipped",
};

/** A log without colours. */
// deno-lint-ignore no-control-regex
export const plain = (text: string) => text.replaceAll(/\x1b\[[\d;]*m/g, "");

/**
 * A suite's own results, by its lines: `ok      1.2 s  NAME: TEXT` or `ok: NAME: TEXT`.
 *
 * @param untimed only those of the second form
 */
export function resultsIn(log: string, untimed = false): Result[] {
  const lines = log.matchAll(/^(ok|FAILED|skipped)(?:: | +)(?:([\d.]+) s +)?(.*): (.*)$/gm);
  return [...lines].filter(([, , seconds]) => !untimed || seconds === undefined)
    .map(([, word, seconds = "0", name, text]) => (
      { name, state: STATES[word], seconds: Number(seconds), text }
    ));
}

/** How suites close, added up: `N passed, N failed[, N skipped]`, or Deno's words for it. */
export function closingCounts(log: string): Counts | undefined {
  const lines = [
    ...log.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm),
    ...log.matchAll(/^.* \| (\d+) passed(?: \(.*\))? \| (\d+) failed(?:.* (\d+) ignored)?.*$/gm),
  ];
  if (lines.length === 0) return undefined;
  const sum = (part: number) => lines.reduce((sum, line) => sum + Number(line[part] ?? 0), 0);
  return { passed: sum(1), failed: sum(2), skipped: sum(3) };
}
