/**
 * A run's figures in words, and what stands where there is no figure.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import type { MachineFigures, RunFigures } from "./figures.ts";

/** Stands where a bench did not write a figure. */
export const NOT_RECORDED = "not recorded";

/** Why there is nothing of one of a bench's rows. */
export function whyMissing({ rows }: MachineFigures, row: string): string {
  const state = rows.get(row);
  return state === undefined || state === "ok" ? NOT_RECORDED : state;
}

/** Remainders above this share are marked: the parts then miss something. */
export const MUCH = 0.05;

export const isMuch = (remainderShare: number): boolean => remainderShare > MUCH;

/** A count for each frame: `0`, `1.02`, `75.0`. */
export function perFrame(count: number): string {
  return Number.isInteger(count) ? String(count) : count.toPrecision(3);
}

/** Why a run has no file of perf's: the bench leaves it out where perf counts nothing. */
export function withoutPerf({ properties }: MachineFigures): string {
  const perf = properties.get("perf");
  if (perf === undefined) return NOT_RECORDED;
  return /^\d/.test(perf) ? "perf: no counters" : `perf: ${perf}`;
}

/** One of perf's counters: a number, or why there is none. */
export function counter(machine: MachineFigures, run: RunFigures, event: string): string {
  if (!run.perf) return withoutPerf(machine);
  const count = run.perf.get(event);
  if (count === undefined) return NOT_RECORDED;
  return typeof count === "number" ? String(count) : `perf: ${count}`;
}

/** Context switches a frame, of the whole process and of the thread that has the loop. */
export function switches(machine: MachineFigures, run: RunFigures): string {
  const { perf, frames, thread } = run;
  const all = perf?.get("context-switches");
  const process = typeof all === "number"
    ? `${perFrame(all / frames)} (process, perf)`
    : `process: ${counter(machine, run, "context-switches")}`;
  const own = thread
    ? `${perFrame(thread.voluntarySwitches.mean + thread.involuntarySwitches.mean)} (thread)`
    : `thread: ${NOT_RECORDED}`;
  return `${process}, ${own}`;
}

/** Frames that the driver flagged; a tool that does not count them ends at the first. */
export function errorFrames({ errors, summary }: RunFigures): string {
  if (errors !== undefined || !summary) return errors?.toString() ?? NOT_RECORDED;
  return summary.failure === undefined ? "0" : "the run failed";
}

/** Everything that was lost, by whom. */
export function losses(run: RunFigures): string {
  const { gaps, meta, kind } = run;
  const lost = gaps.map(({ of, gaps, lost, backwards }) =>
    `${of}: ${lost} lost` + (gaps > 0 ? ` (gaps: ${gaps})` : "") +
    (backwards > 0 ? `, ${backwards} backwards` : "")
  );
  if (lost.length === 0) lost.push("no sequence to tell by");
  if (meta) lost.push(`metadata: ${meta.lost} lost, ${meta.overruns} overruns`);
  else if (kind.join) lost.push(`metadata: ${NOT_RECORDED}`);
  lost.push(`errors: ${errorFrames(run)}`);
  return lost.join("; ");
}

/** What a run asked for, from its tool's JSON: `640x480, 4 buffers`. */
export function conditions({ summary, algorithm }: RunFigures): string {
  const { width, height, frames_per_second_asked, buffers, depth, threshold } = summary ?? {};
  const known = [
    width !== undefined && height !== undefined && `${width}x${height}`,
    algorithm !== undefined && `algorithm ${algorithm}`,
    algorithm === "threshold" && threshold !== undefined && `threshold ${threshold}`,
    frames_per_second_asked !== undefined && `${frames_per_second_asked} frames/s asked for`,
    buffers !== undefined && `${buffers} buffers`,
    depth !== undefined && `depth ${depth}`,
  ].filter((word) => word !== false);
  return known.length > 0 ? known.join(", ") : NOT_RECORDED;
}

/** What the times of a machine depend on most, in a line. */
export function machineLine({ properties }: MachineFigures): string {
  const known = ["kernel", "cpu_model", "cpus", "emulation", "clocksource"].flatMap((name) => {
    const value = properties.get(name);
    return value === undefined ? [] : [`${name.replace("_", " ")}: ${value}`];
  });
  return known.length > 0 ? known.join("; ") : `machine: ${NOT_RECORDED}`;
}

/** `3.2 %` */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A summary's percentiles as cells. */
export function percentiles(of: { p50: number; p95: number; p99: number }): string[] {
  return [of.p50, of.p95, of.p99].map(formatNs);
}
