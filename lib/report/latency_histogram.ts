/**
 * Histogram of a run's latency: how many frames there were, by how long they took.
 *
 * @module
 */
import { LatencySteps } from "./latency_steps.ts";

/** As a chart: `page.js` draws it. */
export interface LatencyHistogram {
  readonly type: "histogram";
  /** Edges of the bars, ascending: one more than there are bars. */
  readonly edges_ns: readonly number[];
  /** Of each bar. */
  readonly frames: readonly number[];
}

/** As many as can be told apart on a narrow screen. */
export const BARS = 60;

/** @param latencies in ns, of one frame at least; those of which nothing is known are NaN */
export function latencyHistogram(latencies: Float64Array): LatencyHistogram {
  const steps = new LatencySteps(latencies, BARS);
  const frames = new Array<number>(BARS).fill(0);
  for (const ns of latencies) if (!Number.isNaN(ns)) frames[steps.of(ns)]++;
  return { type: "histogram", edges_ns: steps.edges, frames };
}
