/**
 * Steps of a run's latency, into which charts count its frames.
 *
 * @module
 */

/** The digits of the edges can tell that from none. */
const LEAST_SPAN = 0.01;

/** Steps between the least and the most. */
export class LatencySteps {
  /** In ns, ascending: one more than there are steps. */
  readonly edges: readonly number[];

  /**
   * Even on a logarithmic scale; on a linear one where a latency is not above 0.
   *
   * @param latencies in ns, of which one at least is no NaN
   */
  constructor(latencies: Float64Array, steps: number) {
    let [least, most] = [Infinity, -Infinity];
    for (const ns of latencies) {
      if (ns < least) least = ns;
      if (ns > most) most = ns;
    }
    // Of one frame, or of frames that all took as long, steps are told apart all the same.
    const last = Math.max(most, least + Math.max(1, Math.abs(least) * LEAST_SPAN));
    this.edges = Array.from({ length: steps + 1 }, (_, i) => {
      const edge = least > 0
        ? least * (last / least) ** (i / steps)
        : least + (last - least) * i / steps;
      return Number(edge.toPrecision(6));
    });
  }

  /** Which step a latency is in, from 0. */
  of(ns: number): number {
    const above = this.edges.findIndex((edge) => ns < edge);
    return above < 0 ? this.edges.length - 2 : Math.max(0, above - 1);
  }
}
