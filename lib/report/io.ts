/**
 * One writer and one reader of the loopback node: what a frame cost between them.
 *
 * @module
 */
import { type FramePairs, pairFrames } from "../measure/frame_pairs.ts";
import { kindOf } from "../measure/paths.ts";
import { type Statistics, statistics } from "../measure/percentiles.ts";
import type { Table } from "../measure/table.ts";
import type { PairFiles } from "./folder.ts";

/** What a frame cost one of the two programs, in the mean; undefined where it was not recorded. */
export interface SideCosts {
  /** Of the whole process, by name. */
  readonly systemCalls?: ReadonlyMap<string, number>;
  /** Of the whole process, in ns. */
  readonly cpu?: number;
  /** Voluntary and involuntary ones of the thread that has the loop. */
  readonly switches?: number;
  /** Of the same thread. */
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
  /** Without the latencies, one a frame: `latency` is what they look like. */
  readonly pairs: Omit<FramePairs, "latencies" | "written">;
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
  const found = kind && pairFrames(write, read, kind.latency.to);
  const latency = found && statistics(found.latencies);
  const submit = found && statistics(submitTimes(write, found.written));
  if (!latency || !submit) return undefined;
  const { latencies: _, written, ...pairs } = found;
  const perFrame = (column: string) => {
    const total = cost?.numbers(column)?.[0];
    return total === undefined ? undefined : total / cost!.numbers("frames")![0];
  };
  const side = (which: "write" | "read", table: Table, rows: Int32Array): SideCosts => ({
    systemCalls: calls && callsPerFrame(calls, which),
    cpu: perFrame(`${which}_cpu_ns`),
    switches: mean(table, rows, "voluntary_switches", "involuntary_switches"),
    minorFaults: mean(table, rows, "minor_faults"),
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
    // The writer starts before the reader, and ends after it.
    write: side("write", write, written),
    read: side("read", read, Int32Array.from({ length: read.length }, (_, row) => row)),
  };
}

function submitTimes(write: Table, rows: Int32Array): Float64Array {
  const second = write.second("submit_monotonic_ns");
  const begin = write.times("submit_monotonic_ns", second)!;
  const end = write.times("submitted_monotonic_ns", second);
  return Float64Array.from(rows, (row) => end ? end[row] - begin[row] : NaN);
}

/** The sum of columns over rows, by their count; undefined where one is missing. */
function mean(table: Table, rows: Int32Array, ...names: string[]): number | undefined {
  const columns = names.map((name) => table.numbers(name));
  let sum = 0;
  for (const row of rows) {
    for (const column of columns) sum += column?.[row] ?? NaN;
  }
  return Number.isNaN(sum) ? undefined : sum / rows.length;
}

function callsPerFrame(calls: Table, which: string): SideCosts["systemCalls"] {
  const sides = calls.words("side")!;
  const names = calls.words("syscall")!;
  const frames = calls.numbers("frames")!;
  const counts = calls.numbers("calls")!;
  const rows = [...sides.keys()].filter((row) => sides[row] === which);
  return rows.length === 0
    ? undefined
    : new Map(rows.map((row) => [names[row], counts[row] / frames[row]]));
}
