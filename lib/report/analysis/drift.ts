/**
 * Whether a run's thirds are of one kind: a figure of a run that drifted is one of no state of the machine.
 *
 * @module
 */
import { median } from "./percentiles.ts";

/** Medians of so many stretches stand for a third: neighbouring frames are alike, medians much less. */
const STRETCHES_EACH = 10;
const THIRDS = 3;
/** Below so many values a stretch's median is one frame or two. */
const LEAST_VALUES = 4 * THIRDS * STRETCHES_EACH;
/** Of chi squared with two degrees of freedom: steady runs are above it in one of a hundred. */
const BEYOND_CHANCE = 9.21;

/**
 * The medians of a run's thirds where they differ by more than noise and chance, by the test of Kruskal
 * and Wallis on the stretches.
 *
 * @param values in the order of the run
 * @param noise what does not matter, as a share
 * @returns undefined of a steady run, and of one too short to tell
 */
export function driftOf(values: readonly number[], noise: number): number[] | undefined {
  if (values.length < LEAST_VALUES) return undefined;
  const count = THIRDS * STRETCHES_EACH;
  const at = (stretch: number) => Math.round(stretch * values.length / count);
  const medians = Array.from({ length: count }, (_, i) => median(values.slice(at(i), at(i + 1))));
  const thirds = Array.from(
    { length: THIRDS },
    (_, i) => medians.slice(i * STRETCHES_EACH, (i + 1) * STRETCHES_EACH),
  );
  const middles = thirds.map(median);
  if (Math.max(...middles) <= Math.min(...middles) * (1 + noise)) return undefined;
  const rank = (value: number) =>
    medians.reduce((sum, other) => sum + (other < value ? 1 : other === value ? 0.5 : 0), 0.5);
  const sums = thirds.map((third) => third.reduce((sum, value) => sum + rank(value), 0));
  const h = 12 / (count * (count + 1)) *
      sums.reduce((sum, ranks) => sum + ranks ** 2 / STRETCHES_EACH, 0) - 3 * (count + 1);
  return h > BEYOND_CHANCE ? middles : undefined;
}
