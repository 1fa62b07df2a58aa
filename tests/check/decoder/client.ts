/**
 * The suite as a client of the decoder, without a tool: who wants a picture's buffer itself, or
 * many streams in little time.
 *
 * @module
 */
import { type AccessUnit, readStream } from "../../../lib/codec/stream.ts";
import type { Rectangle } from "../../../lib/image/rectangle.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import type { Queue } from "../../../lib/v4l2/queue/queue.ts";
import { V4L2_BUF_FLAG_ERROR } from "../../../lib/uapi/videodev2.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import {
  type DecoderStream,
  StatelessDecoder,
} from "../../../lib/v4l2/decoder/stateless_stream.ts";
import type { PictureFormat } from "../../../lib/v4l2/decoder/picture_buffers.ts";
import { expect, expectEqual } from "../../harness/suite.ts";

const BUFFERS = 4;
/** Nothing takes long; a guest may stand still for a while. */
export const WAIT_MS = 60_000;

/** The next finished buffer of a queue, which has to be without an error. */
export function nextBuffer(queue: Queue, poller: Poller): number {
  let index = queue.dequeue();
  if (index < 0) {
    expect(poller.wait(WAIT_MS) !== 0, `${queue.device.path}: no frame within ${WAIT_MS} ms`);
    index = queue.dequeue();
  }
  expect(index >= 0, `${queue.device.path}: poll without a frame`);
  expectEqual("error flag", queue.dequeued.flags & V4L2_BUF_FLAG_ERROR, 0);
  return index;
}

/** A picture that is shown: the CAPTURE buffer is the suite's until the next one is asked for. */
export interface Picture {
  readonly stream: DecoderStream;
  /** Of the CAPTURE buffer. */
  readonly index: number;
  /** Place in display order; they come in decoding order. */
  readonly place: number;
  /** The visible part. */
  readonly size: Rectangle;
}

function* picturesOf(
  decoder: StatelessDecoder,
  units: readonly AccessUnit[],
  format: PictureFormat,
): Generator<Picture> {
  const [{ sequence }] = units;
  const largest = Math.max(...units.map(({ data }) => data.length));
  using stream = decoder.start(sequence, { buffers: BUFFERS, largest, format });
  const poller = new Poller(decoder.device, POLLIN);
  let submitted = 0;
  for (let left = units.length; left > 0; left--) {
    while (submitted < units.length && !stream.isFull) stream.submit(units[submitted++].data);
    const index = nextBuffer(stream.capture, poller);
    const { displayIndex: place } = units[stream.collect()];
    expect(stream.decoded && !stream.damaged, `picture ${place} is not whole`);
    if (place >= 0) yield { stream, index, place, size: sequence.crop };
    stream.capture.enqueue(index);
  }
}

/** The pictures of a file that are shown, in decoding order. */
export function* pictures(file: string, format: PictureFormat): Generator<Picture> {
  const device = findStatelessDecoder();
  expect(device !== undefined, "there is no decoder node");
  using decoder = new StatelessDecoder(device);
  const units = [...readStream(Deno.readFileSync(file))];
  while (units.length > 0) {
    const [{ sequence }] = units;
    const next = units.findIndex((unit) => unit.sequence !== sequence);
    yield* picturesOf(decoder, units.splice(0, next < 0 ? units.length : next), format);
  }
}
