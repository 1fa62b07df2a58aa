/**
 * Percentiles of a stream of durations in fixed memory, however long the run.
 *
 * @module
 */

// A power of two is split into so many steps: a value is known to one part in 1024.
const STEPS = 1024;
// Up to 2^50 ns, 13 days.
const POWERS = 40;

/** Order statistics, in the unit of the recorded values. */
export interface Summary {
  /** How many values there are. */
  readonly count: number;
  /** The smallest value, exact. */
  readonly min: number;
  /** The median: half of the values are not above it. */
  readonly p50: number;
  /** 95 of 100 values are not above it. */
  readonly p95: number;
  /** 99 of 100 values are not above it. */
  readonly p99: number;
  /** The largest value, exact. */
  readonly max: number;
}

/** From 1: the rank of quantile `q` among so many values, by which a share `q` of them is not above it. */
export function nearestRank(q: number, count: number): number {
  return Math.max(1, Math.ceil(q * count));
}

/**
 * Counts durations by size. Values up to 1024 are exact, larger ones to 0.1 %; the smallest and
 * largest are exact always.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const latency = new Histogram();
 * for (let microseconds = 1; microseconds <= 1000; microseconds++) latency.record(microseconds);
 * assertEquals(latency.quantile(0.9), 900);
 * assertEquals(latency.summary(), { count: 1000, min: 1, p50: 500, p95: 950, p99: 990, max: 1000 });
 * ```
 */
export class Histogram {
  readonly #counts = new Uint32Array(POWERS * STEPS + STEPS);
  #count = 0;
  #min = Infinity;
  #max = -Infinity;
  /** The value that was recorded last. */
  latest = 0;

  /**
   * Adds one value; allocates nothing.
   *
   * @param value in any unit, up to 2^50; a negative one counts as 0
   */
  record(value: number): void {
    this.#count++;
    this.latest = value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    let scaled = value < 0 ? 0 : value;
    let power = 0;
    // A quotient that fits 32 bits gives its own power of two.
    if (scaled >= 0x8000_0000) {
      scaled = Math.floor(scaled / 0x20_0000);
      power = 21;
    }
    const shift = Math.max(0, 21 - Math.clz32(scaled));
    const index = (power + shift) * STEPS + (scaled >>> shift);
    this.#counts[Math.min(index, this.#counts.length - 1)]++;
  }

  /** Forgets all values. */
  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
  }

  /** How many values were recorded since the start, or since `clear`. */
  get count(): number {
    return this.#count;
  }

  /** Value at quantile `q`, 0..1, by the nearest rank, in the values' unit; undefined of none. */
  quantile(q: number): number | undefined {
    if (this.#count === 0) return undefined;
    let rank = nearestRank(q, this.#count);
    let index = 0;
    while ((rank -= this.#counts[index]) > 0) index++;
    const power = Math.max(0, Math.floor(index / STEPS) - 1);
    const value = (index - power * STEPS) * 2 ** power;
    return Math.min(Math.max(value, this.#min), this.#max);
  }

  /** What the run looked like; undefined of nothing. */
  summary(): Summary | undefined {
    if (this.#count === 0) return undefined;
    return {
      count: this.#count,
      min: this.#min,
      p50: this.quantile(0.5)!,
      p95: this.quantile(0.95)!,
      p99: this.quantile(0.99)!,
      max: this.#max,
    };
  }
}
