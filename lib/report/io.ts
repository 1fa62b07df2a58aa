/**
 * One writer and one reader of the loopback node: what a frame cost between them.
 *
 * @module
 */
import { type FramePairs, pairFrames } from "./analysis/frame_pairs.ts";
import { kindOf } from "./analysis/recorded_paths.ts";
import { type Statistics, statistics } from "./analysis/percentiles.ts";
import type { Table } from "./analysis/table.ts";
import type { PairFiles } from "./folder.ts";

/** What a frame cost one of the two processes, in the mean; undefined where it was not recorded. */
export interface SideCosts {
  /** By name. */
  readonly systemCalls?: ReadonlyMap<string, number>;
  /** In ns. */
  readonly cpu?: number;
  /** How often one of its threads was switched to. */
  readonly switches?: number;
  readonly minorFaults?: number;
}

/** One combination of I/O methods. */
export interface IoFigures {
  readonly name: string;
  /** `640x480` */
  readonly size: string;
  readonly writer: string;
  readonly reader: string;
  /** Frames that were written, read and joined. */
  readonly frames: number;
  readonly pairs: FramePairs;
  /** ns from the writer's VIDIOC_QBUF or write(2) to the reader's having the frame. */
  readonly latency: Statistics;
  /** ns in the writer's VIDIOC_QBUF or write(2). */
  readonly submit: Statistics;
  /** By the kernel's CPU, a frame. */
  readonly copies?: number;
  /** Bytes of these. */
  readonly bytesCopied?: number;
  /** Frames that reached the reader without a copy, a frame. */
  readonly shared?: number;
  readonly write: SideCosts;
  readonly read: SideCosts;
}

/** A combination's figures; undefined where no frame of it can be joined. */
export function ioFigures(files: PairFiles): IoFigures | undefined {
  const { name, size, writer, reader, write, read, cost, calls } = files;
  const kind = kindOf(read);
  const pairs = kind && pairFrames(write, read, kind.latency.to);
  const latency = pairs && statistics(pairs.latencies);
  const submit = pairs && statistics(submitTimes(write, pairs.written));
  if (!latency || !submit) return undefined;
  const perFrame = (column: string) => {
    const value = (cost?.numbers(column)?.[0] ?? NaN) / (cost?.numbers("frames")?.[0] ?? NaN);
    // Of no frames there is none, and 0 / 0 least of all.
    return Number.isFinite(value) ? value : undefined;
  };
  const side = (which: "write" | "read"): SideCosts => ({
    systemCalls: calls && callsPerFrame(calls, which),
    cpu: perFrame(`${which}_cpu_ns`),
    switches: perFrame(`${which}_switches`),
    minorFaults: perFrame(`${which}_minor_faults`),
  });
  return {
    name,
    size,
    writer,
    reader,
    frames: latency.count,
    pairs,
    latency,
    submit,
    copies: perFrame("copies"),
    bytesCopied: perFrame("bytes_copied"),
    shared: perFrame("shared"),
    write: side("write"),
    read: side("read"),
  };
}

function submitTimes(write: Table, rows: Int32Array): Float64Array {
  const begin = write.times("submit_monotonic_ns")!;
  const end = write.times("submitted_monotonic_ns");
  return Float64Array.from(rows, (row) => end ? end[row] - begin[row] : NaN);
}

function callsPerFrame(calls: Table, which: string): SideCosts["systemCalls"] {
  const sides = calls.words("side")!;
  const names = calls.words("syscall")!;
  const frames = calls.numbers("frames")!;
  const counts = calls.numbers("calls")!;
  const rows = [...sides.keys()].filter((row) => sides[row] === which && frames[row] > 0);
  return rows.length === 0
    ? undefined
    : new Map(rows.map((row) => [names[row], counts[row] / frames[row]]));
}
