/**
 * Figures with their units.
 *
 * @module
 */

import type { Summary } from "./histogram.ts";

/** Nanoseconds in three digits and the unit that suits them: `812 ns`, `14.2 us`, `33.3 ms`. */
export function formatNs(ns: number): string {
  const units = [["s", 1e9], ["ms", 1e6], ["us", 1e3]] as const;
  for (const [unit, size] of units) {
    const value = ns / size;
    // 999.5 and more would print as four digits.
    if (Math.abs(value) >= 0.9995) {
      return `${
        value.toFixed(Math.abs(value) < 9.995 ? 2 : Math.abs(value) < 99.95 ? 1 : 0)
      } ${unit}`;
    }
  }
  return `${Math.round(ns)} ns`;
}

/** A number and its noun: `1 frame`, `300 frames`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Behind how many entries of metadata were lost, where the first one that was read follows an overrun. */
export const BEFORE_FIRST = " and an unknown number before the first";

/** One indented line of percentiles, none where nothing was recorded. */
export function formatSummary(name: string, summary: Summary | undefined): string[] {
  if (summary === undefined) return [];
  const { p50, p95, p99, max } = summary;
  const figures = Object.entries({ p50, p95, p99, max })
    .map(([label, ns]) => `${label} ${formatNs(ns).padStart(7)}`);
  return [`  ${name.padEnd(28)}${figures.join("  ")}`];
}
