/**
 * The parts of one frame after the other: what each took, and what they leave unexplained.
 *
 * @module
 */
import { at, recordedParts } from "./recorded_parts.ts";
import { isWait, type PartName, type PathKind, RUN_DELAY } from "./recorded_paths.ts";
import type { Numbers, Table } from "./table.ts";

/** A run's frames, of which one at a time is looked at; all figures in ns. */
export interface FrameParts {
  /** Whether turns overlap, so that a frame's latency is taken apart and not a turn of the loop. */
  readonly overlapping: boolean;
  /** Parts that some row knows. */
  readonly names: readonly PartName[];
  /** Parts of this kind of path that no row knows. */
  readonly unknown: readonly PartName[];
  /** Rows that have a whole: the turn across a row that is gone is two. */
  readonly rows: Int32Array;
  /** Frames without metadata, of a path that has some. */
  readonly missing: number;
  /** Frames whose metadata does not lie within them; the same. */
  readonly outside: number;
  /** By `names`, of the row that was taken last; NaN where it does not know. */
  readonly values: Float64Array;
  /** What the parts leave; NaN where one of them or the whole is not known. */
  readonly remainder: number;
  /** The whole without its waits. */
  readonly busy: number;
  /** Looks at a row. */
  take(row: number): void;
}

/**
 * The parts of a run.
 *
 * @param meta the run's metadata with stages, where there is any
 * @returns undefined where the run was recorded without stages
 */
export function frameParts(run: Table, kind: PathKind, meta?: Table): FrameParts | undefined {
  const start = run.times(kind.start);
  const from = run.times(kind.latency.from);
  const to = run.times(kind.latency.to);
  if (!start || !from || !to) return undefined;
  const { joined, overlapping, candidates, parts: recorded } = recordedParts(run, kind, meta);
  const isTurn = followed(run);
  const rows = Int32Array.from({ length: run.length }, (_, row) => row)
    .filter((row) => overlapping || isTurn(row));
  const there = recorded.filter(({ from, to }) =>
    rows.some((row) => at(to, row) - at(from, row) >= 0)
  );
  if (there.length === 0) return undefined;
  const delay = overlapping ? undefined : runDelay(run);
  const names = [...there.map(({ name }) => name), ...(delay ? [RUN_DELAY] : [])];
  const all = overlapping ? candidates.map(({ name }) => name) : [
    ...candidates.map(({ name }) => name),
    RUN_DELAY,
  ];
  const waits = names.flatMap((name, i) => isWait(name) ? [i] : []);
  const values = new Float64Array(names.length);
  const whole = (row: number) =>
    overlapping ? to[row] - from[row] : isTurn(row) ? start[row + 1] - start[row] : NaN;
  let [remainder, busy] = [NaN, NaN];
  return {
    ...{ overlapping, names, rows, values },
    missing: joined?.missing ?? (kind.join ? run.length : 0),
    outside: joined?.outside ?? 0,
    unknown: all.filter((name) => !names.includes(name)),
    get remainder() {
      return remainder;
    },
    get busy() {
      return busy;
    },
    take(row) {
      remainder = whole(row);
      for (let i = 0; i < there.length; i++) {
        values[i] = at(there[i].to, row) - at(there[i].from, row);
        remainder -= values[i];
      }
      if (delay) remainder = takeOut(values, remainder, delay.ns[row], waits, delay.preempted(row));
      busy = whole(row);
      for (const wait of waits) busy -= values[wait];
    },
  };
}

/** Whether the row behind one is of the next frame. */
function followed(run: Table): (row: number) => boolean {
  const frame = run.numbers("frame")!;
  return (row) => row + 1 < run.length && !(frame[row + 1] - frame[row] > 1);
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
 * its way out of a wait. One that did not, or more delay than there was waiting, was kept from
 * its work: most likely in what took longest.
 *
 * @param parts the last of them becomes the run delay
 * @param waits which parts are up to who gives the frames
 * @returns the remainder without it
 */
function takeOut(
  parts: Float64Array,
  remainder: number,
  delay: number,
  waits: readonly number[],
  preempted: boolean,
): number {
  const own = parts.length - 1;
  let left = delay;
  let rest = remainder;
  const fromWaits = () => {
    for (const wait of waits) left -= takeFrom(parts, wait, left);
  };
  if (!preempted) fromWaits();
  while (left > 0) {
    let longest = -1;
    let most = 0;
    for (let i = 0; i < own; i++) {
      if (waits.includes(i) || !(parts[i] > most)) continue;
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
      fromWaits();
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
