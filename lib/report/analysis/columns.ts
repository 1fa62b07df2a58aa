/**
 * What the tools write into a column, by its name: a first row that is damaged decides nothing.
 *
 * @module
 */

/** A column of whole numbers. */
export interface WholeNumbers {
  readonly least: number;
  readonly most: number;
  /** Whether no tool leaves a cell empty. */
  readonly filled: boolean;
}

const LARGEST = Number.MAX_SAFE_INTEGER;
const U32 = 0xffff_ffff;

const from = (least: number, most: number, filled: boolean, ...names: readonly string[]) =>
  names.map((name) => [name, { least, most, filled }] as const);

const NUMBERS: ReadonlyMap<string, WholeNumbers> = new Map([
  ...from(0, LARGEST, true, "frame", "seq", "minor_faults_delta"),
  ...from(0, LARGEST, true, "minor_faults", "voluntary_switches", "involuntary_switches"),
  // A kernel may not say, and a processor not count.
  ...from(0, LARGEST, false, "run_delay_ns", "cycles", "instructions", "cache_misses"),
  ...from(0, U32, true, "sequence", "vivid_sequence", "vpipe_sequence", "src_v4l2_sequence"),
  ...from(0, U32, true, "stamp", "flags"),
  // A loopback node's writer may give any.
  ...from(-LARGEST, LARGEST, true, "v4l2_timestamp_sec", "v4l2_timestamp_usec"),
]);

/** No tool leaves one empty. */
const WORDS = ["algo", "field", "io", "transport"];

/** Columns of absolute times, which docs/csv.md has; all other columns of numbers are counts or durations. */
const TIME = /(_monotonic|_dequeue|^(queued|run|copied|filtered|checksummed|done))_ns$/;

/** What a column's cells are; undefined of one that no tool writes. */
export function cellsOf(column: string): "time" | "word" | WholeNumbers | undefined {
  if (TIME.test(column)) return "time";
  return WORDS.includes(column) ? "word" : NUMBERS.get(column);
}
