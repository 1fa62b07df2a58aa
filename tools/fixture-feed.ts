/**
 * fixture-feed: one image through a dma-heap buffer and the kernel's filter.
 *
 * @module
 */
import { ALGORITHM, HEAP, REGION, TIMEOUT } from "../lib/cli/common.ts";
import { FrameWaiter } from "../lib/cli/frame_waiter.ts";
import { integer, path } from "../lib/cli/parameters.ts";
import { readPgm, writePgm } from "../lib/cli/pgm_files.ts";
import { main } from "../lib/cli/tool.ts";
import { allocateFromHeap } from "../lib/dmabuf/dma_heap.ts";
import { formatNs } from "../lib/measure/format.ts";
import { monotonicNs } from "../lib/sys/clock.ts";
import { DeviceError } from "../lib/v4l2/device.ts";
import { V4L2_BUF_FLAG_ERROR } from "../lib/v4l2/videodev2.ts";
import {
  ALGORITHMS,
  FilterStream,
  openFilter,
  setFilterControls,
  setFilterSize,
} from "../lib/vpipe/filter.ts";
import { VPIPE_CID_SRC_SEQUENCE } from "../lib/vpipe/uapi.ts";

main({
  name: "fixture-feed",
  summary:
    "Sends one PGM through a dma-heap buffer and the kernel's filter, and writes the result.",
  positionals: {
    device: path("DEV", "the filter's video node"),
    heap: HEAP,
    input: path("IN.pgm", "image to send"),
    output: path("OUT.pgm", "image to write"),
  },
  options: {
    algorithm: { ...ALGORITHM, fallback: "threshold" as const },
    threshold: integer("LEVEL", "grey level of the threshold", { max: 255, fallback: 127 }),
    roi: REGION,
    sequence: integer("N", "source sequence number for the metadata", {
      max: 0x7fff_ffff,
      fallback: 0,
    }),
    timeout: TIMEOUT,
  },
  async run(values, { stop }) {
    const { device: path, heap, input, output, algorithm, threshold, sequence, timeout } = values;
    const [left, top, width, height] = values.roi;
    const source = readPgm(input);
    using device = openFilter(path);
    const size = setFilterSize(device, source.width, source.height);
    setFilterControls(device, {
      algorithm: ALGORITHMS[algorithm],
      threshold,
      roi: { left, top, width, height },
    });
    device.setControl(VPIPE_CID_SRC_SEQUENCE, sequence);

    using frame = allocateFromHeap(heap, size);
    frame.write(source.pixels);
    using stream = new FilterStream(device, [frame]);
    const waiter = new FrameWaiter(stream.capture, timeout, () => {});
    const start = monotonicNs();
    stream.output.enqueue(0, size);
    let index = stream.capture.dequeue();
    while (index < 0) {
      index = waiter.next();
      if (index >= 0) break;
      await waiter.rest();
      if (stop.requested) return { text: [], json: {} };
    }
    const latency = monotonicNs() - start;
    const { flags, bytesused, sequence: frameSequence } = stream.capture.dequeued;
    if (flags & V4L2_BUF_FLAG_ERROR || bytesused !== size) {
      throw new DeviceError(
        path,
        flags & V4L2_BUF_FLAG_ERROR
          ? "the filter returned the frame with an error"
          : `the filter returned ${bytesused} of ${size} bytes`,
      );
    }
    const pixels = stream.capture.mappings[index].bytes.subarray(0, size);
    writePgm(output, { width: source.width, height: source.height, pixels });
    return {
      text: [
        `${output}: ${source.width}x${source.height}, ${algorithm}, ` +
        `${formatNs(latency)} from queueing to dequeueing`,
      ],
      json: {
        output,
        width: source.width,
        height: source.height,
        algorithm,
        vpipe_sequence: frameSequence,
        latency_ns: latency,
      },
    };
  },
});
