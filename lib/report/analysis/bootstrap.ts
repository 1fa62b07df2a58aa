/**
 * How sure a ratio between two sides is, from pairs of runs that were made by turns.
 *
 * A run's figure is compared with that of the run beside it, so what drifts on the machine cancels. The
 * logarithms of the pairs' ratios are averaged; the interval is the bootstrap-t one (Efron and
 * Tibshirani, "An Introduction to the Bootstrap", 12.5), which unlike the percentiles of resampled means
 * covers what it claims from five pairs on: `tests/unit/bootstrap_test.ts` counts it.
 *
 * @module
 */

/** Below so many pairs there is no interval: resamples of so few are too often all the same. */
export const LEAST_PAIRS = 5;

const RESAMPLES = 1999;
const OUTSIDE = 0.05;

/** A ratio, and between what it lies with 95 % confidence. */
export interface Interval {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

/** xorshift32: the same runs give the same interval. */
function* random(): Generator<number, never> {
  let state = 0x9e3779b9;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield (state >>> 0) / 0x1_0000_0000;
  }
}

function meanAndError(values: ArrayLike<number>): [mean: number, error: number] {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return [mean, Math.sqrt(squares / (values.length - 1) / values.length)];
}

/**
 * @param ratios of each pair, above 0
 * @returns undefined for less than `LEAST_PAIRS`
 */
export function ratioInterval(ratios: readonly number[]): Interval | undefined {
  const count = ratios.length;
  if (count < LEAST_PAIRS) return undefined;
  const logs = Float64Array.from(ratios, Math.log);
  const [mean, error] = meanAndError(logs);
  const source = random();
  const sample = new Float64Array(count);
  const studentized = Float64Array.from({ length: RESAMPLES }, () => {
    for (let i = 0; i < count; i++) sample[i] = logs[Math.floor(source.next().value * count)];
    const [resampled, spread] = meanAndError(sample);
    // All of one value: as far out as can be, on its side.
    return spread > 0 ? (resampled - mean) / spread : (resampled - mean) * Infinity || 0;
  }).sort();
  const at = (share: number) => studentized[Math.round(share * (RESAMPLES + 1)) - 1];
  return {
    ratio: Math.exp(mean),
    low: Math.exp(mean - at(1 - OUTSIDE / 2) * error),
    high: Math.exp(mean - at(OUTSIDE / 2) * error),
  };
}

/** What a ratio of costs means, more being worse. */
export type Verdict = "better" | "worse" | "same" | "cannot tell";

/**
 * Better or worse where the whole interval lies beyond the noise; the same where it lies within it.
 *
 * @param noise what does not matter, as a share: 0.03
 */
export function verdict(interval: Interval | undefined, noise: number): Verdict {
  if (interval === undefined) return "cannot tell";
  const { low, high } = interval;
  if (low > 1 + noise) return "worse";
  if (high < 1 / (1 + noise)) return "better";
  return low >= 1 / (1 + noise) && high <= 1 + noise ? "same" : "cannot tell";
}
