/**
 * A small histogram of characters.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import { quantile } from "./analysis/percentiles.ts";

const BARS = 8;

/**
 * A line for each of equal steps from the least value to the 99th percentile, and one for what lies above:
 * the slowest frames do not push the others together. Where nearly all are alike, one for these and one for others.
 *
 * @param values in ns, in any order
 * @param width of a line, in characters
 */
export function bars(values: Float64Array, width: number): string[] {
  const sorted = values.filter((ns) => !Number.isNaN(ns)).sort();
  if (sorted.length === 0) return [];
  const [least] = sorted;
  const step = (quantile(sorted, 0.99)! - least) / (BARS - 1);
  const above = sorted.find((ns) => ns > least);
  const from = step > 0
    ? Array.from({ length: BARS }, (_, i) => least + i * step)
    : above === undefined
    ? [least]
    : [least, above];
  const counts = new Uint32Array(from.length);
  for (const ns of sorted) {
    const bar = step > 0 ? Math.floor((ns - least) / step) : ns > least ? 1 : 0;
    counts[Math.min(from.length - 1, bar)]++;
  }
  const most = Math.max(...counts);
  return Array.from(counts, (count, i) => {
    const isRest = i > 0 && i === counts.length - 1;
    const least = formatNs(from[i]).padStart(8);
    const label = `  ${isRest ? ">=" : "  "} ${least} ${String(count).padStart(6)}  `;
    const room = Math.max(0, width - label.length);
    return (label + "#".repeat(Math.ceil(count / most * room))).trimEnd();
  });
}
