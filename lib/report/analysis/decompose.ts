/**
 * Taking frames apart: what each part of a turn took, and what the parts leave unexplained.
 *
 * @module
 */
import type { FrameParts } from "./frame_parts.ts";
import type { PartName } from "./recorded_paths.ts";
import { quantile, type Statistics, statistics } from "./percentiles.ts";

/** Means in ns over the same frames, so that parts, remainder and source wait add up to the turn. */
export interface MeanFrame {
  /** How many frames it is the mean of. */
  readonly frames: number;
  readonly parts: ReadonlyMap<PartName, number>;
  readonly remainder: number;
  /** Without the source wait. */
  readonly busy: number;
}

/** One run, taken apart; all figures in ns. */
export interface Decomposition {
  /**
   * What is taken apart: a turn of the loop, or, where turns overlap because several frames are in
   * flight, a frame's latency.
   */
  readonly whole: "turn" | "latency";
  /** Turns of which every recorded part is known. All figures are of these. */
  readonly frames: number;
  /** Turns in all. */
  readonly turns: number;
  /** Of the parts whose columns are there. */
  readonly parts: ReadonlyMap<PartName, Statistics>;
  /** Parts of this kind of path that no row knows. */
  readonly unknown: readonly PartName[];
  readonly remainder: Statistics;
  /** The turn without the source wait. */
  readonly busy: Statistics;
  /** Median remainder as a share of the median turn without source wait; NaN where that is 0. */
  readonly remainderShare: number;
  /** Frames whose turn without source wait lies between its quartiles. */
  readonly typical: MeanFrame;
  /**
   * Frames whose parts took longest, from their 99th percentile on. Turns in which rows were written
   * take longer still, and say nothing about the path.
   */
  readonly slowest: MeanFrame;
  /** Frames without metadata. */
  readonly missing: number;
  /** Frames whose metadata does not lie within them; the same. */
  readonly outside: number;
}

/**
 * Takes a run apart.
 *
 * @returns undefined where no frame knows all of its parts
 */
export function decompose(found: FrameParts): Decomposition | undefined {
  const { names, rows, values } = found;
  const complete = rows.filter((row) => {
    found.take(row);
    return !Number.isNaN(found.remainder);
  });
  if (complete.length === 0) return undefined;

  const busy = new Float64Array(complete.length);
  const explained = new Float64Array(complete.length);
  complete.forEach((row, i) => {
    found.take(row);
    busy[i] = found.busy;
    explained[i] = busy[i] - found.remainder;
  });
  const sorted = busy.toSorted();
  const [low, high] = [quantile(sorted, 0.25)!, quantile(sorted, 0.75)!];
  const slow = quantile(explained.toSorted(), 0.99)!;
  const typical = new Sums(names);
  const slowest = new Sums(names);
  const remainders = new Float64Array(complete.length);
  complete.forEach((row, i) => {
    found.take(row);
    remainders[i] = found.remainder;
    if (low <= busy[i] && busy[i] <= high) typical.add(values, found.remainder, busy[i]);
    if (slow <= explained[i]) slowest.add(values, found.remainder, busy[i]);
  });
  const remainder = statistics(remainders)!;
  // Its figures are known: the memory is used again.
  const one = remainders;
  const parts = names.map((name, part) => {
    complete.forEach((row, i) => {
      found.take(row);
      one[i] = values[part];
    });
    return [name, statistics(one)!] as const;
  });
  const ofBusy = statistics(busy)!;
  return {
    whole: found.overlapping ? "latency" : "turn",
    frames: complete.length,
    turns: rows.length,
    parts: new Map(parts),
    unknown: found.unknown,
    remainder,
    busy: ofBusy,
    remainderShare: remainder.p50 / ofBusy.p50,
    typical: typical.mean(),
    slowest: slowest.mean(),
    missing: found.missing,
    outside: found.outside,
  };
}

/** Adds frames up. */
class Sums {
  frames = 0;
  #remainder = 0;
  #busy = 0;
  readonly #parts: Float64Array;

  constructor(readonly names: readonly PartName[]) {
    this.#parts = new Float64Array(names.length);
  }

  add(parts: Float64Array, remainder: number, busy: number): void {
    this.frames++;
    this.#remainder += remainder;
    this.#busy += busy;
    for (let i = 0; i < parts.length; i++) this.#parts[i] += parts[i];
  }

  mean(): MeanFrame {
    const { frames } = this;
    return {
      frames,
      parts: new Map(this.names.map((name, i) => [name, this.#parts[i] / frames])),
      remainder: this.#remainder / frames,
      busy: this.#busy / frames,
    };
  }
}
