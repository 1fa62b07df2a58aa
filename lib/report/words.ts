/**
 * A run's figures in words, and what stands where there is no figure.
 *
 * @module
 */
import type { Decomposition } from "./analysis/decompose.ts";
import { BEFORE_FIRST, counted, formatNs, formatNumber, formatRate } from "../measure/format.ts";
import {
  V4L2_BUF_FLAG_TIMESTAMP_COPY,
  V4L2_BUF_FLAG_TIMESTAMP_MASK,
  V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC,
} from "../uapi/videodev2.ts";
import { isWait, type PartName } from "./analysis/recorded_paths.ts";
import { takenAt } from "./analysis/run_latency.ts";
import type { MachineFigures, RunFigures } from "./figures.ts";

/** Stands where a bench did not write a figure. */
export const NOT_RECORDED = "not recorded";

/** Stands where there is no way to know. */
export const UNTOLD = "cannot be told";

/** Why there is nothing of one of a bench's rows. */
export function whyMissing({ rows }: MachineFigures, row: string): string {
  const state = rows.get(row);
  return state === undefined || state === "ok" ? NOT_RECORDED : state;
}

/** Remainders above this share are marked: the parts then miss something. */
export const MUCH = 0.05;

export const isMuch = (remainderShare: number): boolean => remainderShare > MUCH;

