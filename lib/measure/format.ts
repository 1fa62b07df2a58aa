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

/**
 * A number with so many digits behind the point, below 1 with three that count: nothing is rounded to none, and
 * nothing has an exponent: `180`, `0.333`, `0.000250`.
 */
export function formatNumber(value: number, digits: number): string {
  const size = Math.abs(value);
  if (size === 0 || size >= 1) return value.toFixed(digits);
  return value.toFixed(Math.min(100, Math.max(digits, 2 - Math.floor(Math.log10(size)))));
}

/** Frames a second as somebody asks for them: `30`, `29.97`. */
export function formatRate(rate: number): string {
  return formatNumber(rate, 3).replace(/\.?0+$/, "");
}

/** Behind a run's figures: how many frames it had forgotten, or that there is none that counts. */
export function formatWarmUp(frames: number, warmUp: number): string {
  if (frames > 0) return `after ${warmUp} to warm up`;
  return warmUp > 0 ? "stopped while warming up" : "stopped before the first";
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
