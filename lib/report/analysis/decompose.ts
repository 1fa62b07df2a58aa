/**
 * Taking frames apart: what each part of a turn took, and what the parts leave unexplained.
 *
 * @module
 */
import { at, recordedParts } from "./recorded_parts.ts";
import { type PartName, type PathKind, RUN_DELAY } from "./recorded_paths.ts";
import { quantile, type Statistics, statistics } from "./percentiles.ts";
import type { Numbers, Table } from "./table.ts";

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
 * @param meta the run's metadata with stages, where there is any
 * @returns undefined where the run was recorded without stages
 */
export function decompose(run: Table, kind: PathKind, meta?: Table): Decomposition | undefined {
  const start = run.times(kind.start);
  const from = run.times(kind.latency.from);
  const to = run.times(kind.latency.to);
  if (!start || !from || !to) return undefined;
  const { joined, overlapping, candidates, parts: recorded } = recordedParts(run, kind, meta);
  const rows = overlapping ? Int32Array.from({ length: run.length }, (_, row) => row) : turns(run);
  const there = recorded.filter(({ from, to }) =>
    rows.some((row) => at(to, row) - at(from, row) >= 0)
  );
  const delay = overlapping ? undefined : runDelay(run);
  const names = [...there.map(({ name }) => name), ...(delay ? [RUN_DELAY] : [])];
  const all = overlapping ? candidates.map(({ name }) => name) : [
    ...candidates.map(({ name }) => name),
    RUN_DELAY,
  ];
  const unknown = all.filter((name) => !names.includes(name));
  const wait = names.indexOf(WAIT);

  /** The parts of the row that was taken last. */
  const values = new Float64Array(names.length);
  let whole = 0;
  let rest = 0;
  const take = (row: number) => {
    whole = overlapping ? to[row] - from[row] : start[row + 1] - start[row];
    rest = whole;
    for (let i = 0; i < there.length; i++) {
      values[i] = at(there[i].to, row) - at(there[i].from, row);
      rest -= values[i];
    }
    if (delay) rest = takeOut(values, rest, delay.ns[row], wait, delay.preempted(row));
  };
  const complete = rows.filter((row) => {
    take(row);
    return !Number.isNaN(rest);
  });
  if (complete.length === 0 || there.length === 0) return undefined;

  const busy = new Float64Array(complete.length);
  const explained = new Float64Array(complete.length);
  complete.forEach((row, i) => {
    take(row);
    busy[i] = wait < 0 ? whole : whole - values[wait];
    explained[i] = busy[i] - rest;
  });
  const sorted = busy.toSorted();
  const [low, high] = [quantile(sorted, 0.25)!, quantile(sorted, 0.75)!];
  const slow = quantile(explained.toSorted(), 0.99)!;
  const typical = new Sums(names);
  const slowest = new Sums(names);
  const remainders = new Float64Array(complete.length);
  complete.forEach((row, i) => {
    take(row);
    remainders[i] = rest;
    if (low <= busy[i] && busy[i] <= high) typical.add(values, rest, busy[i]);
    if (slow <= explained[i]) slowest.add(values, rest, busy[i]);
  });
  const remainder = statistics(remainders)!;
  // Its figures are known: the memory is used again.
  const one = remainders;
  const parts = names.map((name, part) => {
    complete.forEach((row, i) => {
      take(row);
      one[i] = values[part];
    });
    return [name, statistics(one)!] as const;
  });
  const ofBusy = statistics(busy)!;
  return {
    whole: overlapping ? "latency" : "turn",
    frames: complete.length,
    turns: rows.length,
    parts: new Map(parts),
    unknown,
    remainder,
    busy: ofBusy,
    remainderShare: remainder.p50 / ofBusy.p50,
    typical: typical.mean(),
    slowest: slowest.mean(),
    missing: joined?.missing ?? (kind.join ? run.length : 0),
    outside: joined?.outside ?? 0,
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

/** Rows that another follows: the turn across a row that is gone is two. */
function turns(run: Table): Int32Array {
  const frame = run.numbers("frame")!;
  const rows = Int32Array.from({ length: run.length - 1 }, (_, row) => row);
  return rows.filter((row) => !(frame[row + 1] - frame[row] > 1));
}

/** Run delay by row; undefined where no row has one, as on a kernel without schedstat. */
function runDelay(run: Table) {
  const ns = run.numbers("run_delay_ns");
  if (!ns || !ns.some((value) => value >= 0)) return undefined;
  const [slept, preempted] = ["voluntary_switches", "involuntary_switches"]
    .map((name): Numbers | undefined => run.numbers(name));
  return { ns, preempted: (row: number) => slept?.[row] === 0 && preempted![row] > 0 };
}

/**
 * Takes the run delay of a turn out of the parts in which it was. A thread that slept was delayed on
 * its way out of the source wait. One that did not, or more delay than there was waiting, was kept from
 * its work: most likely in what took longest.
 *
 * @param parts the last of them becomes the run delay
 * @param wait which part is the source wait, -1 for none
 * @returns the remainder without it
 */
function takeOut(
  parts: Float64Array,
  remainder: number,
  delay: number,
  wait: number,
  preempted: boolean,
): number {
  const own = parts.length - 1;
  let left = delay;
  let rest = remainder;
  if (wait >= 0 && !preempted) left -= takeFrom(parts, wait, left);
  while (left > 0) {
    let longest = -1;
    let most = 0;
    for (let i = 0; i < own; i++) {
      if (i === wait || !(parts[i] > most)) continue;
      longest = i;
      most = parts[i];
    }
    if (rest > most) {
      const much = Math.min(left, rest);
      rest -= much;
      left -= much;
    } else if (longest >= 0) {
      left -= takeFrom(parts, longest, left);
    } else {
      if (wait >= 0) left -= takeFrom(parts, wait, left);
      break;
    }
  }
  // What is left reaches beyond this turn, and is another's. Of NaN the frame is not known.
  parts[own] = delay - left;
  return Number.isNaN(left) ? NaN : rest;
}

/** @returns how much of it was there */
function takeFrom(parts: Float64Array, part: number, wanted: number): number {
  const much = Math.min(wanted, Math.max(0, parts[part]));
  parts[part] -= much;
  return much;
}
