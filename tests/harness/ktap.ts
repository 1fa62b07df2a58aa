/**
 * KTAP, version 1: the kernel's Documentation/dev-tools/ktap.rst. A group is a test whose checks are
 * its subtests.
 *
 * @module
 */
import { countsOf, type Group, type Result } from "./results.ts";

/** The lines before the first of so many groups. */
export const ktapBegin = (groups: number): string[] => ["KTAP version 1", `1..${groups}`];

/** A description, which ends at a `#` and at the line's end. */
const plain = (text: string) => text.replaceAll("#", "").replace(/\s+/g, " ").trim();

function line(number: number, { name, state, text }: Omit<Result, "seconds">): string {
  const word = state === "failed" ? "not ok" : "ok";
  return `${word} ${number} ${plain(name)}${state === "skipped" ? ` # SKIP ${plain(text)}` : ""}`;
}

/** What was compared is said before its result, as diagnostic lines. */
function diagnostics({ state, text }: Result): string[] {
  return state === "skipped" || text === "" ? [] : text.split("\n").map((part) => `# ${part}`);
}

/** The lines of group `number`, from 1. */
export function ktapGroup(number: number, { name, results }: Group): string[] {
  const { passed, failed } = countsOf(results);
  const checks = results.flatMap((result, i) => [...diagnostics(result), line(i + 1, result)]);
  const state = failed > 0 ? "failed" : passed > 0 ? "passed" : "skipped";
  const text = state === "skipped" ? "none of it could be checked" : "";
  return [
    ...["KTAP version 1", `1..${results.length}`, ...checks].map((line) => `  ${line}`),
    line(number, { name, state, text }),
  ];
}
