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
 * the slowest frames do not push the others together.
 *
 * @param values in ns, in any order
 * @param width of a line, in characters
 */
export function bars(values: Float64Array, width: number): string[] {
  const sorted = values.filter((ns) => !Number.isNaN(ns)).sort();
  if (sorted.length === 0) return [];
  const [least] = sorted;
  const step = (quantile(sorted, 0.99)! - least) / (BARS - 1);
  const counts = new Uint32Array(step > 0 ? BARS : 1);
  for (const ns of sorted) {
    counts[step > 0 ? Math.min(BARS - 1, Math.floor((ns - least) / step)) : 0]++;
  }
  const most = Math.max(...counts);
  return Array.from(counts, (count, i) => {
    const from = formatNs(least + i * step).padStart(8);
    const label = `  ${i === BARS - 1 ? ">=" : "  "} ${from} ${String(count).padStart(6)}  `;
    const room = Math.max(0, width - label.length);
    return (label + "#".repeat(Math.ceil(count / most * room))).trimEnd();
  });
}
