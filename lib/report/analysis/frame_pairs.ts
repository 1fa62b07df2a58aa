/**
 * Following frames from the program that wrote them to one that read them.
 *
 * @module
 */
import { sequenceGaps, sequenceStep } from "../../measure/gaps.ts";
import { mostFrequent } from "./percentiles.ts";
import type { Table } from "./table.ts";

/** The frames that one reader got, each with its row of the writer's. */
export interface FramePairs {
  /** ns from the writer's call to the reader's having the frame, in the reader's order. */
  readonly latencies: Float64Array;
  /** The writer's row of each of these. */
  readonly written: Int32Array;
  /** The reader's own. */
  readonly read: Int32Array;
  /** Frames that the reader missed between its first and its last. */
  readonly lost: number;
  /** The reader's rows whose frame the writer's rows do not have. */
  readonly unknown: number;
  /** Rows whose frame was written only after they had it; not joined. */
  readonly early: number;
  /** Rows with the stamp of an earlier row's frame, or the sequence of another; not joined. */
  readonly contradictory: number;
}

/**
 * Joins by the number in the frame's pixels, which is the writer's `sequence`: read(2) has no other.
 * The buffers' sequence may begin with the reader's stream, so the two have to be as far apart as in
 * most rows.
 *
 * @param write rows of `loop-write`
 * @param read rows of a capture tool with `--stamp`
 * @param had the reader's column of when it had the frame
 */
export function pairFrames(write: Table, read: Table, had: string): FramePairs {
  const submitted = write.times("submit_monotonic_ns");
  const received = read.times(had, write.second);
  const stamps = read.numbers("stamp");
  const sequences = read.numbers("sequence");
  const sources = new Map<number, number>();
  write.numbers("sequence")?.forEach((number, row) => sources.set(number, row));
  const distance = (row: number) => sequences ? sequenceStep(stamps![row], sequences[row]) : 0;
  const count = submitted && received && stamps ? read.length : 0;
  const joinable = Array.from({ length: count }, (_, row) => row)
    .filter((row) => sources.has(stamps![row]));
  const usual = mostFrequent(joinable.map(distance));

  const latencies: number[] = [];
  const written: number[] = [];
  const readers: number[] = [];
  const seen = new Set<number>();
  let early = 0;
  let contradictory = 0;
  for (const row of joinable) {
    const source = sources.get(stamps![row])!;
    const latency = received![row] - submitted![source];
    if (seen.has(source) || distance(row) !== usual) contradictory++;
    else if (!(latency >= 0)) early++;
    else {
      latencies.push(latency);
      written.push(source);
      readers.push(row);
    }
    seen.add(source);
  }
  const column = (table: Table, rows: number[]) => {
    const frame = table.numbers("frame")!;
    return Float64Array.from(rows, (row) => frame[row]);
  };
  return {
    latencies: Float64Array.from(latencies),
    written: Int32Array.from(written),
    read: Int32Array.from(readers),
    lost: sequenceGaps(column(write, written), column(read, readers)).lost,
    unknown: read.length - latencies.length - early - contradictory,
    early,
    contradictory,
  };
}
