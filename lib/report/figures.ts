/**
 * What a run's files say, in figures.
 *
 * @module
 */
import { decompose, type Decomposition } from "./analysis/decompose.ts";
import { frameParts } from "./analysis/frame_parts.ts";
import { buffersPerFrame, type Gaps, missingFrames, sequenceGaps } from "../measure/gaps.ts";
import { type PathKind, THREAD_COLUMNS } from "./analysis/recorded_paths.ts";
import { clockOf, latencyOf } from "./analysis/run_latency.ts";
import { type Statistics, statistics } from "./analysis/percentiles.ts";
import type { PerfCounters } from "./analysis/perf.ts";
import type { Numbers, Rows, Table } from "./analysis/table.ts";
import {
  V4L2_BUF_FLAG_ERROR,
  V4L2_FIELD_ALTERNATE,
  V4L2_FIELD_BOTTOM,
  V4L2_FIELD_TOP,
} from "../uapi/videodev2.ts";
import { VPIPE_META_F_OVERRUN } from "../uapi/vpipe.ts";
import { fieldName } from "../v4l2/buffer_flags.ts";
import { type Quantiles, quantiles, type Timeline, timeline } from "./charts.ts";
import type { Analysis, Machine, RunFiles } from "./folder.ts";
import { type IoFigures, ioFigures } from "./io.ts";
import { type LatencyHeat, latencyHeat } from "./latency_heat.ts";
import { type LatencyHistogram, latencyHistogram } from "./latency_histogram.ts";
import { slowestFrames, type SlowFrame } from "./slowest_frames.ts";

/** What the thread was charged a frame; undefined where the run was recorded without stages. */
export interface ThreadFigures {
  readonly minorFaults: Statistics;
  readonly voluntarySwitches: Statistics;
  readonly involuntarySwitches: Statistics;
  /** ns runnable and not running; undefined where the kernel does not say. */
  readonly runDelay?: Statistics;
  /** Of the processor's counters; undefined where it has none, or the user may not have them. */
  readonly cycles?: Statistics;
  readonly instructions?: Statistics;
  readonly cacheMisses?: Statistics;
}

/** The metadata's own account of what it lost. */
export interface MetaLosses {
  readonly entries: number;
  readonly overruns: number;
  /** Between them. */
  readonly lost: number;
  /** Whether some were lost before the first, of which nobody knows how many. */
  readonly isFirstOverrun: boolean;
}

/** mmap_lock during VIDIOC_QBUF. */
export interface LockCosts {
  readonly calls: number;
  readonly acquisitions: Statistics;
  /** ns a call. */
  readonly waited: Statistics;
  /** ns a call. */
  readonly held: Statistics;
}

/** One run; times in ns. */
export interface RunFigures {
  readonly name: string;
  readonly kind: PathKind;
  /** The filter's algorithm, where the CSV has one. */
  readonly algorithm?: string;
  /** Rows: of fields where these alternate. */
  readonly frames: number;
  /** Each row has one of a frame's two fields. */
  readonly alternating: boolean;
  readonly latency: Statistics;
  /** What it is of. */
  readonly latencyName: string;
  /** What the tool gives as latency, where `latency` is from the time of the camera's buffer. */
  readonly ownLatency?: Statistics;
  /** Frames whose buffer's time is ahead of having the frame: it is of nothing that had happened. */
  readonly ahead: number;
  /** Frames whose buffer's time is not above an earlier one's: of these the latency is not known. */
  readonly stale: number;
  /** From one frame to the next; undefined of fewer than two. */
  readonly interval?: Statistics;
  /** What the charts show: of all rows, they would fill the memory. */
  readonly quantiles: Quantiles;
  readonly timeline: Timeline;
  readonly heat: LatencyHeat;
  readonly histogram: LatencyHistogram;
  readonly slowest: readonly SlowFrame[];
  /** Whole frames a second from the first to the last; undefined of fewer than two. */
  readonly rate?: number;
  readonly decomposition?: Decomposition;
  readonly thread?: ThreadFigures;
  /** Of the QBUF of each row's buffer. */
  readonly queueFaults?: Statistics;
  readonly gaps: readonly (Gaps & { readonly of: string })[];
  /** Frames that the driver flagged; undefined where neither CSV nor JSON says so. */
  readonly errors?: number;
  /** Flags of most buffers, of those about their clock; undefined where the CSV has none. */
  readonly bufferFlags?: number;
  readonly meta?: MetaLosses;
  readonly perf?: PerfCounters;
  readonly lock?: LockCosts;
  readonly summary?: Readonly<Record<string, unknown>>;
  /** What makes one doubt the figures. */
  readonly doubts: readonly string[];
}

