/**
 * Whether files that lie beside a run's rows are of that run: a folder may have been used before.
 *
 * @module
 */
import { modifiedAt } from "../sys/device_number.ts";
import type { PathKind } from "./analysis/recorded_paths.ts";
import type { Table } from "./analysis/table.ts";

/** Files that were copied are some seconds apart, in whatever order. */
const COPYING_SECONDS = 60;

/** The longest that a tool measured: it is exact in its figures, as it is in the rows. */
function longest({ latency_ns, submit_ns }: Readonly<Record<string, unknown>>): unknown {
  return ((latency_ns ?? submit_ns) as { max?: unknown } | undefined)?.max;
}

/**
 * What a tool's figures say that its rows do not.
 *
 * @param file of the rows
 * @returns what gives them away; undefined where nothing does
 */
export function otherRun(
  summary: Readonly<Record<string, unknown>>,
  rows: Table,
  { latency }: PathKind,
  file: string,
): string | undefined {
  const inFile = rows.length + rows.damaged + (rows.cutOff ? 1 : 0);
  const { frames, failure } = summary;
  // Of a run that failed there may be frames whose rows could not be written.
  const isOthers = (frames: number) => failure === undefined ? frames !== inFile : frames < inFile;
  if (typeof frames === "number" && isOthers(frames)) {
    return `is of ${frames} frames, and ${file} has ${inFile}`;
  }
  if (failure !== undefined) return undefined;
  const said = longest(summary);
  const [from, to] = [rows.times(latency.from), rows.times(latency.to)];
  if (typeof said !== "number" || !from || !to || rows.length < inFile) return undefined;
  const is = to.reduce((most, ns, row) => Math.max(most, ns - from[row]), -Infinity);
  return is === said || Number.isNaN(is)
    ? undefined
    : `has ${said} ns as the longest ${latency.name}, and ${file} ${is} ns`;
}

/**
 * For how long a file had been there when a run began; undefined where it may be of the run.
 *
 * @param beside path of the file
 * @param path of the run's rows, which are written until its end
 */
export function earlierBy(
  beside: string,
  path: string,
  rows: Table,
  to: string,
): number | undefined {
  const [written, ended] = [modifiedAt(beside), modifiedAt(path)];
  const times = rows.times(to);
  if (written === undefined || ended === undefined || !times) return undefined;
  const known = times.filter((ns) => !Number.isNaN(ns));
  const took = known.length > 0 ? (known[known.length - 1] - known[0]) / 1e9 : 0;
  const before = ended - took - written;
  return before > COPYING_SECONDS ? before : undefined;
}
