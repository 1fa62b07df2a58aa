/**
 * How sure a ratio between two sides is, from pairs of runs that were made by turns.
 *
 * A run's figure is compared with that of the run beside it, so what drifts on the machine cancels, and
 * what is left of the logarithm of their ratio is spread alike to both sides, however heavy its tails.
 * For such values the mean of any subset is as likely as another to be the first above the truth
 * (Hartigan, "Using Subsample Values as Typical Values", 1969), so the interval is between two of the
 * sorted means: with five pairs it covers 93.75 %, with six 96.9 %, with more 95 %. The bootstrap-t
 * interval was tried: of runs with heavy tails it went down to 90.3 %. `tests/unit/resample_test.ts`
 * counts.
 *
 * @module
 */
import { interpolated } from "./percentiles.ts";

/** Below so many pairs nothing reaches 93 %: the interval from the least to the most of four covers 87.5 %. */
export const LEAST_PAIRS = 5;

/** What a ratio may be off by and matters to nobody, where nobody says what does. */
export const UNIMPORTANT = 0.03;

/** All subsets of up to so many pairs; of more pairs as many subsets by chance. */
const ALL_SUBSETS_OF = 10;
const OUTSIDE = 0.05;

/** Between what a ratio lies with 95 % confidence. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** xorshift32: the same runs give the same interval. */
function randomSource(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}

/** The mean of ratios that multiply: of a half and a double it is 1. */
export function meanRatio(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

/** The means of subsets that are not empty, ascending. */
function subsetMeans(values: Float64Array): Float64Array {
  const all = values.length <= ALL_SUBSETS_OF;
  const means = new Float64Array(2 ** Math.min(values.length, ALL_SUBSETS_OF) - 1);
  const random = randomSource();
  for (let subset = 1; subset <= means.length;) {
    let [sum, count] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      if (all ? (subset >> i & 1) === 0 : random() < 0.5) continue;
      sum += values[i];
      count++;
    }
    if (count > 0) means[subset++ - 1] = sum / count;
  }
  return means.sort();
}

/**
 * The interval of a ratio.
 *
 * @param ratios of each pair, above 0
 * @returns undefined for less than `LEAST_PAIRS`
 */
export function ratioInterval(ratios: readonly number[]): Interval | undefined {
  if (ratios.length < LEAST_PAIRS) return undefined;
  const means = subsetMeans(Float64Array.from(ratios, Math.log));
  // The truth is as likely in one gap between means as in another, those beyond the ends among them.
  const beyond = Math.max(1, Math.floor((means.length + 1) * OUTSIDE / 2));
  return { low: Math.exp(means[beyond - 1]), high: Math.exp(means[means.length - beyond]) };
}

/** How far a ratio may be from 1, as shares: 0.03. */
export interface Margins {
  /** Within it two sides are the same: what does not matter, however much their runs spread. */
  readonly same: number;
  /** Beyond it one is better or worse; never less than `same`. */
  readonly noise: number;
}

/**
 * Margins where nobody says what matters: what is less than the runs' own spread is no finding, and no proof
 * that nothing changed either.
 *
 * @param sides what each run of a side took
 */
export function ownMargins(sides: readonly (readonly number[])[]): Margins {
  return { same: UNIMPORTANT, noise: Math.max(UNIMPORTANT, ...sides.map(spread)) };
}

/** Half of a side's runs are no farther than that from each other, as a share. */
function spread(runs: readonly number[]): number {
  const sorted = runs.toSorted((a, b) => a - b);
  return interpolated(sorted, 0.75) / interpolated(sorted, 0.25) - 1;
}

/** What a ratio of costs means, more being worse. */
export type Verdict = "better" | "worse" | "same" | "cannot tell";

/** Better or worse where the whole interval lies beyond the noise; the same where all of it is what does not matter. */
export function verdictOf(interval: Interval | undefined, { same, noise }: Margins): Verdict {
  if (interval === undefined) return "cannot tell";
  const { low, high } = interval;
  if (low > 1 + noise) return "worse";
  if (high < 1 / (1 + noise)) return "better";
  return low >= 1 / (1 + same) && high <= 1 + same ? "same" : "cannot tell";
}
