/**
 * bench-fixture: one image through dma-heap buffers and the kernel's filter, many times.
 *
 * @module
 */
import { ALGORITHM, CSV, FRAMES, HEAP, REGION, THRESHOLD, TIMEOUT } from "../lib/cli/common.ts";
import { OutputFile } from "../lib/cli/files.ts";
import { FrameWaiter } from "../lib/cli/frame_waiter.ts";
import { path } from "../lib/cli/parameters.ts";
import { readPgm, writePgm } from "../lib/cli/pgm_files.ts";
import { Progress } from "../lib/cli/progress.ts";
import { main } from "../lib/cli/tool.ts";
import { formatSummary } from "../lib/measure/format.ts";
import { FrameLog } from "../lib/measure/frame_log.ts";
import { Histogram } from "../lib/measure/histogram.ts";
import { absoluteNs, monotonicNs } from "../lib/sys/clock.ts";
import { ALGORITHMS } from "../lib/vpipe/filter.ts";
import { FixturePath } from "../lib/vpipe/fixture_path.ts";

main({
  name: "bench-fixture",
  summary: "Sends one PGM through dma-heap buffers and the kernel's filter FRAMES times, " +
    "one frame in flight, and writes one CSV row a frame.",
  positionals: {
    device: path("DEV", "the filter's video node"),
    heap: HEAP,
    input: path("PGM", "image to send"),
    csv: CSV,
    frames: FRAMES,
    algorithm: { ...ALGORITHM, fallback: "none" as const },
    threshold: THRESHOLD,
    output: { ...path("OUT.pgm", "image to write the first result to"), fallback: "" },
  },
  options: { roi: REGION, timeout: TIMEOUT },
  async run(values, { quiet, stop }) {
    const { device, heap, input, csv, frames, algorithm, threshold, output, timeout } = values;
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
      buffers: 2,
    });
    using file = new OutputFile(csv);
    const log = new FrameLog(file, {
      frame: String,
      output_index: String,
      enqueue_monotonic_ns: absoluteNs,
      dequeue_monotonic_ns: absoluteNs,
      vpipe_sequence: String,
      bytesused: String,
      algo: () => algorithm,
    });
    const { columns } = log;
    const { output: source, capture: sink, size } = path;
    const { dequeued } = sink;
    const latency = new Histogram();
    let frame = 0;
    using progress = new Progress("bench-fixture", frames, "frames", quiet);
    const waiter = new FrameWaiter(sink, timeout, () => {
      log.flush();
      progress.update(frame);
    });
    try {
      while (frame < frames && !stop.requested) {
        const slot = frame % source.buffers.length;
        const start = monotonicNs();
        source.enqueue(slot, size);
        let index = sink.dequeue();
        for (; index < 0 && !stop.requested; index = waiter.next()) await waiter.rest();
        if (index < 0) break;
        const end = monotonicNs();
        path.checkDequeued();
        source.dequeue();

        const { row } = log;
        columns.frame[row] = frame;
        columns.output_index[row] = slot;
        columns.enqueue_monotonic_ns[row] = start;
        columns.dequeue_monotonic_ns[row] = end;
        columns.vpipe_sequence[row] = dequeued.sequence;
        columns.bytesused[row] = dequeued.bytesused;
        log.endRow();
        latency.record(end - start);
        if (frame++ === 0 && output !== "") writePgm(output, path.frame(index));
        sink.enqueue(index);
        if (waiter.restIsDue(end)) await waiter.rest();
      }
    } finally {
      log.flush();
    }

    const summary = latency.summary();
    return {
      text: [
        `${csv}: ${frame} frames of ${image.width}x${image.height}, ${algorithm}`,
        ...formatSummary("queueing to dequeueing", summary),
      ],
      json: {
        csv,
        frames: frame,
        width: image.width,
        height: image.height,
        algorithm,
        latency_ns: summary,
      },
    };
  },
});
