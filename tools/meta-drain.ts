/**
 * meta-drain: the filter's metadata sideband to CSV.
 *
 * @module
 */
import { FRAMES } from "../lib/cli/shared_options.ts";
import { descriptorOf, OutputFile, STDOUT } from "../lib/files/files.ts";
import { flag, number, outputPath, path } from "../lib/cli/parameters.ts";
import { Progress } from "../lib/cli/progress.ts";
import { BREATH_MS, breathe } from "../lib/cli/stop.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { formatSummary } from "../lib/measure/format.ts";
import { Histogram } from "../lib/measure/histogram.ts";
import { DeviceError } from "../lib/v4l2/device.ts";
import { type MetaEntryV2, MetaReader } from "../lib/vpipe/meta.ts";
import { VPIPE_META_F_OVERRUN } from "../lib/uapi/vpipe.ts";

const COLUMNS = [
  "seq",
  "src_v4l2_sequence",
  "buffer_index",
  "timestamp_ns",
  "bytesused",
  "crc32",
  "algo_id",
  "algo_status",
  "roi_left",
  "roi_top",
  "roi_width",
  "roi_height",
  "algo_value0",
  "algo_value1",
  "flags",
] as const satisfies readonly (keyof MetaEntryV2)[];

const STAGE_COLUMNS = [
  "queued_ns",
  "run_ns",
  "copied_ns",
  "filtered_ns",
  "checksummed_ns",
  "done_ns",
] as const satisfies readonly (keyof MetaEntryV2)[];

/** What the time between two stage columns was spent on. */
const STAGES = [
  ["queue wait", "queued_ns", "run_ns"],
  ["copy", "run_ns", "copied_ns"],
  ["filter", "copied_ns", "filtered_ns"],
  ["checksum", "filtered_ns", "checksummed_ns"],
  ["finish", "checksummed_ns", "done_ns"],
  ["queued to done", "queued_ns", "done_ns"],
] as const;

export const tool = declareTool({
  name: "meta-drain",
  summary: "Writes one CSV row for each frame that the filter finishes.",
  positionals: {
    device: path("DEV", "metadata device, /dev/vpipe-meta"),
    csv: outputPath("CSV", "file to write, one row a frame"),
    frames: FRAMES,
  },
  options: {
    stages: flag("read version 2 entries: when each stage of a frame ended, in more columns"),
    ready: flag(
      'print "ready" (on stdout, or on stderr where CSV is that) once the next frame will be recorded',
    ),
    timeout: number("SECONDS", "give up when no entry comes for so long; 0: never", {
      max: 86400,
      fallback: 0,
    }),
  },
  async run({ device, csv, frames, stages, ready, timeout }, { quiet, stop }) {
    using reader = new MetaReader(device, stages ? 2 : 1);
    using file = new OutputFile(csv);
    const columns = stages ? [...COLUMNS, ...STAGE_COLUMNS] : COLUMNS;
    file.append(columns.join(",") + "\n");
    stop.listen();
    if (ready) (descriptorOf(csv, STDOUT) === STDOUT ? console.error : console.log)("ready");

    const durations = STAGES.map(() => new Histogram());
    let recorded = 0;
    let overruns = 0;
    let lost = 0;
    let sequence = 0n;
    let waitingSince = performance.now();
    using progress = new Progress("meta-drain", frames, "entries", quiet);
    for (let last = false; recorded < frames && !last;) {
      // What the filter published until it was told to end belongs to the record.
      last = stop.requested;
      const count = reader.read(frames - recorded, last ? 0 : BREATH_MS);
      if (count < 0) {
        throw new DeviceError(
          device,
          `the device is gone (ENODEV) after ${recorded} of ${frames} entries`,
        );
      }
      let rows = "";
      for (const entry of reader.entries.slice(0, count)) {
        rows += columns.map((name) => entry[name]).join(",") + "\n";
        if (entry.flags & VPIPE_META_F_OVERRUN) overruns++;
        // The count restarts with a device that was bound again.
        if (sequence !== 0n && entry.seq > sequence) lost += Number(entry.seq - sequence - 1n);
        sequence = entry.seq;
        if (!stages) continue;
        STAGES.forEach(([, from, to], i) => durations[i].record(Number(entry[to] - entry[from])));
      }
      if (count > 0) {
        file.append(rows);
        recorded += count;
        waitingSince = performance.now();
      } else if (timeout > 0 && performance.now() - waitingSince > timeout * 1000) {
        throw new DeviceError(
          device,
          `no entry within ${timeout} s, after ${recorded} of ${frames}`,
        );
      }
      progress.update(recorded);
      await breathe();
    }

    const summaries = durations.map((histogram) => histogram.summary());
    return {
      text: [
        `${csv}: ${recorded} entries, ${overruns} overruns, ${lost} entries lost`,
        ...STAGES.flatMap(([name], i) => formatSummary(name, summaries[i])),
      ],
      json: {
        csv,
        entries: recorded,
        overruns,
        lost,
        stages_ns: stages
          ? Object.fromEntries(STAGES.map(([name], i) => [name.replaceAll(" ", "_"), summaries[i]]))
          : undefined,
      },
    };
  },
});

if (import.meta.main) await main(tool);
