/**
 * Why the slowest frames of a run were slow.
 *
 * @module
 */
import type { FrameParts } from "./analysis/frame_parts.ts";
import { type PartName, RUN_DELAY, THREAD_COLUMNS } from "./analysis/recorded_paths.ts";
import { slowestRows } from "./analysis/slowest.ts";
import type { Numbers, Table } from "./analysis/table.ts";

/** What a row says of its frame; times in ns. */
export interface SlowFrame {
  readonly frame: number;
  /** Since the first frame of the run. */
  readonly seconds: number;
  readonly latency: number;
  /** As the decomposition has them, in their order; NaN where the row does not know. */
  readonly parts: ReadonlyMap<PartName, number>;
  /** What the parts leave; NaN where one is not known, undefined where the run has no parts. */
  readonly remainder?: number;
  /** By column, what the thread was charged for the row; without the run delay where it is a part. */
  readonly charged: ReadonlyMap<string, number>;
}

/**
 * The slowest frames, the slowest first.
 *
 * @param found their parts, where the run has some
 * @param times when each frame was had, in ns
 * @param latencies in ns
 */
export function slowestFrames(
  rows: Table,
  found: FrameParts | undefined,
  times: Float64Array,
  latencies: Float64Array,
): SlowFrame[] {
  const frame = rows.numbers("frame")!;
  const begin = times.find((ns) => !Number.isNaN(ns)) ?? 0;
  const columns = THREAD_COLUMNS.flatMap((name): [string, Numbers][] => {
    const values = rows.numbers(name);
    const isPart = name === "run_delay_ns" && found?.names.includes(RUN_DELAY);
    const isKnown = values?.some((value) => !Number.isNaN(value));
    return !values || !isKnown || isPart ? [] : [[name, values]];
  });
  return slowestRows(latencies).map((row) => {
    found?.take(row);
    return {
      frame: frame[row],
      seconds: (times[row] - begin) / 1e9,
      latency: latencies[row],
      parts: new Map(found?.names.map((name, i) => [name, found.values[i]])),
      remainder: found?.remainder,
      charged: new Map(columns.map(([name, values]) => [name, values[row]])),
    };
  });
}
