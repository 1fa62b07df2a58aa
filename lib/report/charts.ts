/**
 * What the page's charts show, small enough for 100 000 frames: `page.js` draws it.
 *
 * @module
 */
import type { MeanFrame } from "../measure/decompose.ts";
import { PARTS } from "../measure/paths.ts";
import { quantile } from "../measure/percentiles.ts";

/** Stacked bars on one scale; times in ns. */
export interface Stack {
  readonly type: "stack";
  readonly bars: readonly string[];
  /** One value a bar. */
  readonly parts: readonly { readonly name: string; readonly ns: readonly number[] }[];
}

/** Which share of the frames took at most so long. */
export interface Distribution {
  readonly type: "distribution";
  /** x in ns, y in percent. */
  readonly points: readonly (readonly [ns: number, percent: number])[];
  readonly marks: readonly (readonly [ns: number, percent: number])[];
}

/** Latencies in the order of the run: each frame's, or of so many equal stretches of the run. */
export interface Timeline {
  readonly type: "timeline";
  readonly framesEach: number;
  readonly seconds: readonly number[];
  readonly median_ns: readonly number[];
  /** Of stretches alone. */
  readonly min_ns: readonly number[];
  readonly max_ns: readonly number[];
  /** The slowest frames of the run, each where it was. */
  readonly worst: readonly (readonly [seconds: number, ns: number])[];
}

export type Chart = Stack | Distribution | Timeline;

/** Stretches that a timeline is cut into: about as many as a wide screen has room for. */
export const STRETCHES = 600;
/** Slowest frames that a timeline shows by themselves. */
export const WORST = 30;

/** Bars of mean frames, without the source wait. */
export function stack(bars: readonly (readonly [name: string, frame: MeanFrame])[]): Stack {
  const parts = Object.keys(PARTS) as (keyof typeof PARTS)[];
  return {
    type: "stack",
    bars: bars.map(([name]) => name),
    parts: [
      ...parts
        .filter((name) => name !== "source wait" && bars.some(([, { parts }]) => parts.has(name)))
        .map((name) => ({ name, ns: bars.map(([, f]) => Math.round(f.parts.get(name) ?? 0)) })),
      { name: "remainder", ns: bars.map(([, frame]) => Math.round(frame.remainder)) },
    ],
  };
}

/** Half a percent apart, and closer to the slow end. */
const LEVELS = [
  ...Array.from({ length: 200 }, (_, i) => i / 200),
  ...[0.996, 0.997, 0.998, 0.999, 0.9995, 0.9999, 1],
];

export function distribution(latencies: Float64Array): Distribution {
  const sorted = latencies.filter((ns) => !Number.isNaN(ns)).sort();
  const at = (q: number) => [Math.round(quantile(sorted, q)!), q * 100] as const;
  return { type: "distribution", points: LEVELS.map(at), marks: [0.5, 0.95, 0.99, 1].map(at) };
}

/** @param times ns of each row, ascending */
export function timeline(times: Float64Array, latencies: Float64Array): Timeline {
  const rows = [...latencies.keys()].filter((row) => !Number.isNaN(latencies[row]));
  const each = Math.ceil(rows.length / STRETCHES);
  const chart: Record<"seconds" | "median_ns" | "min_ns" | "max_ns", number[]> = {
    seconds: [],
    median_ns: [],
    min_ns: [],
    max_ns: [],
  };
  const seconds = (row: number) => Math.round(times[row] / 1e3) / 1e6;
  for (let from = 0; from < rows.length; from += each) {
    const stretch = rows.slice(from, from + each);
    const sorted = Float64Array.from(stretch, (row) => latencies[row]).sort();
    chart.seconds.push(seconds(stretch[0]));
    chart.median_ns.push(Math.round(quantile(sorted, 0.5)!));
    if (each === 1) continue;
    chart.min_ns.push(sorted[0]);
    chart.max_ns.push(sorted[sorted.length - 1]);
  }
  const slowest = each === 1 ? [] : rows
    .toSorted((a, b) => latencies[b] - latencies[a])
    .slice(0, WORST);
  return {
    type: "timeline",
    framesEach: each,
    ...chart,
    worst: slowest.map((row) => [seconds(row), latencies[row]]),
  };
}
