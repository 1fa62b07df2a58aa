/**
 * bench-fixture: one image through dma-heap buffers and the kernel's filter, many times.
 *
 * @module
 */
import {
  ALGORITHM,
  BUFFERS,
  CSV,
  FRAMES,
  HEAP,
  REGION,
  THRESHOLD,
  TIMEOUT,
} from "../lib/cli/shared_options.ts";
import { OutputFile } from "../lib/files/files.ts";
import { runFrameLoop } from "../lib/frames/frame_loop.ts";
import { integer, outputPath, type Parameter, path, UsageError } from "../lib/cli/parameters.ts";
import { readPgm, writePgm } from "../lib/files/pgm_files.ts";
import { schedule, SCHEDULING } from "../lib/cli/scheduling.ts";
import { MEASURED_COLUMNS, StageMeter, STAGES } from "../lib/frames/stages.ts";
import { main } from "../lib/cli/tool.ts";
import { formatSummary } from "../lib/measure/format.ts";
import { FrameLog } from "../lib/measure/frame_log.ts";
import { Histogram } from "../lib/measure/histogram.ts";
import { GREY } from "../lib/image/pixel_format.ts";
import { absoluteNs, monotonicNs } from "../lib/sys/clock.ts";
import { ProcessCosts } from "../lib/sys/thread.ts";
import { ALGORITHMS } from "../lib/vpipe/filter.ts";
import { FixturePath } from "../lib/vpipe/fixture_path.ts";

const STAGE_COLUMNS = { requeued_monotonic_ns: absoluteNs, ...MEASURED_COLUMNS };

// So many frames see to it that the loop is compiled; a large frame's own cost hides what is not.
const WARM_UP_FRAMES = 1000;
const WARM_UP_BYTES = WARM_UP_FRAMES * 640 * 480;

function warmUpFrames(size: number): number {
  return Math.min(WARM_UP_FRAMES, Math.ceil(WARM_UP_BYTES / size));
}

main({
  name: "bench-fixture",
  summary: "Sends one PGM through dma-heap buffers and the kernel's filter FRAMES times " +
    "and writes one CSV row a frame.",
  positionals: {
    device: path("DEV", "the filter's video node"),
    heap: HEAP,
    input: path("PGM", "image to send"),
    csv: CSV,
    frames: FRAMES,
    algorithm: { ...ALGORITHM, fallback: "none" as const },
    threshold: THRESHOLD,
    output: { ...outputPath("OUT.pgm", "image to write the first result to"), fallback: "" },
  },
  options: {
    roi: REGION,
    depth: integer("N", "frames in flight", { min: 1, max: 32, fallback: 1 }),
    buffers: BUFFERS,
    "warm-up": integer(
      "FRAMES",
      `frames to send before the first one recorded; without it ${WARM_UP_FRAMES}, fewer above VGA`,
    ) as Parameter<number | undefined>,
    stages: STAGES,
    timeout: TIMEOUT,
    ...SCHEDULING,
  },
  async run(values, session) {
    const { device, heap, input, csv, frames, algorithm, threshold, output, depth } = values;
    if (depth > values.buffers) {
      throw new UsageError(
        `--depth ${depth} needs as many buffers, --buffers is ${values.buffers}`,
      );
    }
    schedule(values);
    const image = readPgm(input);
    using path = new FixturePath({
      device,
      heap,
      image,
      controls: {
        sequence: 0,
        algorithm: ALGORITHMS[algorithm],
        threshold,
        roi: values.roi,
      },
      buffers: values.buffers,
    });
    const { output: source, capture: sink, size } = path;
    const buffers = Math.min(source.buffers.length, sink.buffers.length);
    if (depth > buffers) {
      throw new Error(`${device}: gives ${buffers} buffers, --depth is ${depth}`);
    }
    using file = new OutputFile(csv);
    using meter = new StageMeter(values.stages);
    const log = new FrameLog(file, {
      frame: String,
      output_index: String,
      enqueue_monotonic_ns: absoluteNs,
      dequeue_monotonic_ns: absoluteNs,
      vpipe_sequence: String,
      bytesused: String,
      algo: () => algorithm,
      ...STAGE_COLUMNS,
    }, values.stages ? [] : Object.keys(STAGE_COLUMNS));
    const { columns } = log;
    const { dequeued } = sink;
    const enqueued = new Float64Array(buffers);
    const latency = new Histogram();
    const costs = new ProcessCosts();
    const warmUp = values["warm-up"] ?? warmUpFrames(size);
    const total = warmUp + frames;
    let sent = 0;
    let taken = 0;
    let first = 0;
    let last = 0;

    const failure = await runFrameLoop({
      tool: "bench-fixture",
      source: sink,
      frames,
      warmUp,
      timeout: values.timeout,
      log,
      statistics: [latency, costs],
      settle: () => meter.settle(),
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

    const summary = latency.summary();
    const { count } = summary ?? { count: 0 };
    const rate = count > 1 ? (count - 1) * 1e9 / (last - first) : undefined;
    return {
      text: [
        `${csv}: ${count} frames of ${image.width}x${image.height}, ${algorithm}` +
        (rate === undefined ? "" : `, ${rate.toFixed(0)} a second`) +
        `, ${depth} in flight, after ${warmUp} to warm up`,
        ...formatSummary("queueing to dequeueing", summary),
      ],
      json: {
        tool: "bench-fixture",
        csv,
        frames: count,
        width: image.width,
        height: image.height,
        format: GREY.name,
        algorithm,
        threshold,
        depth,
        buffers,
        warm_up_frames: warmUp,
        frames_per_second: rate,
        process: costs.summary(),
        latency_ns: summary,
        failure: failure?.message,
      },
      failure,
    };
  },
});
