/**
 * trace-frames: every frame of a bench on a time line, to be looked at in a trace viewer.
 *
 * @module
 */
import { optional, outputPath, path, UsageError } from "../lib/cli/parameters.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { WholeFile } from "../lib/files/whole_file.ts";
import { counted, formatNs } from "../lib/measure/format.ts";
import { Slowest } from "../lib/report/analysis/slowest.ts";
import { ChromeTrace } from "../lib/report/chrome_trace.ts";
import { FIGURES } from "../lib/report/figures.ts";
import { readBench, refuseRunFile } from "../lib/report/folder.ts";
import {
  drawCpus,
  drawPair,
  drawRun,
  framesOf,
  recordedPair,
  type RecordedRun,
  slicesOf,
} from "../lib/report/frame_tracks.ts";
import { SET_CLOCK, traceEvents, type TraceSpan, traceSpan } from "../lib/report/ftrace.ts";
import { tasksOnCpus } from "../lib/report/on_cpu.ts";
import {
  type Accompanied,
  accompany,
  timedBetween,
  type TimedFrame,
  timedFrames,
} from "../lib/report/slow_frames.ts";
import { isEndless } from "../lib/sys/device_number.ts";
import { SysError } from "../lib/sys/errno.ts";

/** What the rows are about. */
interface Seen {
  frames: number;
  /** ns are counted from it. */
  second: number;
  first: number;
  last: number;
  /** Of those that lie within the trace. */
  readonly slowest: readonly TimedFrame[];
}

/** A trace beside the rows. */
interface Beside {
  readonly path: string;
  readonly span: TraceSpan;
}

/** Looks at every run for the first time. */
function look(folder: string, beside: Beside | undefined, warn: (message: string) => void): Seen {
  const slowest = new Slowest<TimedFrame>();
  const seen = { frames: 0, second: beside?.span.second ?? NaN, first: Infinity, last: -Infinity };
  const take = (run: RecordedRun) => {
    if (Number.isNaN(seen.second)) seen.second = run.rows.second;
    for (const frame of framesOf(run, seen.second)) {
      seen.frames++;
      for (const { begin, end } of slicesOf(frame)) {
        if (begin < seen.first) seen.first = begin;
        if (end > seen.last) seen.last = end;
      }
    }
  };
  const time = (frames: Iterable<TimedFrame>) => {
    if (!beside) return;
    const { first, last } = beside.span;
    for (const frame of frames) {
      if (first <= frame.begin && frame.end <= last) slowest.offer(frame);
    }
  };
  const machines = readBench(folder, {
    run(files) {
      take(files);
      time(timedFrames(files, seen.second));
      return FIGURES.run(files);
    },
    pair(files) {
      const pair = recordedPair(files);
      if (pair) {
        take(pair.write);
        take(pair.read);
        time(timedBetween(pair, seen.second));
      }
      return FIGURES.pair(files);
    },
  });
  for (const { file, says } of machines.flatMap(({ notices }) => notices)) {
    warn(`${folder}/${file}: ${says}`);
  }
  if (machines.filter(({ runs, pairs }) => runs.length + pairs.length > 0).length > 1) {
    throw new Error(`${folder}: more than one run of a bench; name the folder of one`);
  }
  return { ...seen, slowest: slowest.frames };
}

/** Reads all of the folder once more: its tables together would fill the memory. */
function draw(name: string, folder: string, { second, first, last }: Seen, beside?: Beside): void {
  using file = new WholeFile(name);
  const trace = new ChromeTrace((text) => file.append(text), first);
  readBench(folder, {
    run(files) {
      drawRun(trace, files, second);
      return undefined;
    },
    pair(files) {
      const pair = recordedPair(files);
      if (pair) drawPair(trace, pair, second);
      return undefined;
    },
  });
  if (beside) {
    drawCpus(trace, tasksOnCpus(traceEvents(beside.path, second), beside.span), first, last);
  }
  trace.close();
  file.finish();
}

function lossesOf({ path, span: { places, lost } }: Beside): string {
  const many = Number.isNaN(lost) ? "events" : counted(lost, "event");
  return `${path}: lost ${many} in ${counted(places, "place")}: who ran there is not known`;
}

const seconds = (ns: number, second = 0) => `${(second + ns / 1e9).toFixed(3)} s`;

