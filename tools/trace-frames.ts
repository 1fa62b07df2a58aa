/**
 * trace-frames: every frame of a bench on a time line, to be looked at in a trace viewer.
 *
 * @module
 */
import { optional, outputPath, path, UsageError } from "../lib/cli/parameters.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { OutputFile } from "../lib/files/files.ts";
import { ChromeTrace } from "../lib/report/chrome_trace.ts";
import { FIGURES } from "../lib/report/figures.ts";
import { readBench } from "../lib/report/folder.ts";
import {
  drawPair,
  drawRun,
  framesOf,
  recordedPair,
  type RecordedRun,
  slicesOf,
} from "../lib/report/frame_tracks.ts";
import { isSameFile } from "../lib/sys/device_number.ts";
import { listFolder } from "../lib/sys/folder.ts";

/** What the rows are about. */
interface Seen {
  frames: number;
  /** Of the first row of the first file; ns are counted from it. */
  second: number;
  first: number;
  last: number;
}

/** Looks at every run for the first time. */
function look(folder: string, warn: (message: string) => void): Seen {
  const seen: Seen = { frames: 0, second: NaN, first: Infinity, last: -Infinity };
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
  const machines = readBench(folder, {
    run(files) {
      take(files);
      return FIGURES.run(files);
    },
    pair(files) {
      const pair = recordedPair(files);
      for (const run of pair ? [pair.write, pair.read] : []) take(run);
      return FIGURES.pair(files);
    },
  });
  for (const { file, says } of machines.flatMap(({ notices }) => notices)) {
    warn(`${folder}/${file}: ${says}`);
  }
  if (machines.filter(({ runs, pairs }) => runs.length + pairs.length > 0).length > 1) {
    throw new Error(`${folder}: more than one run of a bench; name the folder of one`);
  }
  return seen;
}

/** Reads all of the folder once more: its tables together would fill the memory. */
function draw(name: string, folder: string, { second, first }: Seen): void {
  using file = new OutputFile(name);
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
  trace.close();
}

/** A run's own files are no place for the trace. */
function refuseRunFile(name: string, folder: string): void {
  const file = listFolder(folder).find((file) =>
    /\.(csv|json)$/.test(file) && isSameFile(name, `${folder}/${file}`)
  );
  const isOfRun = file?.endsWith(".csv") ||
    file && listFolder(folder).includes(file.replace(/json$/, "csv"));
  if (isOfRun) throw new Error(`${name}: is a file of a run and no trace`);
}

export const tool = declareTool({
  name: "trace-frames",
  summary: "Draws every frame of a bench on a time line, for ui.perfetto.dev.",
  positionals: {
    folder: path("DIR", "what a bench wrote"),
  },
  options: {
    chrome: optional(outputPath("OUT.json", "trace to write, in Chrome's trace event format")),
  },
  run({ folder, chrome }, { warn }) {
    if (chrome === undefined) throw new UsageError("--chrome is missing");
    const seen = look(folder, warn);
    refuseRunFile(chrome, folder);
    draw(chrome, folder, seen);
    if (seen.frames === 0) throw new Error(`${folder}: no CSV of a run in it`);
    const seconds = (seen.last - seen.first) / 1e9;
    return {
      text: [`${chrome}: ${seen.frames} frames of ${seconds.toFixed(3)} s, for ui.perfetto.dev`],
      json: { chrome, frames: seen.frames, seconds },
    };
  },
});

if (import.meta.main) await main(tool);
