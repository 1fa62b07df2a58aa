/**
 * The comparison of I/O methods as CSV, and as Markdown tables.
 *
 * @module
 */
import { stringify } from "@std/csv";
import { formatNs, formatNumber } from "../measure/format.ts";
import type { MachineFigures } from "./figures.ts";
import type { IoFigures, SideCosts } from "./io.ts";
import {
  bytes,
  count,
  ofSize,
  PAIR_COLUMNS,
  sizesOf,
  systemCalls,
  withoutCalls,
} from "./io_metrics.ts";
import { cell, markdownTable } from "./markdown.ts";
import { machineLine, NOT_RECORDED } from "./words.ts";

const number = (value: number | undefined, digits: number) =>
  value === undefined ? undefined : formatNumber(value, digits);

/** Figures of a row of `io.csv`, a frame where it is a mean. */
const COLUMNS: Readonly<Record<string, (figures: IoFigures) => string | number | undefined>> = {
  size: ({ size }) => size,
  writer: ({ writer }) => writer,
  reader: ({ reader }) => reader,
  frames: ({ frames }) => frames,
  lost: ({ pairs }) => pairs.lost,
  not_joined: ({ pairs }) => pairs.unknown + pairs.early + pairs.contradictory,
  latency_p50_ns: ({ latency }) => Math.round(latency.p50),
  latency_p95_ns: ({ latency }) => Math.round(latency.p95),
  latency_p99_ns: ({ latency }) => Math.round(latency.p99),
  latency_max_ns: ({ latency }) => Math.round(latency.max),
  submit_p50_ns: ({ submit }) => Math.round(submit.p50),
  copies: ({ copies }) => number(copies, 3),
  bytes_copied: ({ bytesCopied }) => number(bytesCopied, 0),
  shared: ({ shared }) => number(shared, 3),
  write_syscalls: ({ write }) => number(systemCalls(write), 3),
  read_syscalls: ({ read }) => number(systemCalls(read), 3),
  write_switches: ({ write }) => number(write.switches, 3),
  read_switches: ({ read }) => number(read.switches, 3),
  write_minor_faults: ({ write }) => number(write.minorFaults, 3),
  read_minor_faults: ({ read }) => number(read.minorFaults, 3),
  write_cpu_ns: ({ write }) => number(write.cpu, 0),
  read_cpu_ns: ({ read }) => number(read.cpu, 0),
};

/** `io.csv`, whose rows are combinations. */
export function ioCsv(machine: MachineFigures): string[] {
  const names = Object.keys(COLUMNS);
  const missing = (name: string) =>
    name.endsWith("_syscalls") ? withoutCalls(machine) : NOT_RECORDED;
  const rows = sizesOf(machine).flatMap((size) => ofSize(machine, size)).map((figures) =>
    Object.fromEntries(names.map((name) => [name, COLUMNS[name](figures) ?? missing(name)]))
  );
  return stringify(rows, { columns: names }).trimEnd().split(/\r?\n/);
}

/** The lines of a machine's section in docs/io-methods.md: a table for each size. */
export function ioMarkdown(machine: MachineFigures): string[] {
  const both = (figures: IoFigures, of: (side: SideCosts) => string | undefined) => {
    const [write, read] = [of(figures.write), of(figures.read)];
    return write === undefined && read === undefined
      ? undefined
      : `${write ?? NOT_RECORDED} + ${read ?? NOT_RECORDED}`;
  };
  const shown = (value: number | undefined, show: (value: number) => string) =>
    value === undefined ? undefined : show(value);
  return [
    `### ${cell(machine.name) || "Machine"}`,
    "",
    cell(machineLine(machine)),
    "",
    ...sizesOf(machine).flatMap((size) => [
      `#### ${size}`,
      "",
      ...markdownTable(
        [
          "writer → reader",
          "p50",
          "p95",
          "p99",
          ...PAIR_COLUMNS,
        ],
        ofSize(machine, size).map((figures) => {
          const { writer, reader, latency, submit, frames, pairs } = figures;
          return [
            `${writer} → ${reader}`,
            ...[latency.p50, latency.p95, latency.p99, submit.p50].map(formatNs),
            shown(figures.copies, count) ?? NOT_RECORDED,
            shown(figures.bytesCopied, bytes) ?? NOT_RECORDED,
            shown(figures.shared, count) ?? NOT_RECORDED,
            both(figures, (side) => shown(systemCalls(side), count)) ?? withoutCalls(machine),
            both(figures, ({ switches }) => shown(switches, count)) ?? NOT_RECORDED,
            both(figures, ({ minorFaults }) => shown(minorFaults, count)) ?? NOT_RECORDED,
            both(figures, ({ cpu }) => shown(cpu, formatNs)) ?? NOT_RECORDED,
            String(frames),
            String(pairs.lost),
          ];
        }),
      ),
      "",
    ]),
    ...callsMarkdown(machine),
  ];
}

/** Which system calls those were, of each method; the others of its rows make the same. */
function callsMarkdown(machine: MachineFigures): string[] {
  const names = ({ systemCalls }: SideCosts) =>
    [...systemCalls!].filter(([, count]) => count >= 0.05)
      .sort(([, a], [, b]) => b - a)
      .map(([name, calls]) => `${name} ${count(calls)}`).join(", ");
  const counted = sizesOf(machine).flatMap((size) => ofSize(machine, size))
    .filter(({ write, read }) => write.systemCalls && read.systemCalls);
  if (counted.length === 0) return [];
  return [
    "System calls of a frame, those made at least once in twenty frames:",
    "",
    ...markdownTable(
      ["size", "writer → reader", "of the writer", "of the reader"],
      counted.map(({ size, writer, reader, write, read }) => [
        size,
        `${writer} → ${reader}`,
        names(write),
        names(read),
      ]),
    ),
    "",
  ];
}