/** The slowest frames in the trace. */
function lookUp({ path, span }: Beside, { slowest, first, last }: Seen): Accompanied[] {
  const at = (ns: number) => seconds(ns, span.second);
  if (slowest.length === 0) {
    throw new Error(
      `${path}: from ${at(span.first)} to ${at(span.last)}, no frame is within (they are ` +
        `from ${at(first)} to ${at(last)}): is it of this run? ${SET_CLOCK}`,
    );
  }
  try {
    return accompany(traceEvents(path, span.second), span, slowest);
  } catch (error) {
    if (error instanceof SysError) throw error;
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

const listed = (items: Iterable<readonly [name: string, value: string]>) =>
  [...items].map((words) => words.join(" ")).join(", ");

/** What the thread was charged, in words: what is 0 is left out. */
const chargesOf = (charged: TimedFrame["charged"]) =>
  Object.entries(charged).filter(([, value]) => value > 0).map(([name, value]) => {
    const words = name.replace(/_ns$/, "").replaceAll("_", " ");
    return [words, name.endsWith("_ns") ? formatNs(value) : String(value)] as const;
  });

function whoRan(cpu: Accompanied["cpu"], ran: Accompanied["ran"]): string {
  if (cpu === undefined) return "its VIDIOC_DQBUF is not in the trace";
  if (ran.length === 0) return `CPU ${cpu}: no sched_switch of it is in the trace`;
  return `CPU ${cpu}: ${listed(ran.map(([task, ns]) => [task, formatNs(ns)]))}`;
}

function wordsOf({ frame, cpu, ran }: Accompanied, second: number): string[] {
  const { run, name, begin, end, parts, charged } = frame;
  const lines = [
    listed(parts.map((part) => [part.name, formatNs(part.end - part.begin)])),
    listed(chargesOf(charged)),
    whoRan(cpu, ran),
  ];
  return [
    `${run}, ${name}, at ${seconds(begin, second)}: ${formatNs(end - begin)}`,
    ...lines.filter((line) => line !== "").map((line) => `  ${line}`),
  ];
}

function jsonOf({ frame, cpu, ran }: Accompanied, second: number): Record<string, unknown> {
  const { run, name, begin, end, parts, charged } = frame;
  return {
    run,
    name,
    begin_seconds: second + begin / 1e9,
    latency_ns: end - begin,
    parts: parts.map((part) => ({ part: part.name, ns: part.end - part.begin })),
    ...charged,
    cpu,
    ran: ran.map(([task, ns]) => ({ task, ns })),
  };
}

export const tool = declareTool({
  name: "trace-frames",
  summary:
    "Draws every frame of a bench on a time line, for ui.perfetto.dev, and looks the slowest up in a trace.",
  positionals: {
    folder: path("DIR", "what a bench wrote"),
  },
  options: {
    chrome: optional(outputPath("OUT.json", "trace to write, in Chrome's trace event format")),
    trace: optional(
      path(
        "FILE",
        "kernel's trace of the run as text, of clock mono: says who ran beside the slowest",
      ),
    ),
  },
  run({ folder, chrome, trace }, { warn }) {
    if (chrome === undefined && trace === undefined) {
      throw new UsageError("--chrome or --trace is missing");
    }
    if (trace !== undefined && isEndless(trace)) {
      throw new Error(
        `${trace}: is a pipe or a device, and has to be read more than once: name a file`,
      );
    }
    const beside = trace === undefined ? undefined : { path: trace, span: traceSpan(trace) };
    if (beside && beside.span.places > 0) warn(lossesOf(beside));
    const seen = look(folder, beside, warn);
    if (seen.frames === 0) throw new Error(`${folder}: no CSV of a run in it`);
    const found = beside ? lookUp(beside, seen) : [];
    if (chrome !== undefined) {
      refuseRunFile(chrome, folder, "trace");
      draw(chrome, folder, seen, beside);
    }
    const { frames, first, last } = seen;
    const drawn = `${chrome}: ${counted(frames, "frame")} of ${
      seconds(last - first)
    }, for ui.perfetto.dev`;
    return {
      text: [
        ...found.flatMap((frame) => wordsOf(frame, seen.second)),
        ...(beside ? [`${trace}: taken for CLOCK_MONOTONIC, as its times are the frames'`] : []),
        ...(chrome === undefined ? [] : [drawn]),
      ],
      json: {
        ...{ chrome, trace, frames, seconds: (last - first) / 1e9 },
        slowest: beside && found.map((frame) => jsonOf(frame, seen.second)),
      },
    };
  },
});

if (import.meta.main) await main(tool);
