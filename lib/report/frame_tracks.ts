/**
 * The frames of a bench as tracks of a trace: one of each run's loop, one of its frames for each that is
 * under way with others, and of the loopback node between two programs as well.
 *
 * @module
 */
import { type ChromeTrace, Lanes, type Track } from "./chrome_trace.ts";
import type { FramePairs } from "./analysis/frame_pairs.ts";
import {
  drawnLatency,
  type FrameSlices,
  frameSlices,
  type Slice,
} from "./analysis/frame_slices.ts";
import { pairFrames } from "./analysis/frame_pairs.ts";
import { kindOf, type PathKind } from "./analysis/recorded_paths.ts";
import type { PairFiles, RunFiles } from "./folder.ts";
import type { OnCpu } from "./on_cpu.ts";

/** One program's rows. */
export type RecordedRun = Pick<RunFiles, "name" | "kind" | "rows" | "meta">;

/** Two programs at one loopback node, and which of their rows are of one frame. */
export interface RecordedPair {
  readonly name: string;
  readonly write: RecordedRun;
  readonly read: RecordedRun;
  readonly pairs: FramePairs;
}

/** Both sides of a pair; undefined where one of them is no tool's. */
export function recordedPair({ name, write, read }: PairFiles): RecordedPair | undefined {
  const kinds: readonly (PathKind | undefined)[] = [kindOf(write), kindOf(read)];
  const [writer, reader] = kinds;
  return writer && reader && {
    name,
    write: { name: "writer", kind: writer, rows: write },
    read: { name: "reader", kind: reader, rows: read },
    pairs: pairFrames(write, read, reader.latency.to),
  };
}

/** The frames of a run, times since `second`. */
export const framesOf = ({ rows, kind, meta }: RecordedRun, second: number) =>
  frameSlices(rows, kind, meta, second);

/** Everything that a row has of its frame, a slice that holds others before them. */
export function slicesOf({ latency, inFlight, turn, onThread }: FrameSlices): Slice[] {
  return [...(latency ? [latency] : []), ...inFlight, ...(turn ? [turn] : []), ...onThread];
}

/** The frames of a pair between its programs: from the writer's call to the reader's having it. */
export function* framesBetween(
  { write, pairs }: RecordedPair,
  second: number,
): Generator<Slice & { readonly written: number; readonly read: number }, void> {
  const submitted = write.rows.times("submit_monotonic_ns", second)!;
  const frame = write.rows.numbers("frame")!;
  for (const [i, row] of pairs.written.entries()) {
    yield {
      name: `frame ${frame[row]}`,
      begin: submitted[row],
      end: submitted[row] + pairs.latencies[i],
      written: row,
      read: pairs.read[i],
    };
  }
}

/** Where a row's frame is drawn. */
interface Drawn extends Slice {
  readonly track: Track;
}

/** @returns by row, where the frame is */
function drawFrames(
  trace: ChromeTrace,
  pid: number,
  run: RecordedRun,
  second: number,
  whose = "",
): (Drawn | undefined)[] {
  const thread = trace.track(pid, `${whose}thread`);
  const lanes = new Lanes(trace, pid, `${whose}${drawnLatency(run.rows, run.kind).name}`);
  const drawn: (Drawn | undefined)[] = [];
  for (const frame of framesOf(run, second)) {
    const { latency, inFlight, turn, onThread, charged } = frame;
    if (turn) trace.slice(thread, turn, charged);
    for (const part of onThread) trace.slice(thread, part);
    if (!latency) continue;
    const track = lanes.take(latency);
    trace.slice(track, latency);
    for (const part of inFlight) trace.slice(track, part);
    drawn[frame.row] = { ...latency, track };
  }
  return drawn;
}

/** Draws one program's frames. */
export function drawRun(trace: ChromeTrace, run: RecordedRun, second: number): void {
  drawFrames(trace, trace.group(`${run.name}: ${run.kind.title}`), run, second);
}

/** Draws the frames of both programs, those between them, and an arrow for each. */
export function drawPair(trace: ChromeTrace, pair: RecordedPair, second: number): void {
  const pid = trace.group(pair.name);
  const written = drawFrames(trace, pid, pair.write, second, "writer: ");
  const node = new Lanes(trace, pid, "loopback node");
  const between = [...framesBetween(pair, second)];
  for (const frame of between) trace.slice(node.take(frame), frame);
  const read = drawFrames(trace, pid, pair.read, second, "reader: ");
  for (const { name, written: from, read: to } of between) {
    const [writer, reader] = [written[from], read[to]];
    if (!writer || !reader) continue;
    const had = Math.max(reader.begin, reader.end - 1);
    trace.arrow(name, writer.track, writer.begin, reader.track, had);
  }
}

/** Draws who had which CPU between two times, a track a CPU; nothing is where it was idle. */
export function drawCpus(
  trace: ChromeTrace,
  tasks: Iterable<OnCpu>,
  first: number,
  last: number,
): void {
  const pid = trace.group("CPU");
  const tracks = new Map<number, Track>();
  for (const { cpu, id, name, begin, end } of tasks) {
    if (id === 0 || end <= first || begin >= last) continue;
    const track = tracks.get(cpu) ?? trace.track(pid, `CPU ${cpu}`);
    tracks.set(cpu, track);
    trace.slice(track, { name, begin: Math.max(begin, first), end: Math.min(end, last) });
  }
}
