/**
 * The slowest frames of a bench, beside the kernel's trace of the same time: who had the CPU.
 *
 * @module
 */
import type { FrameSlices, Slice } from "./analysis/frame_slices.ts";
import { framesBetween, framesOf, type RecordedPair, type RecordedRun } from "./frame_tracks.ts";
import {
  dequeuedSequence,
  SET_CLOCK,
  type TraceEvent,
  type TraceLoss,
  type TraceSpan,
} from "./ftrace.ts";
import { tasksOnCpus } from "./on_cpu.ts";

/** One frame, times in ns since a second that whoever asked has named. */
export interface TimedFrame extends Slice {
  /** Of the run. */
  readonly run: string;
  /** Of the buffer that the program got at the end; undefined where it used read(2). */
  readonly sequence?: number;
  readonly parts: readonly Slice[];
  /** As `FrameSlices` has it. */
  readonly charged: Readonly<Record<string, number>>;
}

const partsOf = ({ inFlight, onThread }: FrameSlices) => [...inFlight, ...onThread];

const sequencesOf = ({ rows, kind }: RecordedRun) => {
  const column = kind.sequences.at(-1)?.column;
  return column === undefined ? undefined : rows.numbers(column);
};

/** The frames of one program that have a latency. */
export function* timedFrames(run: RecordedRun, second: number): Generator<TimedFrame, void> {
  const sequences = sequencesOf(run);
  for (const frame of framesOf(run, second)) {
    const { latency, row, charged } = frame;
    if (!latency) continue;
    const sequence = sequences?.[row];
    yield { ...latency, run: run.name, sequence, parts: partsOf(frame), charged };
  }
}

/** The frames between two programs, with both sides' parts; charged is the reader. */
export function* timedBetween(pair: RecordedPair, second: number): Generator<TimedFrame, void> {
  const written = [...framesOf(pair.write, second)];
  const received = [...framesOf(pair.read, second)];
  const sequences = sequencesOf(pair.read);
  for (const { written: from, read: to, ...slice } of framesBetween(pair, second)) {
    yield {
      ...slice,
      run: pair.name,
      sequence: sequences?.[to],
      parts: [...partsOf(written[from]), ...partsOf(received[to])],
      charged: received[to].charged,
    };
  }
}

/** A frame, and who had the CPU meanwhile on which its program got it. */
export interface Accompanied {
  readonly frame: TimedFrame;
  /** Undefined where the trace does not have the program's VIDIOC_DQBUF. */
  readonly cpu?: number;
  /** By task, in ns; the longest first. */
  readonly ran: readonly (readonly [task: string, ns: number])[];
}

/**
 * Looks frames up in a trace.
 *
 * @throws {Error} where their buffers are in the trace, and none within its frame's times
 */
export function accompany(
  events: Iterable<TraceEvent | TraceLoss>,
  span: TraceSpan,
  frames: readonly TimedFrame[],
): Accompanied[] {
  const cpus = new Map<TimedFrame, number>();
  const ran = new Map(frames.map((frame) => [frame, new Map<number, Map<string, number>>()]));
  let elsewhere = 0;
  const watched = function* () {
    for (const event of events) {
      yield event;
      if ("lost" in event) continue;
      const sequence = dequeuedSequence(event);
      if (sequence === undefined) continue;
      for (const frame of frames) {
        if (frame.sequence !== sequence) continue;
        if (frame.begin <= event.ns && event.ns <= frame.end) cpus.set(frame, event.cpu);
        else elsewhere++;
      }
    }
  };
  for (const { cpu, name, begin, end } of tasksOnCpus(watched(), span)) {
    for (const frame of frames) {
      const ns = Math.min(end, frame.end) - Math.max(begin, frame.begin);
      if (!(ns > 0)) continue;
      const byCpu = ran.get(frame)!;
      const tasks = byCpu.get(cpu) ?? new Map<string, number>();
      byCpu.set(cpu, tasks.set(name, (tasks.get(name) ?? 0) + ns));
    }
  }
  if (cpus.size === 0 && elsewhere > 0) {
    throw new Error(`no frame's VIDIOC_DQBUF is within the frame's times: ${SET_CLOCK}`);
  }
  return frames.map((frame) => {
    const cpu = cpus.get(frame);
    const tasks = cpu === undefined ? undefined : ran.get(frame)!.get(cpu);
    return { frame, cpu, ran: [...tasks ?? []].toSorted(([, a], [, b]) => b - a) };
  });
}
