/**
 * Heat map of a run's latency: how many frames there were, by when and by how long they took.
 *
 * @module
 */

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

/** Even on a logarithmic scale; on a linear one where a latency is not above 0. */
function edgesBetween(least: number, most: number): number[] {
  const last = most > least ? most : least + 1;
  return Array.from({ length: ROWS + 1 }, (_, i) => {
    const edge = least > 0
      ? least * (last / least) ** (i / ROWS)
      : least + (last - least) * i / ROWS;
    return Number(edge.toPrecision(6));
  });
}

/**
 * Counts the frames of a run that has one at least.
 *
 * @param times when each was had, in ns, ascending
 * @param latencies in ns; of frames with NaN nothing is known
 */
export function latencyHeat(times: Float64Array, latencies: Float64Array): LatencyHeat {
  const known = latencies.filter((ns) => !Number.isNaN(ns));
  const [least, most] = [Math.min, Math.max].map((of) => known.reduce((a, b) => of(a, b)));
  const edges = edgesBetween(least, most);
  const begin = times.find((ns) => !Number.isNaN(ns)) ?? 0;
  const last = times.findLast((ns) => !Number.isNaN(ns)) ?? begin;
  const columns = Math.min(COLUMNS, Math.max(1, Math.floor(known.length / FRAMES)));
  const each = Math.max(1, (last - begin) / columns);
  const counts = new Uint32Array(columns * ROWS);
  for (let i = 0; i < latencies.length; i++) {
    if (Number.isNaN(latencies[i]) || Number.isNaN(times[i])) continue;
    const column = Math.min(columns - 1, Math.max(0, Math.floor((times[i] - begin) / each)));
    const above = edges.findIndex((edge) => latencies[i] < edge);
    const row = above < 0 ? ROWS - 1 : Math.max(0, above - 1);
    counts[column * ROWS + row]++;
  }
  return {
    type: "heat",
    secondsEach: each / 1e9,
    edges_ns: edges,
    cells: [...counts.entries()].filter(([, frames]) => frames > 0)
      .map(([i, frames]) => [Math.floor(i / ROWS), i % ROWS, frames] as const),
  };
}
