/**
 * Finding each row's metadata.
 *
 * @module
 */
import type { JoinRule } from "./recorded_paths.ts";
import type { Numbers, Table } from "./table.ts";

/** Which row of metadata belongs to which row of the run. */
export interface Join {
  /** For each row of the run its row of metadata, or -1. */
  readonly rows: Int32Array;
  /** Rows for which the metadata has no entry. */
  readonly missing: number;
  /** Rows whose entry does not lie between the row's own times, and so is another frame's. */
  readonly outside: number;
}

/** The source sequence control is an int, a V4L2 sequence an unsigned one. */
const SOURCE_BITS = 0x7fff_ffff;

/** Both tables' columns; times from one second on. */
interface Both {
  readonly keys: Numbers;
  readonly enqueued: Float64Array;
  readonly dequeued: Float64Array;
  readonly metaKeys: Numbers;
  readonly queued: Float64Array;
  readonly done: Float64Array;
}

/** Joins by time and by number: both have to be right. */
export function join(run: Table, meta: Table, rule: JoinRule): Join {
  const rows = new Int32Array(run.length).fill(-1);
  const keys = run.numbers(rule.column);
  const metaKeys = meta.numbers(rule.metaColumn);
  const enqueued = run.times(rule.enqueued);
  const dequeued = run.times(rule.dequeued);
  const queued = meta.times("queued_ns", run.second);
  const done = meta.times("done_ns", run.second);
  if (!keys || !metaKeys || !enqueued || !dequeued || !queued || !done) {
    return { rows, missing: run.length, outside: 0 };
  }
  const both = { keys, enqueued, dequeued, metaKeys, queued, done };
  const distance = rule.fromFirst ? mostFrequentDistance(both) : 0;
  const same = rule.fromFirst
    ? (row: number, entry: number) => metaKeys[entry] - keys[row] === distance
    : (row: number, entry: number) => (metaKeys[entry] & SOURCE_BITS) === (keys[row] & SOURCE_BITS);
  const unjoined = new Set<number>();
  forEachWithin(both, (row, entry) => {
    if (same(row, entry)) rows[row] = entry;
  });
  const key = (number: number) => rule.fromFirst ? number : number & SOURCE_BITS;
  for (let row = 0; row < rows.length; row++) if (rows[row] < 0) unjoined.add(key(keys[row]));
  const elsewhere = new Set<number>();
  for (let entry = 0; unjoined.size > 0 && entry < metaKeys.length; entry++) {
    const number = key(metaKeys[entry] - distance);
    if (unjoined.has(number)) elsewhere.add(number);
  }
  let missing = 0;
  let outside = 0;
  for (let row = 0; row < rows.length; row++) {
    if (rows[row] >= 0) continue;
    if (elsewhere.has(key(keys[row]))) outside++;
    else missing++;
  }
  return { rows, missing, outside };
}

/** Every entry that lies within a row's times, row by row; both tables are in the order of time. */
function forEachWithin(
  { enqueued, dequeued, queued, done }: Both,
  take: (row: number, entry: number) => void,
): void {
  let first = 0;
  for (let row = 0; row < enqueued.length; row++) {
    while (first < done.length && done[first] < enqueued[row]) first++;
    for (let entry = first; entry < done.length && done[entry] <= dequeued[row]; entry++) {
      if (enqueued[row] <= queued[entry]) take(row, entry);
    }
  }
}

/**
 * How far the numbers of the metadata are from those of the run: what most rows say by their times.
 * With several frames in flight a row has later entries within it as well, so of several the least.
 */
function mostFrequentDistance(both: Both): number {
  const votes = new Map<number, number>();
  forEachWithin(both, (row, entry) => {
    const distance = both.metaKeys[entry] - both.keys[row];
    votes.set(distance, (votes.get(distance) ?? 0) + 1);
  });
  // Without any, the program's first frame is the metadata's.
  let best = both.metaKeys[0];
  for (const [distance, count] of votes) {
    const most = votes.get(best) ?? 0;
    if (count > most || count === most && distance < best) best = distance;
  }
  return best;
}
