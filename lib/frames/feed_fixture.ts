/**
 * One image through a dma-heap buffer and the filter, once.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import { monotonicNs } from "../sys/clock.ts";
import { writePgm } from "../files/pgm_files.ts";
import { FrameWaiter } from "./frame_waiter.ts";
import { type FixtureSettings, openFixturePath } from "./send_fixture.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** What the command line says. */
export interface FixtureFeed extends Omit<FixtureSettings, "buffers"> {
  /** Seconds without the frame after which the filter has stopped. */
  readonly timeout: number;
}

/** Sends the image and writes what comes back; of a signal nothing. */
export async function feedFixture(feed: FixtureFeed, { stop }: ToolSession): Promise<Report> {
  const { output, algorithm, timeout } = feed;
  using path = openFixturePath({ ...feed, buffers: 1 });
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
  const { width, height } = path.image;
  return {
    text: [
      `${output}: ${width}x${height}, ${algorithm}, ` +
      `${formatNs(latency)} from queueing to dequeueing`,
    ],
    json: {
      output,
      width,
      height,
      algorithm,
      vpipe_sequence: path.capture.dequeued.sequence,
      latency_ns: latency,
    },
  };
}
