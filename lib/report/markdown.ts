/**
 * Tables in Markdown.
 *
 * @module
 */

/** Text as it can stand in a cell, or in a line. */
export const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

/** The lines of a table, or of what stands in place of an empty one. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  if (rows.length === 0) return ["Not run here."];
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)];
}
