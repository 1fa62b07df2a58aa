/**
 * What the I/O methods are compared by.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import type { MachineFigures } from "./figures.ts";
import type { IoFigures, SideCosts } from "./io.ts";
import { whyMissing } from "./words.ts";

/** What a table says of a pair's frames, behind their latency. */
export const PAIR_COLUMNS = [
  ...["writer's call, p50", "copies", "copied", "shared", "system calls", "switches"],
  ...["minor faults", "CPU time", "frames", "lost"],
] as const;

/** The methods, in the order of all tables; of the reader `read` stands where `write` does. */
export const WRITERS: readonly string[] = ["write", "mmap", "userptr", "dmabuf"];
export const READERS: readonly string[] = ["read", "mmap", "userptr", "dmabuf"];

/** One figure of each combination. */
export interface Metric {
  readonly name: string;
  /** undefined where it was not recorded. */
  readonly of: (figures: IoFigures) => number | undefined;
  readonly show: (value: number) => string;
}

/** All calls of one side; undefined where they were not counted. */
export function systemCalls({ systemCalls }: SideCosts): number | undefined {
  return systemCalls && [...systemCalls.values()].reduce((sum, count) => sum + count, 0);
}

/** Writer and reader together; undefined where one is not known. */
function both(of: (side: SideCosts) => number | undefined): Metric["of"] {
  // undefined makes NaN.
  return ({ write, read }) => {
    const sum = of(write)! + of(read)!;
    return Number.isNaN(sum) ? undefined : sum;
  };
}

/** A count a frame: `0.00` of none at all, `<0.01`, `2.03`, `112`. */
export function count(value: number): string {
  if (0 < value && value < 0.005) return "<0.01";
  return value.toFixed(value < 99.5 ? 2 : 0);
}

/** Bytes a frame: `0.00 MB` of none at all, `16 B`, `4.10 kB`, `0.46 MB`. */
export function bytes(value: number): string {
  if (value === 0 || value >= 1e5) return `${(value / 1e6).toFixed(2)} MB`;
  return value < 995 ? `${Math.ceil(value)} B` : `${(value / 1e3).toFixed(2)} kB`;
}

/** One heat map each. */
export const METRICS: readonly Metric[] = [
  { name: "latency, p50", of: ({ latency }) => latency.p50, show: formatNs },
  { name: "latency, p95", of: ({ latency }) => latency.p95, show: formatNs },
  { name: "latency, p99", of: ({ latency }) => latency.p99, show: formatNs },
  { name: "copies", of: ({ copies }) => copies, show: count },
  { name: "bytes copied", of: ({ bytesCopied }) => bytesCopied, show: bytes },
  { name: "system calls", of: both(systemCalls), show: count },
  { name: "context switches", of: both(({ switches }) => switches), show: count },
  { name: "minor faults", of: both(({ minorFaults }) => minorFaults), show: count },
  { name: "CPU time", of: both(({ cpu }) => cpu), show: formatNs },
];

/** Sizes of a machine's combinations, the smallest first. */
export function sizesOf({ pairs }: MachineFigures): string[] {
  const pixels = (size: string) => size.split("x").reduce((area, side) => area * Number(side), 1);
  return [...new Set(pairs.map(({ size }) => size))].sort((a, b) => pixels(a) - pixels(b));
}

/** Combinations of one size as the tables have them. */
export function ofSize({ pairs }: MachineFigures, size: string): IoFigures[] {
  const order = ({ writer, reader }: IoFigures) =>
    WRITERS.indexOf(writer) * READERS.length + READERS.indexOf(reader);
  return pairs.filter((figures) => figures.size === size).sort((a, b) => order(a) - order(b));
}

/** Why a combination's system calls were not counted. */
export function withoutCalls(machine: MachineFigures): string {
  return whyMissing(machine, "syscalls");
}
