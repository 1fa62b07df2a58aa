/**
 * The loop that sends one image through dma-heap buffers and the filter, many times.
 *
 * @module
 */
import { GREY } from "../image/pixel_format.ts";
import type { Rectangle } from "../image/rectangle.ts";
import { counted, formatNumber, formatSummary, formatWarmUp } from "../measure/format.ts";
import { absoluteNs, monotonicNs } from "../sys/clock.ts";
import { FixturePath, type FixtureRoute } from "../vpipe/fixture_path.ts";
import { ALGORITHMS } from "../vpipe/filter.ts";
import { readPgm, writePgm } from "../files/pgm_files.ts";
import { Recording, type RecordingSettings } from "./recording.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

// So many frames see to it that the loop is compiled; a large frame's own cost hides what is not.
export const WARM_UP_FRAMES = 1000;
const WARM_UP_BYTES = WARM_UP_FRAMES * 640 * 480;

/** What the command line says of an image's way through the filter. */
export interface FixtureSettings extends Omit<FixtureRoute, "image" | "controls"> {
  /** PGM to send. */
  readonly input: string;
  /** PGM to write; empty for none. */
  readonly output: string;
  readonly algorithm: keyof typeof ALGORITHMS;
  readonly threshold: number;
  readonly roi: Rectangle;
  /** Of the source, for the metadata. */
  readonly sequence: number;
}

/** What the command line says of a bench. */
export interface FixtureBench extends FixtureSettings, Omit<RecordingSettings, "warm-up"> {
  /** Frames in flight. */
  readonly depth: number;
  /** Undefined for what suits the image. */
  readonly "warm-up": number | undefined;
}

/** Opens the way of an image, and reads that. */
export function openFixturePath(settings: FixtureSettings): FixturePath {
  const { input, algorithm } = settings;
  return new FixturePath({
    ...settings,
    image: readPgm(input),
    controls: { ...settings, algorithm: ALGORITHMS[algorithm] },
  });
}

/** Sends and records. */
export async function sendFixture(bench: FixtureBench, session: ToolSession): Promise<Report> {
  const { tool, device, csv, frames, algorithm, threshold, output, depth } = bench;
  using path = openFixturePath(bench);
  const { output: source, capture: sink, image, size } = path;
  const buffers = Math.min(source.buffers.length, sink.buffers.length);
  if (depth > buffers) {
    throw new Error(`${device}: gives ${counted(buffers, "buffer")}, --depth is ${depth}`);
  }
  const warmUp = bench["warm-up"] ?? Math.min(WARM_UP_FRAMES, Math.ceil(WARM_UP_BYTES / size));
  using recording = new Recording({ ...bench, "warm-up": warmUp }, {
    usual: {
      frame: String,
      output_index: String,
      enqueue_monotonic_ns: absoluteNs,
      dequeue_monotonic_ns: absoluteNs,
      vpipe_sequence: String,
      bytesused: String,
      algo: () => algorithm,
    },
    steps: { requeued_monotonic_ns: absoluteNs },
  });
  const { columns, latency, log, meter } = recording;
  const { dequeued } = sink;
  const enqueued = new Float64Array(buffers);
  const total = warmUp + frames;
  let sent = 0;
  let taken = 0;
  let first = 0;
  let last = 0;

  const failure = await recording.run({
    source: sink,
    turn() {
      while (sent - taken < depth && sent < total) {
        const slot = sent++ % buffers;
        enqueued[slot] = meter.begin(monotonicNs());
        source.enqueue(slot, size);
      }
      // Where there is nothing left to send, that has not ended the turn before.
      meter.settle();
      // Most often the filter has worked inside VIDIOC_QBUF: waiting would cost a call.
      return sink.dequeue();
    },
    take(index, frame) {
      const now = monotonicNs();
      const slot = taken++ % buffers;
      path.checkDequeued();
      source.reclaim();
      if (output !== "" && frame === -warmUp) writePgm(output, path.frame(index));
      sink.enqueue(index);

      const { row } = log;
      columns.requeued_monotonic_ns[row] = meter.now();
      columns.frame[row] = frame;
      columns.output_index[row] = slot;
      columns.enqueue_monotonic_ns[row] = enqueued[slot];
      columns.dequeue_monotonic_ns[row] = now;
      columns.vpipe_sequence[row] = dequeued.sequence;
      columns.bytesused[row] = dequeued.bytesused;
      meter.measure(columns, row);
      log.endRow();
      latency.record(now - enqueued[slot]);
      if (frame <= 0) first = now;
      last = now;
      return now;
    },
  }, session);

  const { width, height } = image;
  const summary = latency.summary();
  const { count } = summary ?? { count: 0 };
  const rate = count > 1 ? (count - 1) * 1e9 / (last - first) : undefined;
  return {
    text: [
      `${csv}: ${counted(count, "frame")} of ${width}x${height}, ${algorithm}` +
      (rate === undefined ? "" : `, ${formatNumber(rate, 0)} a second`) +
      `, ${depth} in flight, ${formatWarmUp(count, warmUp)}`,
      ...formatSummary("queueing to dequeueing", summary),
    ],
    json: {
      tool,
      csv,
      frames: count,
      width,
      height,
      format: GREY.name,
      algorithm,
      threshold,
      depth,
      buffers,
      warm_up_frames: count > 0 ? warmUp : undefined,
      frames_per_second: rate,
      process: recording.costs.summary(),
      latency_ns: summary,
      failure: failure?.message,
    },
    failure,
  };
}
