/**
 * Taking frames apart: what each part of a turn took, and what the parts leave unexplained.
 *
 * @module
 */
import { join } from "./join.ts";
import type { PartName, PathKind } from "./paths.ts";
import { quantile, type Statistics, statistics } from "./percentiles.ts";
import type { Table } from "./table.ts";

/** A turn without the source wait is what the machine does; the wait is up to the camera. */
const WAIT: PartName = "source wait";

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
  /** Turns that were taken apart. */
  readonly frames: number;
  /** Of the parts whose columns are there. */
  readonly parts: ReadonlyMap<PartName, Statistics>;
  /** Parts of this kind of path whose columns are not. */
  readonly unknown: readonly PartName[];
  readonly remainder: Statistics;
  /** The turn without the source wait. */
  readonly busy: Statistics;
  /** Median remainder as a share of the median turn without source wait. */
  readonly remainderShare: number;
  /** Frames whose turn without source wait lies between its quartiles. */
  readonly typical: MeanFrame;
  /**
   * Frames whose parts took longest, from their 99th percentile on. Turns in which rows were written
   * take longer still, and say nothing about the path.
   */
  readonly slowest: MeanFrame;
  /** Frames without metadata; their time in the kernel is in the remainder. */
  readonly missing: number;
  /** Frames whose metadata does not lie within them; the same. */
  readonly outside: number;
}

/**
 * Takes a run apart.
 *
 * @param meta the run's metadata with stages, where there is any
 * @returns undefined where the run was recorded without stages
 */
export function decompose(run: Table, kind: PathKind, meta?: Table): Decomposition | undefined {
  const second = run.second(kind.latency.from);
  const joined = kind.join && meta ? join(run, meta, kind.join, second) : undefined;
  const known = new Map<string, Float64Array | undefined>();
  const column = (name: string) => {
    if (!known.has(name)) known.set(name, read(name));
    return known.get(name);
  };
  const read = (name: string) => {
    if (!name.startsWith("meta.")) return run.times(name, second);
    const entries = meta?.times(name.slice("meta.".length), second);
    // An index of -1 reads undefined, which becomes NaN.
    return entries && joined && Float64Array.from(joined.rows, (entry) => entries[entry]);
  };

  const start = column(kind.start);
  const from = column(kind.latency.from);
  const to = column(kind.latency.to);
  if (!start || !from || !to) return undefined;
  const overlapping = overlaps(start, to);
  const candidates = overlapping
    ? kind.parts.slice(0, 1 + kind.parts.findIndex((part) => part.to === kind.latency.to))
    : kind.parts;
  const there = candidates.filter((part) => column(part.from) && column(part.to));

  const frame = run.numbers("frame")!;
  const turns: number[] = [];
  for (let row = 0; row < run.length; row++) {
    // The turn across a row that is gone is two.
    const whole = overlapping || (row + 1 < run.length && !(frame[row + 1] - frame[row] > 1));
    if (whole) turns.push(row);
  }
  const whole = overlapping
    ? Float64Array.from(turns, (row) => to[row] - from[row])
    : Float64Array.from(turns, (row) => start[row + 1] - start[row]);
  if (turns.length === 0 || there.length === 0) return undefined;

  const values = new Map<PartName, Float64Array>();
  const remainder = whole.slice();
  for (const { name, from, to } of there) {
    const begin = column(from)!;
    const end = column(to)!;
    // What was not recorded of a frame stays in its remainder.
    const part = Float64Array.from(turns, (row) => end[row] - begin[row] || 0);
    part.forEach((ns, i) => remainder[i] -= ns);
    values.set(name, part);
  }
  const wait = values.get(WAIT);
  const busy = wait ? whole.map((ns, i) => ns - wait[i]) : whole;
  const sorted = busy.toSorted();
  const explained = busy.map((ns, i) => ns - remainder[i]);
  const mean = (times: Float64Array, low: number, high: number): MeanFrame => {
    const chosen: number[] = [];
    times.forEach((ns, i) => low <= ns && ns <= high && chosen.push(i));
    const of = (all: Float64Array) => chosen.reduce((sum, i) => sum + all[i], 0) / chosen.length;
    return {
      frames: chosen.length,
      parts: new Map([...values].map(([name, all]) => [name, of(all)])),
      remainder: of(remainder),
      busy: of(busy),
    };
  };
  const rest = statistics(remainder)!;
  const all = statistics(busy)!;
  return {
    whole: overlapping ? "latency" : "turn",
    frames: turns.length,
    parts: new Map([...values].map(([name, all]) => [name, statistics(all)!])),
    unknown: candidates.filter((part) => !there.includes(part)).map(({ name }) => name),
    remainder: rest,
    busy: all,
    remainderShare: rest.p50 / all.p50,
    typical: mean(busy, quantile(sorted, 0.25)!, quantile(sorted, 0.75)!),
    slowest: mean(explained, quantile(explained.toSorted(), 0.99)!, Infinity),
    missing: joined?.missing ?? (kind.join ? run.length : 0),
    outside: joined?.outside ?? 0,
  };
}

/** Whether most frames begin before the one before has come back. */
function overlaps(start: Float64Array, end: Float64Array): boolean {
  let early = 0;
  for (let row = 1; row < start.length; row++) if (start[row] < end[row - 1]) early++;
  return early > start.length / 2;
}
