/**
 * Rows that cannot be what a tool wrote: another program sorted them, put two runs into one file or
 * changed a cell.
 *
 * @module
 */
import { FILTER_STAGES } from "../../measure/filter_stages.ts";
import type { PathKind } from "./recorded_paths.ts";
import { ANOTHER_RUN, type Table } from "./table.ts";

/** What a table's rows have to be like. Columns that are not there are passed over. */
export interface Order {
  /** Each number is above the one of the row before. */
  readonly rising: readonly string[];
  /** No time is before the one of the row before. */
  readonly lasting: readonly string[];
  /** Within a row, the second time is not before the first. */
  readonly spans: readonly (readonly [from: string, to: string])[];
}

/** Why rows are left out. */
export const FALLING = "with a number or time that falls";
export const BACKWARDS = "that end before they begin";

/** What the rows of a kind of run are like. */
export function orderOf({ latency, start, parts }: PathKind): Order {
  return {
    rising: ["frame"],
    lasting: [start, latency.to],
    spans: [latency, ...parts].map(({ from, to }) => [from, to] as const),
  };
}

/** What metadata is like: the filter finishes one frame after the other. */
export const META_ORDER: Order = {
  rising: ["seq"],
  lasting: ["done_ns"],
  spans: FILTER_STAGES.map(([, from, to]) => [from, to] as const),
};

/** What the rows of a program that writes to the loopback node are like. */
export const WRITER_ORDER: Order = {
  rising: ["frame"],
  lasting: ["submit_monotonic_ns"],
  spans: [["submit_monotonic_ns", "submitted_monotonic_ns"]],
};

/**
 * Leaves out of a table what is not in order.
 *
 * @throws {TableError} where nothing is left
 */
export function leaveOutDisorder(table: Table, { rising, lasting, spans }: Order): void {
  const numbers = rising.flatMap((name) => table.numbers(name) ?? []);
  const times = lasting.flatMap((name) => table.times(name) ?? []);
  const pairs = spans.flatMap(([from, to]) => {
    const pair = [table.times(from), table.times(to)] as const;
    return pair[0] && pair[1] ? [[pair[0], pair[1]] as const] : [];
  });
  // NaN is neither above nor below.
  const falls = (before: number, row: number) =>
    numbers.some((column) => column[row] <= column[before]) ||
    times.some((column) => column[row] < column[before]);
  const backwards = (row: number) => pairs.some(([from, to]) => to[row] < from[row]);
  const first = numbers.map((column) => column[0]);

  const why = new Uint8Array(table.length);
  let last = -1;
  for (let row = 0; row < table.length; row++) {
    if (backwards(row)) {
      why[row] = 1;
    } else if (last >= 0 && beginsAnew(row)) {
      why.fill(3, row);
      break;
    } else if (last >= 0 && falls(last, row)) {
      why[row] = 2;
    } else if (row + 2 < table.length && isAhead(row)) {
      why[row] = 2;
    } else {
      last = row;
    }
  }
  /** Its number is the file's first, and its time is later: a run that was put behind this one. */
  function beginsAnew(row: number): boolean {
    const isEnd = row + 1 === table.length;
    return times.every((column) => !(column[row] <= column[last])) &&
      numbers.some((column, i) =>
        column[row] <= Math.min(first[i], column[last]) &&
        // The next row goes on from it: a cell that was changed costs its own row alone.
        (isEnd || column[row + 1] <= column[last] || column[row + 1] === column[row] + 1)
      );
  }
  /** One row too far ahead would have all that follow it fall. */
  function isAhead(row: number): boolean {
    const [next, second] = [row + 1, row + 2];
    return falls(row, next) && falls(row, second) && !falls(next, second) &&
      (last < 0 || !falls(last, next));
  }
  table.leaveOut(why, [BACKWARDS, FALLING, ANOTHER_RUN]);
}
