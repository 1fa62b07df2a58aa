/**
 * JUnit's XML, as CI services read it.
 *
 * @module
 */
import { countsOf, type Group, type Result } from "./results.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
  "\t": "&#9;",
};

/** Text as XML 1.0 has it, which has no way to write most control characters. */
function xml(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\0-\x08\x0b-\x1f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"\n\t]/g, (character) => ENTITIES[character]);
}

function testCase(group: string, { name, state, seconds, text }: Result): string {
  const attributes = `classname="${xml(group)}" name="${xml(name)}" time="${seconds.toFixed(3)}"`;
  switch (state) {
    case "passed":
      return `    <testcase ${attributes}><system-out>${xml(text)}</system-out></testcase>`;
    case "failed": {
      const message = xml(text.split("\n")[0]);
      return `    <testcase ${attributes}><failure message="${message}">${
        xml(text)
      }</failure></testcase>`;
    }
    case "skipped":
      return `    <testcase ${attributes}><skipped message="${xml(text)}"/></testcase>`;
  }
}

function totals(results: readonly Result[]): string {
  const { failed, skipped } = countsOf(results);
  const seconds = results.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(3);
  return `tests="${results.length}" failures="${failed}" errors="0" skipped="${skipped}" time="${seconds}"`;
}

/** A whole file: a `testsuite` for each group that has checks. */
export function junit(groups: readonly Group[]): string {
  const suites = groups.filter(({ results }) => results.length > 0).flatMap(({ name, results }) => [
    `  <testsuite name="${xml(name)}" ${totals(results)}>`,
    ...results.map((result) => testCase(name, result)),
    "  </testsuite>",
  ]);
  const all = groups.flatMap(({ results }) => results);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals(all)}>`,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}
