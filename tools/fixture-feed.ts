/**
 * fixture-feed: one image through a dma-heap buffer and the kernel's filter.
 *
 * @module
 */
import { ALGORITHM, HEAP, REGION, THRESHOLD, TIMEOUT } from "../lib/cli/shared_options.ts";
import { FrameWaiter } from "../lib/frames/frame_waiter.ts";
import { integer, outputPath, path } from "../lib/cli/parameters.ts";
import { readPgm, writePgm } from "../lib/files/pgm_files.ts";
import { main } from "../lib/cli/tool.ts";
import { formatNs } from "../lib/measure/format.ts";
import { monotonicNs } from "../lib/sys/clock.ts";
import { ALGORITHMS } from "../lib/vpipe/filter.ts";
import { FixturePath } from "../lib/vpipe/fixture_path.ts";

main({
  name: "fixture-feed",
  summary:
    "Sends one PGM through a dma-heap buffer and the kernel's filter, and writes the result.",
  positionals: {
    device: path("DEV", "the filter's video node"),
    heap: HEAP,
    input: path("IN.pgm", "image to send"),
    output: outputPath("OUT.pgm", "image to write"),
  },
  options: {
    algorithm: { ...ALGORITHM, fallback: "threshold" as const },
    threshold: THRESHOLD,
    roi: REGION,
    sequence: integer("N", "source sequence number for the metadata", {
      max: 0x7fff_ffff,
      fallback: 0,
    }),
    timeout: TIMEOUT,
  },
  async run(values, { stop }) {
    const { device, heap, input, output, algorithm, threshold, sequence, timeout } = values;
    const image = readPgm(input);
    using path = new FixturePath({
      device,
      heap,
      image,
      controls: {
        sequence,
        algorithm: ALGORITHMS[algorithm],
        threshold,
        roi: values.roi,
      },
      buffers: 1,
    });
    const waiter = new FrameWaiter(path.capture, timeout, () => {});
    const start = monotonicNs();
    path.output.enqueue(0, path.size);
    let index = path.capture.dequeue();
    for (; index < 0; index = waiter.next()) {
      await waiter.rest();
      if (stop.requested) return { text: [], json: {} };
    }
    const latency = monotonicNs() - start;
    path.checkDequeued();
    writePgm(output, path.frame(index));
    return {
      text: [
        `${output}: ${image.width}x${image.height}, ${algorithm}, ` +
        `${formatNs(latency)} from queueing to dequeueing`,
      ],
      json: {
        output,
        width: image.width,
        height: image.height,
        algorithm,
        vpipe_sequence: path.capture.dequeued.sequence,
        latency_ns: latency,
      },
    };
  },
});