/** All of a machine. */
export type MachineFigures = Machine<RunFigures, IoFigures>;

/** What a report makes of a bench's files. */
export const FIGURES: Analysis<RunFigures, IoFigures> = { run: runFigures, pair: ioFigures };

/** What rows say of their frames' times, with the times themselves. */
interface TimeFigures extends
  Pick<
    RunFigures,
    | "kind"
    | "frames"
    | "alternating"
    | "latency"
    | "latencyName"
    | "ownLatency"
    | "ahead"
    | "stale"
    | "interval"
    | "rate"
    | "bufferFlags"
  > {
  /** When each frame was had, in ns since the rows' second. */
  readonly times: Float64Array;
  /** In ns. */
  readonly latencies: Float64Array;
}

/** Of rows, or of the last ones of a run that goes on; undefined where none has both times of its latency. */
export function timeFigures(
  rows: Rows,
  kind: PathKind,
  alternating: boolean,
): TimeFigures | undefined {
  const { name: latencyName, from, to: times, byDriver, ahead, stale } = latencyOf(rows, kind);
  const since = (begin: Float64Array) => times.map((ns, row) => ns - begin[row]);
  const latencies = since(from);
  const latency = statistics(latencies);
  if (!latency) return undefined;
  const frame = rows.numbers("frame")!;
  return {
    kind,
    frames: rows.length,
    alternating,
    times,
    latencies,
    latency,
    latencyName,
    ownLatency: byDriver ? statistics(since(rows.times(kind.latency.from)!)) : undefined,
    ahead,
    stale,
    interval: statistics(intervals(frame, times)),
    rate: rateOf(frame, times, buffersPerFrame(alternating)),
    bufferFlags: clockOf(rows),
  };
}

/** A run's figures; undefined where no row has both times of its latency. */
function runFigures(files: RunFiles): RunFigures | undefined {
  const { name, kind, rows, meta, perf, lock, summary } = files;
  const isSetSo = summary?.field === fieldName(V4L2_FIELD_ALTERNATE);
  const fields = isSetSo ? rows.words("field") : alternatingFields(rows);
  const found = timeFigures(rows, kind, isSetSo || fields !== undefined);
  if (!found) return undefined;
  const { times, latencies, ...figures } = found;
  const frame = rows.numbers("frame")!;
  const faults = rows.numbers("minor_faults_delta");
  const flags = rows.numbers("flags");
  const errors = kind.errors !== "counted"
    ? undefined
    : flags
    ? count(flags, V4L2_BUF_FLAG_ERROR)
    : summary?.errors;
  const parts = frameParts(rows, kind, meta);
  const decomposition = parts && decompose(parts);
  return {
    ...figures,
    name,
    algorithm: rows.word("algo", 0),
    frames: rows.length,
    quantiles: quantiles(name, latencies)!,
    timeline: timeline(times, latencies),
    heat: latencyHeat(times, latencies),
    histogram: latencyHistogram(latencies),
    slowest: slowestFrames(rows, parts, times, latencies),
    decomposition,
    thread: threadFigures(files),
    queueFaults: faults && statistics(faults),
    gaps: kind.sequences.flatMap(({ column, of }) => {
      const sequence = rows.numbers(column);
      const ofBuffers = of === "camera" ? fields : undefined;
      return sequence ? [{ of, ...sequenceGaps(sequence, frame, ofBuffers) }] : [];
    }),
    errors: typeof errors === "number" ? errors : undefined,
    meta: meta && isOwn(meta, rows, decomposition) ? metaLosses(meta) : undefined,
    perf,
    lock: lock && lockCosts(lock, Number(summary?.buffers ?? 0)),
    summary,
    doubts: doubtsAbout(rows, meta, decomposition),
  };
}

