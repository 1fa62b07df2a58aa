/**
 * A camera's run in the few lines that a terminal shows.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import type { Statistics } from "./analysis/percentiles.ts";
import type { RunFigures } from "./figures.ts";
import { bufferClock, conditions, losses, ofFrames, rowsOf } from "./words.ts";

/** What the lines of a camera's times are of. */
type CameraTimes = Pick<
  RunFigures,
  | "frames"
  | "interval"
  | "latency"
  | "latencyName"
  | "ownLatency"
  | "ahead"
  | "stale"
  | "kind"
  | "bufferFlags"
>;

/** A rate below this share of what was set is told: drivers may be off by 1 % to begin with. */
const SHORT = 0.98;

/** The rate that the device was set to, where the run falls short of it. */
export function rateMissed(
  { rate, summary }: Pick<RunFigures, "rate" | "summary">,
): number | undefined {
  const set = summary?.frames_per_second_set;
  return typeof set === "number" && rate !== undefined && rate < set * SHORT ? set : undefined;
}

const percentiles = (name: string, { p50, p99 }: Statistics) =>
  `  ${name.padEnd(9)} p50 ${formatNs(p50).padStart(7)}  p99 ${formatNs(p99).padStart(7)}`;

/** What the latency is from, and why it is not from the buffer's time where that is so. */
function measuredFrom(
  { latencyName, ownLatency, kind, bufferFlags }: CameraTimes,
  driver: unknown,
): string {
  return kind.buffers && ownLatency === undefined
    ? `${latencyName}; the buffer's time: ${bufferClock(bufferFlags, driver)}`
    : latencyName;
}

/** Interval and latency. */
export function timeLines(times: CameraTimes, driver: unknown): string[] {
  const { frames, interval, latency, ahead, stale } = times;
  return [
    ...interval ? [percentiles("interval", interval)] : [],
    `${percentiles("latency", latency)}  (${measuredFrom(times, driver)})` +
    (latency.count < frames ? `, of ${ofFrames(latency.count, frames)}` : "") +
    (ahead > 0 ? `, frames had before their timestamp: ${ahead}` : "") +
    (stale > 0 ? `, timestamps that do not rise: ${stale}` : ""),
  ];
}

/** Rate, interval, latency, losses. */
export function cameraRunLines(run: RunFigures): string[] {
  return [
    `${rowsOf(run)}, ${conditions(run)}`,
    ...timeLines(run, run.summary?.driver),
    `  ${losses(run)}`,
  ];
}
