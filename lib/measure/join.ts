/**
 * Finding each row's metadata.
 *
 * @module
 */
import type { JoinRule } from "./paths.ts";
import type { Table } from "./table.ts";

/** Which row of metadata belongs to which row of the run. */
export interface Join {
  /** For each row of the run its row of metadata, or -1. */
  readonly rows: Int32Array;
  /** Rows for which the metadata has no entry. */
  readonly missing: number;
  /** Rows whose entry does not lie between the row's own times, and so is another frame's. */
  readonly outside: number;
}

/** @param second the times of both tables are taken from here */
export function join(run: Table, meta: Table, rule: JoinRule, second: number): Join {
  const rows = new Int32Array(run.length).fill(-1);
  const keys = run.numbers(rule.column);
  const metaKeys = meta.numbers(rule.metaColumn);
  const enqueued = run.times(rule.enqueued, second);
  const dequeued = run.times(rule.dequeued, second);
  const queued = meta.times("queued_ns", second);
  const done = meta.times("done_ns", second);
  if (!keys || !metaKeys || !enqueued || !dequeued || !queued || !done) {
    return { rows, missing: run.length, outside: 0 };
  }
  const first = rule.fromFirst ? metaKeys[0] : 0;
  const entries = new Map<number, number>();
  metaKeys.forEach((key, entry) => entries.set(key - first, entry));
  let missing = 0;
  let outside = 0;
  for (let row = 0; row < run.length; row++) {
    const entry = entries.get(keys[row]);
    if (entry === undefined) missing++;
    else if (enqueued[row] <= queued[entry] && done[entry] <= dequeued[row]) rows[row] = entry;
    else outside++;
  }
  return { rows, missing, outside };
}
