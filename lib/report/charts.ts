/**
 * What the page's charts show, small enough for 100 000 frames: `page.js` draws it.
 *
 * @module
 */
import type { MeanFrame } from "./analysis/decompose.ts";
import { isWait, PARTS } from "./analysis/recorded_paths.ts";
import { quantile } from "./analysis/percentiles.ts";
import { slowestRows } from "./analysis/slowest.ts";
import type { LatencyHeat } from "./latency_heat.ts";
import type { LatencyHistogram } from "./latency_histogram.ts";

/** Stacked bars on one scale; times in ns. */
export interface Stack {
  readonly type: "stack";
  readonly bars: readonly string[];
  /** One value a bar. */
  readonly parts: readonly { readonly name: string; readonly ns: readonly number[] }[];
}

/** One line of a distribution. */
export interface Quantiles {
  readonly name: string;
  /** Each a latency that was measured; the last is the slowest frame's. */
  readonly points: readonly QuantilePoint[];
  /** Those that have a name. */
  readonly marks: readonly (readonly [name: string, ...point: QuantilePoint])[];
}

/**
 * How long a share of the frames took at most. The share is in nines, the logarithm of what is beyond it: 0 of none,
 * 2 of 99 %, 4 of 99.99 %. So the axis has as much room for the slowest hundredth as for all others.
 */
type QuantilePoint = readonly [nines: number, ns: number];

/** Latencies by the share of frames that they bound. */
export interface Distribution {
  readonly type: "distribution";
  /** Names of colours in `style.css`, for each line. */
  readonly colors: readonly string[];
  readonly lines: readonly Quantiles[];
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

/** Ratios of both sides' figures, each with its interval where there is one. */
export interface Ratios {
  readonly type: "ratios";
  readonly figures: readonly {
    readonly name: string;
    readonly ratio: number;
    readonly low?: number;
    readonly high?: number;
    /** Of a colour in `style.css`. */
    readonly color: string;
  }[];
}

export type Chart = Ratios | Stack | Distribution | Timeline | LatencyHeat | LatencyHistogram;

/** Stretches that a timeline is cut into: about as many as a wide screen has room for. */
export const STRETCHES = 600;

/** Bars of mean frames, without what they waited for who gives them. */
export function stack(bars: readonly (readonly [name: string, frame: MeanFrame])[]): Stack {
  const parts = Object.keys(PARTS) as (keyof typeof PARTS)[];
  return {
    type: "stack",
    bars: bars.map(([name]) => name),
    parts: [
      ...parts
        .filter((name) => !isWait(name) && bars.some(([, { parts }]) => parts.has(name)))
        .map((name) => ({ name, ns: bars.map(([, f]) => Math.round(f.parts.get(name) ?? 0)) })),
      { name: "remainder", ns: bars.map(([, frame]) => Math.round(frame.remainder)) },
    ],
  };
}

/** Points for each nine of a distribution. */
const STEPS = 50;
const MARKS = { p50: 0.5, p95: 0.95, p99: 0.99, "p99.9": 0.999, "p99.99": 0.9999 };

const nines = (share: number) => -Math.log10(1 - share);
const rounded = (of: number, ns: number): QuantilePoint => [Number(of.toFixed(4)), Math.round(ns)];

/** The quantiles of a sample by the nearest rank; undefined of none. */
export function quantiles(name: string, latencies: Float64Array): Quantiles | undefined {
  const sorted = latencies.filter((ns) => !Number.isNaN(ns)).sort();
  const count = sorted.length;
  if (count === 0) return undefined;
  // The slowest frame is all there is above the others: it stands in the middle of its own share.
  const slowest = rounded(nines(1 - 0.5 / count), sorted[count - 1]);
  const points: QuantilePoint[] = [];
  for (let step = 0; step / STEPS < slowest[0]; step++) {
    points.push(rounded(step / STEPS, quantile(sorted, 1 - 10 ** (-step / STEPS))!));
  }
  const known = Object.entries(MARKS).filter(([, share]) => share <= 1 - 1 / count);
  return {
    name,
    points: [...points, slowest],
    marks: [
      ...known.map(([of, share]) =>
        [of, ...rounded(nines(share), quantile(sorted, share)!)] as const
      ),
      ["max", ...slowest],
    ],
  };
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
    worst: each === 1 ? [] : slowestRows(latencies).map((row) => [seconds(row), latencies[row]]),
  };
}
