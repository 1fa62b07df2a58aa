/**
 * What a run's files say, in figures.
 *
 * @module
 */
import { decompose, type Decomposition } from "../measure/decompose.ts";
import { type Gaps, sequenceGaps } from "../measure/gaps.ts";
import type { PathKind } from "../measure/paths.ts";
import { type Statistics, statistics } from "../measure/percentiles.ts";
import type { PerfCounters } from "../measure/perf.ts";
import type { Analysis, Machine, RunFiles } from "./folder.ts";
import { type IoFigures, ioFigures } from "./io.ts";

/** What the thread was charged a frame; undefined where the run was recorded without stages. */
export interface ThreadCosts {
  readonly minorFaults: Statistics;
  readonly voluntarySwitches: Statistics;
  readonly involuntarySwitches: Statistics;
  /** ns runnable and not running. */
  readonly runDelay: Statistics;
}

/** The metadata's own account of what it lost. */
export interface MetaLosses {
  readonly entries: number;
  readonly overruns: number;
  readonly lost: number;
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
  readonly frames: number;
  /** Of each row, NaN where a time is not there. */
  readonly latencies: Float64Array;
  /** When each row's latency ended, from the first one's. */
  readonly times: Float64Array;
  readonly latency: Statistics;
  readonly decomposition?: Decomposition;
  readonly thread?: ThreadCosts;
  /** Of the QBUF of each row's buffer. */
  readonly queueFaults?: Statistics;
  readonly gaps: readonly (Gaps & { readonly of: string })[];
  /** Frames that the driver flagged; undefined where the tool's JSON is not there. */
  readonly errors?: number;
  readonly meta?: MetaLosses;
  readonly perf?: PerfCounters;
  readonly lock?: LockCosts;
  readonly summary?: Readonly<Record<string, unknown>>;
}

/** All of a machine. */
export type MachineFigures = Machine<RunFigures, IoFigures>;

/** What a report makes of a bench's files. */
export const FIGURES: Analysis<RunFigures, IoFigures> = { run: runFigures, pair: ioFigures };

/** A run's figures; undefined where no row has both times of its latency. */
function runFigures(files: RunFiles): RunFigures | undefined {
  const { name, kind, rows, meta, perf, lock, summary } = files;
  const second = rows.second(kind.latency.from);
  const from = rows.times(kind.latency.from, second)!;
  const times = rows.times(kind.latency.to, second)!;
  const latencies = times.map((ns, row) => ns - from[row]);
  const latency = statistics(latencies);
  if (!latency) return undefined;
  const frame = rows.numbers("frame")!;
  const faults = rows.numbers("minor_faults_delta");
  const first = times.find((ns) => !Number.isNaN(ns))!;
  const errors = summary?.errors;
  return {
    name,
    kind,
    algorithm: rows.words("algo")?.[0],
    frames: rows.length,
    latencies,
    times: times.map((ns) => ns - first),
    latency,
    decomposition: decompose(rows, kind, meta),
    thread: threadCosts(files),
    queueFaults: faults && statistics(faults),
    gaps: kind.sequences.flatMap(({ column, of }) => {
      const sequence = rows.numbers(column);
      return sequence ? [{ of, ...sequenceGaps(sequence, frame) }] : [];
    }),
    errors: typeof errors === "number" ? errors : undefined,
    meta: meta && metaLosses(meta),
    perf,
    lock: lock && lockCosts(lock),
    summary,
  };
}

function threadCosts({ rows }: RunFiles): ThreadCosts | undefined {
  const of = (column: string) => {
    const values = rows.numbers(column);
    return values && statistics(values);
  };
  const minorFaults = of("minor_faults");
  const voluntarySwitches = of("voluntary_switches");
  const involuntarySwitches = of("involuntary_switches");
  const runDelay = of("run_delay_ns");
  return minorFaults && voluntarySwitches && involuntarySwitches && runDelay &&
    { minorFaults, voluntarySwitches, involuntarySwitches, runDelay };
}

function metaLosses(meta: NonNullable<RunFiles["meta"]>): MetaLosses {
  const sequence = meta.numbers("seq")!;
  const flags = meta.numbers("flags")!;
  let lost = 0;
  for (let entry = 1; entry < sequence.length; entry++) {
    lost += Math.max(0, sequence[entry] - sequence[entry - 1] - 1);
  }
  return { entries: meta.length, overruns: flags.filter((bits) => bits & 1).length, lost };
}

function lockCosts(lock: NonNullable<RunFiles["lock"]>): LockCosts | undefined {
  const of = (column: string) => statistics(lock.numbers(column)!);
  const acquisitions = of("acquisitions");
  const waited = of("waited_ns");
  const held = of("held_ns");
  return acquisitions && waited && held &&
    { calls: lock.length, acquisitions, waited, held };
}
