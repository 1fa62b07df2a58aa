/**
 * Percentiles of a sample by the nearest rank, as the tools' own histogram has them: each is a value that
 * was measured.
 *
 * @module
 */
import { nearestRank, type Summary } from "../../measure/histogram.ts";
import type { Numbers } from "./table.ts";

/** What a sample looks like, in the unit of its values. */
export interface Statistics extends Summary {
  readonly mean: number;
}

/** Quantile `q` (0..1) of ascending values: a share `q` of them is not above it. Undefined of none. */
export function quantile(sorted: ArrayLike<number>, q: number): number | undefined {
  return sorted.length === 0 ? undefined : sorted[nearestRank(q, sorted.length) - 1];
}

/** Between the two ranks beside it: of a few runs' figures the nearest rank would be a jump. */
export function interpolated(sorted: readonly number[], q: number): number {
  const rank = (sorted.length - 1) * q;
  const low = Math.floor(rank);
  const high = Math.ceil(rank);
  return sorted[low] + (sorted[high] - sorted[low]) * (rank - low);
}

/** The middle of values in any order, of which there is one at least. */
export function median(values: readonly number[]): number {
  return interpolated(values.toSorted((a, b) => a - b), 0.5);
}

/** Summary of a sample in any order, without what is not a number; undefined of none. */
export function statistics(values: Numbers): Statistics | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return undefined;
  return {
    count: sorted.length,
    min: sorted[0],
    mean: meanOf(sorted),
    p50: quantile(sorted, 0.5)!,
    p95: quantile(sorted, 0.95)!,
    p99: quantile(sorted, 0.99)!,
    max: sorted[sorted.length - 1],
  };
}

function meanOf(values: Numbers): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** Which value most are: the first of those that are there as often; undefined of none. */
export function mostFrequent(values: Iterable<number>): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let [best, most]: [number | undefined, number] = [undefined, 0];
  for (const [value, count] of counts) if (count > most) [best, most] = [value, count];
  return best;
}
