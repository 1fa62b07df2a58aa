/**
 * What the page's charts show, small enough for 100 000 frames: `page.js` draws it.
 *
 * @module
 */
import type { MeanFrame } from "./analysis/decompose.ts";
import { PARTS } from "./analysis/recorded_paths.ts";
import { quantile } from "./analysis/percentiles.ts";

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
  const known = latencies.filter((ns) => !Number.isNaN(ns));
  const each = Math.ceil(known.length / STRETCHES);
  const chart: Record<"seconds" | "median_ns" | "min_ns" | "max_ns", number[]> = {
    seconds: [],
    median_ns: [],
    min_ns: [],
    max_ns: [],
  };
  const begin = times.find((ns) => !Number.isNaN(ns)) ?? 0;
  const seconds = (row: number) => Math.round((times[row] - begin) / 1e3) / 1e6;
  const stretch = new Float64Array(each);
  let filled = 0;
  let from = 0;
  const end = () => {
    const sorted = stretch.subarray(0, filled).sort();
    chart.seconds.push(seconds(from));
    chart.median_ns.push(Math.round(quantile(sorted, 0.5)!));
    if (each > 1) {
      chart.min_ns.push(sorted[0]);
      chart.max_ns.push(sorted[filled - 1]);
    }
    filled = 0;
  };
  for (let row = 0; row < latencies.length; row++) {
    if (Number.isNaN(latencies[row])) continue;
    if (filled === 0) from = row;
    stretch[filled++] = latencies[row];
    if (filled === each) end();
  }
  if (filled > 0) end();
  return {
    type: "timeline",
    framesEach: each,
    ...chart,
    worst: each === 1 ? [] : slowest(latencies, known).map((row) => [seconds(row), latencies[row]]),
  };
}

/** Rows of the slowest frames, the slowest first. */
function slowest(latencies: Float64Array, known: Float64Array): number[] {
  const least = known.sort()[Math.max(0, known.length - WORST)];
  const rows: number[] = [];
  let equal = 0;
  for (let row = 0; row < latencies.length; row++) {
    if (latencies[row] > least || latencies[row] === least && equal++ < WORST) rows.push(row);
  }
  return rows.sort((a, b) => latencies[b] - latencies[a]).slice(0, WORST);
}