/** A count for each frame: `0`, `1.02`, `75.0`, `241300`. */
export function perFrame(count: number): string {
  if (Number.isInteger(count) || count >= 100) return String(Math.round(count));
  return count < 1 ? formatNumber(count, 0) : count.toPrecision(3);
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

/** The object that a tool's JSON has of the whole process, over the frames that were recorded. */
function ofProcess({ summary }: RunFigures, count: string): number | undefined {
  const { process, frames } = summary ?? {};
  if (typeof process !== "object" || process === null || typeof frames !== "number") return;
  const value = (process as Record<string, unknown>)[count];
  return typeof value === "number" && frames > 0 ? value / frames : undefined;
}

/** Context switches a frame, of the whole process and of the thread that has the loop. */
export function switches(run: RunFigures): string {
  const all = ofProcess(run, "context_switches");
  const process = all === undefined ? `process: ${NOT_RECORDED}` : `${perFrame(all)} (process)`;
  const { thread } = run;
  const own = thread
    ? `${perFrame(thread.voluntarySwitches.mean + thread.involuntarySwitches.mean)} (thread)`
    : `thread: ${NOT_RECORDED}`;
  return `${process}, ${own}`;
}

/** Frames that the driver flagged. */
export function errorFrames(
  { kind, errors, summary }: Pick<RunFigures, "kind" | "errors" | "summary">,
): string {
  if (kind.errors === "unknown") return UNTOLD;
  if (errors !== undefined) return String(errors);
  if (kind.errors !== "fatal" || !summary) return NOT_RECORDED;
  return summary.failure === undefined ? "0" : "the run failed";
}

/** Whose clock the times are of; a driver may stamp its buffers with another than ours. */
export function timestamps({ kind, bufferFlags, summary }: RunFigures): string {
  return kind.buffers
    ? `${kind.timestamps}; the buffer's: ${bufferClock(bufferFlags, summary?.driver)}`
    : kind.timestamps;
}

/** The clock of a camera's buffers by their flags, and when it is read. */
export function bufferClock(flags: number | undefined, driver: unknown): string {
  // drivers/media/test-drivers/vivid computes them.
  const synthetic = driver === "vivid" ? ", synthetic (vivid)" : "";
  if (flags === undefined) return NOT_RECORDED + synthetic;
  switch (flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) {
    case V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC:
      return `CLOCK_MONOTONIC, ${takenAt(flags)}${synthetic}`;
    case V4L2_BUF_FLAG_TIMESTAMP_COPY:
      return "the writer's, copied";
    default:
      return "of a clock that the driver does not name";
  }
}

/** Everything that was lost, by whom. */
export function losses(
  run: Pick<RunFigures, "kind" | "gaps" | "errors" | "meta" | "summary">,
): string {
  const { gaps, meta, kind } = run;
  const lost = gaps.map(({ of, gaps, lost, backwards }) =>
    lost === 0 && backwards > 0
      ? `${of}: lost: ${UNTOLD} (${backwards} backwards)`
      : `${of}: ${lost} lost` + (gaps > 0 ? ` (gaps: ${gaps})` : "") +
        (backwards > 0 ? `, ${backwards} backwards` : "")
  );
  if (lost.length === 0) lost.push("no sequence to tell by");
  if (meta) {
    const before = meta.isFirstOverrun ? BEFORE_FIRST : "";
    lost.push(`metadata: ${meta.lost} lost${before}, ${counted(meta.overruns, "overrun")}`);
  } else if (kind.join) lost.push(`metadata: ${NOT_RECORDED}`);
  lost.push(`errors: ${errorFrames(run)}`);
  return lost.join("; ");
}

/** How many frames a run has, or fields of which each has a row: `300 frames`. */
export function rowsOf(
  { frames, alternating }: Pick<RunFigures, "frames" | "alternating">,
): string {
  return counted(frames, alternating ? "field" : "frame");
}

/** What a run was of: `640x480 grey, 29.97 frames/s (30 asked for), 4 buffers`. */
export function conditions({ summary, algorithm, alternating, rate }: RunFigures): string {
  const { width, height, format, frames_per_second_asked: asked, buffers, depth, threshold } =
    summary ?? {};
  const pixels = typeof format === "string" ? ` ${format}` : "";
  const wanted = asked === undefined || asked === 0
    ? ""
    : ` (${formatRate(Number(asked))} asked for)`;
  const known = [
    width !== undefined && height !== undefined && `${width}x${height}${pixels}`,
    alternating && "fields alternate",
    algorithm !== undefined && `algorithm ${algorithm}`,
    algorithm === "threshold" && threshold !== undefined && `threshold ${threshold}`,
    rate !== undefined && `${formatNumber(rate, 2)} frames/s${wanted}`,
    buffers !== undefined && counted(Number(buffers), "buffer"),
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

/** Of how many turns the parts are: `599`, or `299 of 599`. */
export function ofTurns({ frames, turns }: Decomposition): string {
  return ofAll(frames, turns);
}

/** How many have what a figure is of: `300`, or `299 of 300`. */
export function ofAll(known: number, all: number): string {
  return known === all ? String(all) : `${known} of ${all}`;
}

/** Of how many frames a figure is: `300 frames`, or `299 of 300 frames` where others lack what it is of. */
export function ofFrames(known: number, frames: number): string {
  return `${known === frames ? "" : `${known} of `}${counted(frames, "frame")}`;
}

/** `3.2 %`, `<0.1 %`, or nothing that can be told. */
export function percent(share: number): string {
  if (0 < share && share < 0.0005) return "<0.1 %";
  return Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : "–";
}

/** A summary's percentiles as cells. */
export function percentiles(of: { p50: number; p95: number; p99: number }): string[] {
  return [of.p50, of.p95, of.p99].map(formatNs);
}

/**
 * Where a run's time went, in a line: the parts of a typical frame and what they leave, the largest
 * first. They add up to what it takes.
 */
export function whereTimeWent({ name, decomposition: found }: RunFigures): string {
  if (!found) return `${name}: recorded without stages, and so not taken apart`;
  const { parts, remainder, busy } = found.typical;
  const waited = [...parts].filter(([part]) => isWait(part));
  const spent: (readonly [PartName | "remainder", number])[] = [
    ...[...parts].filter(([part]) => !isWait(part)),
    ["remainder", remainder] as const,
  ];
  const words = spent.filter(([, ns]) => Math.round(ns) !== 0).sort(([, a], [, b]) => b - a)
    .map(([part, ns]) => `${part} ${formatNs(ns)}`);
  const frame = found.whole === "turn"
    ? "a typical frame takes"
    : "turns overlap, and a typical frame's latency is";
  const source = waited.map(([part, ns]) =>
    ` and waits ${formatNs(ns)} for its ${part.replace(" wait", "")}`
  ).join("");
  return `${name}: ${frame} ${formatNs(busy)}${source}: ${words.join(", ")}`;
}
