/**
 * The frames of a run as spans of time: how long each was under way, the loop's turn that it took, and
 * the parts of both.
 *
 * @module
 */
import type { Numbers, Table } from "./table.ts";
import { at, type RecordedPart, recordedParts } from "./recorded_parts.ts";
import { type PathKind, THREAD_COLUMNS } from "./recorded_paths.ts";
import { latencyOf, type RunLatency } from "./run_latency.ts";

/** Between two times in ns since a second that whoever asked has named. */
export interface Slice {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** What a row says of its frame. */
export interface FrameSlices {
  readonly row: number;
  readonly frame: number;
  /** The frame's latency, by its name; undefined where the row lacks one of its times. */
  readonly latency?: Slice;
  /** Parts of the latency, where others are in flight and the thread is not only this frame's. */
  readonly inFlight: readonly Slice[];
  /** From this look of the loop at its source to the next one; undefined where turns overlap. */
  readonly turn?: Slice;
  /** What the thread did with the frame, or waited for. */
  readonly onThread: readonly Slice[];
  /** What the thread was charged for the row, by column. */
  readonly charged: Readonly<Record<string, number>>;
}

/** The latency that frames are drawn with: the kind's own where the driver's times are of frames to come. */
export function drawnLatency(rows: Table, kind: PathKind): RunLatency {
  const latency = latencyOf(rows, kind);
  return latency.byDriver && latency.ahead > 0
    ? latencyOf(rows, { ...kind, buffers: false })
    : latency;
}

/**
 * Every row's frame, in their order.
 *
 * @param meta the run's metadata with stages, where there is any
 * @param second that times are counted from
 */
export function* frameSlices(
  rows: Table,
  kind: PathKind,
  meta: Table | undefined,
  second: number,
): Generator<FrameSlices, void> {
  const { overlapping, parts, afterwards } = recordedParts(rows, kind, meta);
  const { from, to } = drawnLatency(rows, kind);
  const start = overlapping ? undefined : rows.times(kind.start);
  const numbers = rows.numbers("frame")!;
  const shift = (rows.second - second) * 1e9;
  const slice = (name: string, begin: number, end: number): Slice[] =>
    end >= begin ? [{ name, begin: begin + shift, end: end + shift }] : [];
  const slices = (of: readonly RecordedPart[], row: number) =>
    of.flatMap((part) => slice(part.name, at(part.from, row), at(part.to, row)));
  const charges = THREAD_COLUMNS.flatMap((name): [string, Numbers][] => {
    const values = rows.numbers(name);
    return values ? [[name, values]] : [];
  });

  for (let row = 0; row < rows.length; row++) {
    const frame = numbers[row];
    const onThread = slices(overlapping ? afterwards : parts, row);
    const followed = numbers[row + 1] - frame === 1;
    const last = (onThread.at(-1)?.end ?? NaN) - shift;
    const [turn] = start
      ? slice(`turn ${frame}`, start[row], followed ? start[row + 1] : last)
      : [];
    yield {
      row,
      frame,
      latency: slice(`frame ${frame}`, from[row], to[row])[0],
      inFlight: overlapping ? slices(parts, row) : [],
      turn,
      onThread,
      charged: Object.fromEntries(
        charges.flatMap(([name, values]) => Number.isNaN(values[row]) ? [] : [[name, values[row]]]),
      ),
    };
  }
}
