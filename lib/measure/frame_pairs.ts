/**
 * Following frames from the program that wrote them to one that read them.
 *
 * @module
 */
import { sequenceGaps } from "./gaps.ts";
import type { Table } from "./table.ts";

/** The frames that one reader got, each with its row of the writer's. */
export interface FramePairs {
  /** ns from the writer's call to the reader's having the frame, in the reader's order. */
  readonly latencies: Float64Array;
  /** The writer's row of each of these. */
  readonly written: Int32Array;
  /** Frames that the reader missed between its first and its last. */
  readonly lost: number;
  /** The reader's rows whose frame the writer's rows do not have. */
  readonly unknown: number;
  /** Rows that a frame written later would belong to; not joined. */
  readonly early: number;
  /** Rows whose sequence names one frame and whose stamp another; not joined. */
  readonly contradictory: number;
}

/**
 * Joins by the buffer's sequence number, by the number in the frame's pixels, and by both where both
 * are there: read(2) has no sequence. Both are the writer's `sequence`.
 *
 * @param write rows of `loop-write`
 * @param read rows of a capture tool
 * @param had the reader's column of when it had the frame
 */
export function pairFrames(write: Table, read: Table, had: string): FramePairs {
  const second = write.second("submit_monotonic_ns");
  const submitted = write.times("submit_monotonic_ns", second);
  const received = read.times(had, second);
  const rows = new Map<number, number>();
  write.numbers("sequence")?.forEach((number, row) => rows.set(number, row));
  const finder = (numbers: Float64Array | undefined) =>
    numbers && ((row: number) => rows.get(numbers[row]));
  const bySequence = finder(read.numbers("sequence"));
  const byStamp = finder(read.numbers("stamp"));
  const count = submitted && received && (bySequence || byStamp) ? read.length : 0;

  const latencies: number[] = [];
  const written: number[] = [];
  const readers: number[] = [];
  let early = 0;
  let contradictory = 0;
  for (let row = 0; row < count; row++) {
    const source = (bySequence ?? byStamp)!(row);
    const latency = source === undefined ? NaN : received![row] - submitted![source];
    if (byStamp && byStamp(row) !== source) contradictory++;
    else if (latency >= 0) {
      latencies.push(latency);
      written.push(source!);
      readers.push(row);
    } else if (source !== undefined) early++;
  }
  const column = (table: Table, rows: number[]) => {
    const frame = table.numbers("frame")!;
    return Float64Array.from(rows, (row) => frame[row]);
  };
  return {
    latencies: Float64Array.from(latencies),
    written: Int32Array.from(written),
    lost: sequenceGaps(column(write, written), column(read, readers)).lost,
    unknown: read.length - latencies.length - early - contradictory,
    early,
    contradictory,
  };
}
