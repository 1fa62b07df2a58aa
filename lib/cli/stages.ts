/**
 * `--stages`: where the time of each frame went, in more columns. docs/csv.md says what each is.
 *
 * @module
 */
import type { Format } from "../measure/frame_log.ts";
import { ThreadCosts } from "../sys/thread.ts";
import { absoluteNs, monotonicNs } from "../sys/clock.ts";
import { flag } from "./parameters.ts";

export const STAGES = flag(
  "record where each frame's time went, in more columns: steps, faults, switches, run delay",
);

/** The columns that every tool adds at the end. */
export const MEASURED_COLUMNS = {
  measured_monotonic_ns: absoluteNs,
  minor_faults: String,
  voluntary_switches: String,
  involuntary_switches: String,
  run_delay_ns: String,
} satisfies Record<string, Format>;

type Columns = Readonly<Record<keyof typeof MEASURED_COLUMNS, Float64Array>>;

/** Reads what the thread was charged for each frame; without `--stages` it does nothing. */
export class StageMeter implements Disposable {
  readonly #costs: ThreadCosts | undefined;

  constructor(enabled: boolean) {
    this.#costs = enabled ? new ThreadCosts() : undefined;
  }

  /** Now, or 0 where it is not asked for: each look at the clock is a cost itself. */
  now(): number {
    return this.#costs === undefined ? 0 : monotonicNs();
  }

  /** Fills `MEASURED_COLUMNS` of a row with what was added since the last call. */
  measure(columns: Columns, row: number): void {
    const costs = this.#costs;
    if (costs === undefined) return;
    costs.read();
    columns.minor_faults[row] = costs.minorFaults;
    columns.voluntary_switches[row] = costs.voluntarySwitches;
    columns.involuntary_switches[row] = costs.involuntarySwitches;
    columns.run_delay_ns[row] = costs.runDelayNs;
    columns.measured_monotonic_ns[row] = monotonicNs();
  }

  [Symbol.dispose](): void {
    this.#costs?.[Symbol.dispose]();
  }
}
