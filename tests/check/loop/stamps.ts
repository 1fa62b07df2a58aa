/**
 * Timestamps, sequence numbers and the frame interval of the loopback node.
 *
 * @module
 */
import { absoluteNs, monotonicNs } from "../../../lib/sys/clock.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import { MmapQueue, type Queue } from "../../../lib/v4l2/queue/queue.ts";
import {
  V4L2_BUF_FLAG_TIMESTAMP_COPY,
  V4L2_BUF_FLAG_TIMESTAMP_MASK,
  V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC,
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
} from "../../../lib/uapi/videodev2.ts";
import {
  VPIPE_LOOP_CID_STAMPS,
  VPIPE_LOOP_STAMPS_NODE,
  VPIPE_LOOP_STAMPS_TIMESTAMP,
  VPIPE_LOOP_STAMPS_WRITER,
} from "../../../lib/uapi/vpipe_loop.ts";
import { prepare } from "./calls.ts";
import { openCapture, openOutput } from "./client.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const FRAMES = 8;
const BUFFERS = 4;

/** A time as it is in a buffer, in microseconds. */
const stampUs = ({ dequeued }: Queue) =>
  BigInt(dequeued.timestamp_sec) * 1_000_000n + BigInt(dequeued.timestamp_usec);

const nowUs = () => BigInt(absoluteNs(monotonicNs())) / 1000n;

/** How a frame was queued, and how it reached a reader. */
interface Journey {
  readonly number: number;
  readonly queuedUs: readonly [before: bigint, after: bigint];
  readonly sequence: number;
  readonly us: bigint;
  readonly flags: number;
}

/**
 * Sends frames with these timestamps and sequence numbers, 0 for none.
 *
 * @param prepared whether there is a VIDIOC_PREPARE_BUF before each VIDIOC_QBUF, without them
 */
function send(
  node: string,
  stamps: number,
  stamp: (i: number) => { seconds: number; sequence: number },
  prepared = false,
): Journey[] {
  using output = openOutput(node);
  using capture = openCapture(node);
  output.setControl(VPIPE_LOOP_CID_STAMPS, stamps);
  expectEqual("the control", capture.getControl(VPIPE_LOOP_CID_STAMPS), stamps);
  try {
    using out = new MmapQueue(output, V4L2_BUF_TYPE_VIDEO_OUTPUT, BUFFERS);
    using cap = new MmapQueue(capture, V4L2_BUF_TYPE_VIDEO_CAPTURE, BUFFERS);
    for (const { index } of cap.buffers) cap.enqueue(index);
    cap.streamOn();
    out.streamOn();
    const readable = new Poller(capture, POLLIN);
    return Array.from({ length: FRAMES }, (_, number) => {
      const index = number % BUFFERS;
      const { seconds, sequence } = stamp(number);
      if (prepared) {
        const { length } = out.buffers[index];
        Object.assign(out.buffers[index], { bytesused: length, sequence: 0 });
        expectEqual("PREPARE_BUF", prepare(output, out.buffers[index]), 0);
      }
      Object.assign(out.buffers[index], { timestamp_sec: seconds, timestamp_usec: 0, sequence });
      const before = nowUs();
      out.enqueue(index, out.buffers[index].length);
      const after = nowUs();
      expect((readable.wait(20_000) & POLLIN) !== 0, `frame ${number} did not arrive`);
      cap.enqueue(cap.dequeue());
      const journey = {
        number,
        queuedUs: [before, after] as const,
        sequence: cap.dequeued.sequence,
        us: stampUs(cap),
        flags: cap.dequeued.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK,
      };
      expectEqual("the writer's buffer", out.reclaim(), index);
      expectEqual("sequence of the writer's buffer", out.dequeued.sequence, number);
      if (seconds > 0) {
        expectEqual("timestamp of the writer's buffer", stampUs(out), BigInt(seconds) * 1_000_000n);
      }
      return journey;
    });
  } finally {
    output.setControl(VPIPE_LOOP_CID_STAMPS, VPIPE_LOOP_STAMPS_TIMESTAMP);
  }
}

const given = (i: number) => ({ seconds: 1000 + 3 * i, sequence: 500 + 7 * i });

export async function loopStampChecks(suite: Suite, node: string): Promise<void> {
  const expectInside = ({ number, queuedUs: [before, after], us }: Journey) =>
    expect(before <= us && us <= after, `frame ${number}: ${us} is not in ${before}..${after}`);

  await suite.check("loop: timestamps of the writer", () => {
    for (const { number, us, sequence, flags } of send(node, VPIPE_LOOP_STAMPS_TIMESTAMP, given)) {
      expectEqual(`timestamp of frame ${number}`, us, BigInt(given(number).seconds) * 1_000_000n);
      expectEqual(`sequence of frame ${number}`, sequence, number);
      expectEqual("kind of timestamp", flags, V4L2_BUF_FLAG_TIMESTAMP_COPY);
    }
    return `${FRAMES} frames: its timestamps, the node's sequence`;
  });
  await suite.check("loop: frames without a timestamp", () => {
    const none = () => ({ seconds: 0, sequence: 0 });
    const journeys = send(node, VPIPE_LOOP_STAMPS_TIMESTAMP, none);
    const [[first, firstEnd]] = journeys.map(({ queuedUs }) => queuedUs);
    expectEqual("timestamp of frame 0", journeys[0].us, 0n);
    for (const { number, us, queuedUs: [before, after] } of journeys.slice(1)) {
      const [least, most] = [before - firstEnd - 1n, after - first + 1n];
      expect(least <= us && us <= most, `frame ${number}: ${us} is not in ${least}..${most}`);
    }
    return `${FRAMES} frames: 0, then what has gone by since the first one's VIDIOC_QBUF`;
  });
  await suite.check("loop: timestamps and sequence of the writer", () => {
    for (const prepared of [false, true]) {
      const journeys = send(node, VPIPE_LOOP_STAMPS_WRITER, given, prepared);
      for (const { number, us, sequence } of journeys) {
        const { seconds, sequence: expected } = given(number);
        expectEqual(`timestamp of frame ${number}`, us, BigInt(seconds) * 1_000_000n);
        expectEqual(`sequence of frame ${number}`, sequence, expected);
      }
    }
    return `2 times ${FRAMES} frames: both as they were queued, also behind VIDIOC_PREPARE_BUF`;
  });
  await suite.check("loop: timestamps and sequence of the node", () => {
    for (const journey of send(node, VPIPE_LOOP_STAMPS_NODE, given)) {
      expectInside(journey);
      expectEqual(`sequence of frame ${journey.number}`, journey.sequence, journey.number);
      expectEqual("kind of timestamp", journey.flags, V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC);
    }
    return `${FRAMES} frames: CLOCK_MONOTONIC inside the writer's VIDIOC_QBUF, counted from 0`;
  });
}
