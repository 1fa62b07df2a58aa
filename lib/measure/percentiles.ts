/**
 * Percentiles of a sample, interpolated between the two nearest ranks.
 *
 * @module
 */

/** Quantile `q` (0..1) of ascending values; undefined of none. */
export function quantile(sorted: ArrayLike<number>, q: number): number | undefined {
  if (sorted.length === 0) return undefined;
  const rank = (sorted.length - 1) * q;
  const low = Math.floor(rank);
  const high = Math.ceil(rank);
  return sorted[low] + (sorted[high] - sorted[low]) * (rank - low);
}
