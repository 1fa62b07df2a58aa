/**
 * What a picture has of the OUTPUT buffer that it comes from: timestamp, timecode, flags.
 *
 * @module
 */
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { Buffer } from "node:buffer";
import type { Buffer as QueueBuffer } from "../../../lib/v4l2/queue/queue.ts";
import type { Context } from "../../harness/context.ts";
import { Client, type Reference } from "./client.ts";
import { referenceOf } from "./streams.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

/** `struct v4l2_timecode` in `struct v4l2_buffer`. */
const timecodeOf = ({ bytes }: QueueBuffer) => bytes.subarray(40, 56);

/** Seconds between two frames: the last ones have more than 32 bits, and 63 bits of nanoseconds. */
const SECONDS = 3e8;

/** What is sent with frame `number`. */
function marks(number: number) {
  const coded = number % 3 === 0;
  return {
    seconds: number * SECONDS,
    flags: (coded ? v4l2.V4L2_BUF_FLAG_TIMECODE : 0) |
      (number % 2 ? v4l2.V4L2_BUF_FLAG_TSTAMP_SRC_SOE : 0),
    // V4L2_TC_TYPE_25FPS; frames, seconds, minutes, hours; four user bits.
    timecode: coded
      ? Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, number, 59, 58, 23, 1, 2, 3, number)
      : undefined,
  };
}

function expectMarks(reference: Reference): number {
  const { codec, frames, pictures } = reference;
  using client = new Client(codec, { outputs: frames.length, size: [320, 240] });
  client.setUp();
  for (const [number, frame] of frames.entries()) {
    client.send(frame, number, (buffer) => {
      const { seconds, flags, timecode } = marks(number);
      buffer.timestamp_sec = seconds;
      buffer.flags = flags;
      if (timecode) timecodeOf(buffer).set(timecode);
    });
  }
  let place = 0;
  for (const right of pictures.keys()) {
    const { number } = client.next();
    expectEqual(`number of picture ${place}`, number, right);
    const { dequeued } = client.capture!;
    const { seconds, flags, timecode } = marks(right);
    expectEqual(`seconds of picture ${place}`, dequeued.timestamp_sec, seconds);
    const mask = v4l2.V4L2_BUF_FLAG_TIMECODE | v4l2.V4L2_BUF_FLAG_TSTAMP_SRC_MASK;
    expectEqual(`flags of picture ${place}`, dequeued.flags & mask, flags);
    const same = !timecode || Buffer.compare(timecodeOf(dequeued), timecode) === 0;
    expect(same, `picture ${place} has the timecode ${timecodeOf(dequeued)}`);
    expectEqual("sequence", dequeued.sequence, place++);
    // The last ones wait for a drain.
    if (place === 1) client.stop();
  }
  return place;
}

export async function statefulTimeChecks(suite: Suite, context: Context): Promise<void> {
  for (const name of ["vp9-320x240.ivf", "h264-320x240.h264"]) {
    await suite.check(`stateful: timestamps, timecodes and flags of ${name}`, () => {
      const count = expectMarks(referenceOf(context, name));
      return `${count} pictures in display order, each with those of its frame, numbered from 0`;
    });
  }
}
