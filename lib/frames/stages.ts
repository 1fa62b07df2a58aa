/**
 * `--stages`: where the time of each frame went, in more columns. docs/csv.md says what each is.
 *
 * @module
 */
import type { CellFormat } from "../measure/frame_log.ts";
import { ThreadCounters } from "../sys/counters.ts";
import { ThreadCosts } from "../sys/thread.ts";
import { absoluteNs, monotonicNs } from "../sys/clock.ts";
import { flag } from "../cli/parameters.ts";

export const STAGES = flag(
  "record where each frame's time went, in more columns: steps, faults, switches, run delay, and cycles, " +
    "instructions and cache misses where they are counted",
);

const ifKnown: CellFormat = (value) => Number.isNaN(value) ? "" : String(value);

/** The columns that every tool adds at the end. */
export const MEASURED_COLUMNS = {
  measured_monotonic_ns: absoluteNs,
  minor_faults: String,
  voluntary_switches: String,
  involuntary_switches: String,
  run_delay_ns: ifKnown,
  cycles: ifKnown,
  instructions: ifKnown,
  cache_misses: ifKnown,
} satisfies Record<string, CellFormat>;

type Columns = Readonly<Record<keyof typeof MEASURED_COLUMNS, Float64Array>>;

/** Reads what the thread was charged for each frame; without `--stages` it does nothing. */
export class StageMeter implements Disposable {
  readonly #costs: ThreadCosts | undefined;
  readonly #counters: ThreadCounters | undefined;
  /** Where the end of the last row's turn is still to be put. */
  #open: Float64Array | undefined;
  #row = 0;

  constructor(enabled: boolean) {
    this.#costs = enabled ? new ThreadCosts() : undefined;
    this.#counters = enabled ? new ThreadCounters() : undefined;
  }

  /** Now, or 0 where it is not asked for: each look at the clock is a cost itself. */
  now(): number {
    return this.#costs === undefined ? 0 : monotonicNs();
  }

  /**
   * Begins a turn, which ends the one before: both share one look at the clock.
   *
   * @param now the time, where it was taken already
   * @returns it, or 0 where it is not asked for
   */
  begin(now: number = this.now()): number {
    if (this.#open !== undefined) this.#open[this.#row] = now;
    this.#open = undefined;
    return now;
  }

  /** Ends a turn that no other follows at once. */
  settle(): void {
    if (this.#open !== undefined) this.begin();
  }

  /**
   * Fills `MEASURED_COLUMNS` of a row with what was added since the last call; `begin` or `settle`
   * puts the time.
   */
  measure(columns: Columns, row: number): void {
    const costs = this.#costs;
    const counters = this.#counters;
    if (costs === undefined || counters === undefined) return;
    costs.read();
    counters.read();
    columns.minor_faults[row] = costs.minorFaults;
    columns.voluntary_switches[row] = costs.voluntarySwitches;
    columns.involuntary_switches[row] = costs.involuntarySwitches;
    columns.run_delay_ns[row] = costs.runDelayNs;
    columns.cycles[row] = counters.added[0];
    columns.instructions[row] = counters.added[1];
    columns.cache_misses[row] = counters.added[2];
    this.#open = columns.measured_monotonic_ns;
    this.#row = row;
  }

  [Symbol.dispose](): void {
    this.#costs?.[Symbol.dispose]();
    this.#counters?.[Symbol.dispose]();
  }
}
