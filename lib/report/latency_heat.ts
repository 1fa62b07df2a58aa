/**
 * Heat map of a run's latency: how many frames there were, by when and by how long they took.
 *
 * @module
 */
import { LatencySteps } from "./latency_steps.ts";

/** As a chart: `page.js` draws it. */
export interface LatencyHeat {
  readonly type: "heat";
  /** Of a column, from the first frame on. */
  readonly secondsEach: number;
  /** Edges of the rows, ascending: one more than there are rows. */
  readonly edges_ns: readonly number[];
  /** Cells with frames in them, by column and row. */
  readonly cells: readonly (readonly [column: number, row: number, frames: number])[];
}

/** Columns of a long run: cells as wide as they are easily told apart. */
export const COLUMNS = 100;
export const ROWS = 30;
/** A column of fewer frames would show frames, as the timeline does. */
const FRAMES = 10;

/**
 * Counts the frames of a run that has one at least.
 *
 * @param times when each was had, in ns, ascending
 * @param latencies in ns; of frames with NaN nothing is known
 */
export function latencyHeat(times: Float64Array, latencies: Float64Array): LatencyHeat {
  const known = latencies.filter((ns) => !Number.isNaN(ns));
  const steps = new LatencySteps(latencies, ROWS);
  const begin = times.find((ns) => !Number.isNaN(ns)) ?? 0;
  const last = times.findLast((ns) => !Number.isNaN(ns)) ?? begin;
  const columns = Math.min(COLUMNS, Math.max(1, Math.floor(known.length / FRAMES)));
  const each = Math.max(1, (last - begin) / columns);
  const counts = new Uint32Array(columns * ROWS);
  for (let i = 0; i < latencies.length; i++) {
    if (Number.isNaN(latencies[i]) || Number.isNaN(times[i])) continue;
    const column = Math.min(columns - 1, Math.max(0, Math.floor((times[i] - begin) / each)));
    counts[column * ROWS + steps.of(latencies[i])]++;
  }
  return {
    type: "heat",
    secondsEach: each / 1e9,
    edges_ns: steps.edges,
    cells: [...counts.entries()].filter(([, frames]) => frames > 0)
      .map(([i, frames]) => [Math.floor(i / ROWS), i % ROWS, frames] as const),
  };
}