/** The column of fields, of a run without JSON where it has both of a frame's. */
function alternatingFields(rows: Table): string[] | undefined {
  const fields = rows.words("field");
  const both = [V4L2_FIELD_TOP, V4L2_FIELD_BOTTOM].map(fieldName);
  return both.every((field) => fields?.includes(field)) ? fields : undefined;
}

function count(flags: Numbers, bit: number): number {
  let rows = 0;
  for (let row = 0; row < flags.length; row++) if (flags[row] & bit) rows++;
  return rows;
}

/** NaN across a row that is gone. */
function intervals(frame: Numbers, times: Float64Array): Float64Array {
  return times.slice(1).map((ns, row) => frame[row + 1] - frame[row] > 1 ? NaN : ns - times[row]);
}

/** @param each rows of a frame */
function rateOf(frame: Numbers, times: Float64Array, each: number): number | undefined {
  const first = times.findIndex((ns) => !Number.isNaN(ns));
  const last = times.findLastIndex((ns) => !Number.isNaN(ns));
  const seconds = (times[last] - times[first]) / 1e9;
  // By the rows' own numbers: one that is gone from the file was a frame all the same.
  return seconds > 0 ? (frame[last] - frame[first]) / each / seconds : undefined;
}

/** Metadata of which not one entry lies within a frame are another run's, and so is what was lost of them. */
function isOwn(meta: Table, rows: Table, found: Decomposition | undefined): boolean {
  return !meta.has("queued_ns") || !found || found.missing + found.outside < rows.length;
}

function doubtsAbout(rows: Table, meta: Table | undefined, found?: Decomposition): string[] {
  if (!meta?.has("queued_ns") || !found) return [];
  const { missing, outside } = found;
  if (missing + outside <= rows.length / 2) return [];
  return [
    `of ${rows.length} frames only ${rows.length - missing - outside} have metadata that lies ` +
    `within them (${missing} have none, ${outside} that of another frame): is it of this run?`,
  ];
}

function threadFigures({ rows }: RunFiles): ThreadFigures | undefined {
  const of = (column: string) => {
    const values = rows.numbers(column);
    return values && statistics(values);
  };
  const [minorFaults, voluntarySwitches, involuntarySwitches, ...others] = THREAD_COLUMNS.map(of);
  const [runDelay, cycles, instructions, cacheMisses] = others;
  return minorFaults && voluntarySwitches && involuntarySwitches && {
    ...{ minorFaults, voluntarySwitches, involuntarySwitches, runDelay },
    ...{ cycles, instructions, cacheMisses },
  };
}

function metaLosses(meta: NonNullable<RunFiles["meta"]>): MetaLosses {
  const sequence = meta.numbers("seq")!;
  const flags = meta.numbers("flags")!;
  let lost = 0;
  for (let entry = 1; entry < sequence.length; entry++) {
    // Behind a gap without the flag, rows are gone from the file.
    if (!(flags[entry] & VPIPE_META_F_OVERRUN)) continue;
    lost += missingFrames(sequence[entry] - sequence[entry - 1]);
  }
  return {
    entries: meta.length,
    overruns: count(flags, VPIPE_META_F_OVERRUN),
    lost,
    isFirstOverrun: (flags[0] & VPIPE_META_F_OVERRUN) !== 0,
  };
}

/** @param first calls by which the buffers are queued for the first time: the faults' rows have none of these */
function lockCosts(lock: NonNullable<RunFiles["lock"]>, first: number): LockCosts | undefined {
  const of = (column: string) => statistics(lock.numbers(column)!.subarray(first));
  const acquisitions = of("acquisitions");
  const waited = of("waited_ns");
  const held = of("held_ns");
  return acquisitions && waited && held &&
    { calls: lock.length - first, acquisitions, waited, held };
}
