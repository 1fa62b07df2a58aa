/**
 * The loop that writes the filter's metadata, a row an entry.
 *
 * @module
 */
import { missingFrames } from "../measure/gaps.ts";
import { FILTER_STAGES, STAGE_ENDS } from "../measure/filter_stages.ts";
import { BEFORE_FIRST, counted, formatSummary } from "../measure/format.ts";
import { Histogram } from "../measure/histogram.ts";
import { VPIPE_META_F_OVERRUN } from "../uapi/vpipe.ts";
import { DeviceError } from "../v4l2/device.ts";
import { type MetaEntry, type MetaEntryV2, MetaReader } from "../vpipe/meta.ts";
import { Output } from "../files/output.ts";
import { OutputFile } from "../files/output_file.ts";
import { Progress } from "../cli/progress.ts";
import { say } from "../cli/say.ts";
import { BREATH_MS, breathe } from "../cli/stop.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

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
] as const satisfies readonly (keyof MetaEntry)[];

/** What the command line says. */
export interface MetadataDrain {
  readonly device: string;
  readonly csv: string;
  /** Entries to record. */
  readonly frames: number;
  /** Record the ends of the stages as well. */
  readonly stages: boolean;
  /** Say when the next frame will be recorded. */
  readonly ready: boolean;
  /** Seconds without an entry after which to give up; 0 for never. */
  readonly timeout: number;
}

/** What the entries say, as text and as figures. */
class MetadataRows {
  overruns = 0;
  /** Between them. */
  lost = 0;
  /** Whether some were lost before the first, of which nobody knows how many. */
  isFirstOverrun = false;
  readonly durations = FILTER_STAGES.map(() => new Histogram());
  #sequence = 0n;

  /** @returns its row of the file */
  add(entry: MetaEntry | MetaEntryV2): string {
    if (entry.flags & VPIPE_META_F_OVERRUN) {
      this.isFirstOverrun ||= this.#sequence === 0n;
      this.overruns++;
    }
    // The count restarts with a device that was bound again.
    if (this.#sequence !== 0n) this.lost += missingFrames(Number(entry.seq - this.#sequence));
    this.#sequence = entry.seq;
    const row = COLUMNS.map((name) => entry[name]).join(",");
    if (!("done_ns" in entry)) return row + "\n";
    FILTER_STAGES.forEach(([, from, to], i) =>
      this.durations[i].record(Number(entry[to] - entry[from]))
    );
    return `${row},${STAGE_ENDS.map((name) => entry[name]).join(",")}\n`;
  }
}

/** Drains and records, until there were as many entries, or to the first signal. */
export async function drainMetadata(
  { device, csv, frames, stages, ready, timeout }: MetadataDrain,
  { quiet, stop }: ToolSession,
): Promise<Report> {
  using reader = new MetaReader(device, stages ? 2 : 1);
  using file = new OutputFile(csv);
  stop.listen();
  if (ready) say(Output.hasStdout ? "stderr" : "stdout", "ready");

  const rows = new MetadataRows();
  const header = [...COLUMNS, ...(stages ? STAGE_ENDS : [])].join(",") + "\n";
  let recorded = 0;
  let waitingSince = performance.now();
  using progress = new Progress("meta-drain", frames, "entries", quiet);
  let failure: Error | undefined;
  try {
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
      if (count > 0) {
        let text = recorded === 0 ? header : "";
        for (let i = 0; i < count; i++) text += rows.add(reader.entries[i]);
        file.append(text);
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
    file.close();
  } catch (error) {
    failure = error as Error;
  }

  const { overruns, lost, isFirstOverrun } = rows;
  const summaries = rows.durations.map((histogram) => histogram.summary());
  const named = FILTER_STAGES.map(([name], i) => [name.replaceAll(" ", "_"), summaries[i]]);
  return {
    text: [
      `${csv}: ${counted(recorded, "entry", "entries")}, ${counted(overruns, "overrun")}, ${
        counted(lost, "entry", "entries")
      } lost${isFirstOverrun ? BEFORE_FIRST : ""}`,
      ...FILTER_STAGES.flatMap(([name], i) => formatSummary(name, summaries[i])),
    ],
    json: {
      csv,
      entries: recorded,
      overruns,
      lost: isFirstOverrun ? undefined : lost,
      stages_ns: stages ? Object.fromEntries(named) : undefined,
      failure: failure?.message,
    },
    failure,
  };
}
