/**
 * The frames that took longest.
 *
 * @module
 */

/** How many there are of them. */
export const SLOWEST = 30;

/** Keeps as many as `SLOWEST` of what it is given, those that took longest. */
export class Slowest<Frame extends { readonly begin: number; readonly end: number }> {
  readonly #frames: Frame[] = [];

  offer(frame: Frame): void {
    const frames = this.#frames;
    const took = (of: Frame) => of.end - of.begin;
    const last = frames.at(-1);
    if (last && frames.length === SLOWEST && took(frame) <= took(last)) return;
    const place = frames.findIndex((other) => took(other) < took(frame));
    frames.splice(place < 0 ? frames.length : place, 0, frame);
    if (frames.length > SLOWEST) frames.pop();
  }

  /** The slowest first. */
  get frames(): readonly Frame[] {
    return this.#frames;
  }
}

/** Rows of the slowest frames, the slowest first; NaN is none. */
export function slowestRows(latencies: Float64Array): number[] {
  const known = latencies.filter((ns) => !Number.isNaN(ns)).sort();
  const least = known[Math.max(0, known.length - SLOWEST)];
  const rows: number[] = [];
  let equal = 0;
  for (let row = 0; row < latencies.length; row++) {
    if (latencies[row] > least || latencies[row] === least && equal++ < SLOWEST) rows.push(row);
  }
  return rows.sort((a, b) => latencies[b] - latencies[a]).slice(0, SLOWEST);
}
