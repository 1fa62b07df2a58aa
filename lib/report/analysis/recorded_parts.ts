/**
 * Where a run's rows say that each part of a frame began and ended.
 *
 * @module
 */
import { type Join, join } from "./join.ts";
import type { Part, PartName, PathKind } from "./recorded_paths.ts";
import type { Table } from "./table.ts";

/** A column, and for each row of the run its own; -1 for none. */
export interface Column {
  readonly data: Float64Array;
  readonly rows?: Int32Array;
}

/** ns since the second of the run's table, NaN where a row does not know. */
export function at({ data, rows }: Column, row: number): number {
  // An index of -1 reads undefined.
  return rows === undefined ? data[row] : data[rows[row]] ?? NaN;
}

/** A part whose columns are there. */
export interface RecordedPart {
  readonly name: PartName;
  readonly from: Column;
  readonly to: Column;
}

/** What a run has of its frames' parts. */
export interface RecordedParts {
  readonly joined?: Join;
  /** Whether turns overlap, because several frames are in flight. */
  readonly overlapping: boolean;
  /** Those of the kind that belong to one frame's latency, or, unless turns overlap, to one turn. */
  readonly candidates: readonly Part[];
  /** Of the candidates. */
  readonly parts: readonly RecordedPart[];
  /** What the thread does with a frame that has come back, while others are in flight. */
  readonly afterwards: readonly RecordedPart[];
}

/** @param meta the run's metadata with stages, where there is any */
export function recordedParts(run: Table, kind: PathKind, meta?: Table): RecordedParts {
  const joined = kind.join && meta ? join(run, meta, kind.join) : undefined;
  const known = new Map<string, Column | undefined>();
  const column = (name: string) => {
    if (!known.has(name)) known.set(name, read(name));
    return known.get(name);
  };
  const read = (name: string): Column | undefined => {
    const ofMeta = name.startsWith("meta.");
    const data = ofMeta ? meta?.times(name.slice("meta.".length), run.second) : run.times(name);
    if (!data) return undefined;
    return ofMeta ? joined && { data, rows: joined.rows } : { data };
  };
  const recorded = (parts: readonly Part[]) =>
    parts.flatMap((part): RecordedPart[] => {
      const [from, to] = [column(part.from), column(part.to)];
      return from && to ? [{ name: part.name, from, to }] : [];
    });

  const start = run.times(kind.start);
  const to = run.times(kind.latency.to);
  const overlapping = start !== undefined && to !== undefined && overlaps(start, to);
  const latency = overlapping
    ? 1 + kind.parts.findIndex((part) => part.to === kind.latency.to)
    : kind.parts.length;
  const candidates = kind.parts.slice(0, latency);
  return {
    joined,
    overlapping,
    candidates,
    parts: recorded(candidates),
    afterwards: recorded(kind.parts.slice(latency)),
  };
}

/** Whether most frames begin before the one before has come back. */
function overlaps(start: Float64Array, end: Float64Array): boolean {
  let early = 0;
  for (let row = 1; row < start.length; row++) if (start[row] < end[row - 1]) early++;
  return early > start.length / 2;
}
