import { assertEquals } from "@std/assert";
import { Poller, POLLIN, POLLOUT, POLLPRI } from "../../lib/sys/poll.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { StatefulStream } from "../../lib/v4l2/decoder/stateful_stream.ts";
import { joined } from "../harness/bytes.ts";
import { FakeNode, FakeQueue } from "./fake_node.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
const CODED_BYTES = 256;
const STRIDE = 64;

/** What a coded frame is here: the side of its square picture, and every byte of that. */
type Frame = readonly [side: number, value: number];

const DAMAGED = 255;
const LOST = 254;

/** A decoder that finds out the size, drains where that changes, and does as it is told. */
class Decoder extends FakeNode {
  #side = 0;
  /** CAPTURE has to be set up for what follows, so many times in all. */
  #setUps = 0;
  /** An empty buffer is due behind the last picture. */
  #isLastDue = false;
  #drains = false;

  constructor() {
    super(v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, [
      new FakeQueue(OUTPUT, {
        ...{ width: 0, height: 0, pixelformat: 0 },
        planes: [{ bytesperline: 0, sizeimage: CODED_BYTES }],
      }),
      new FakeQueue(CAPTURE, {
        ...{ width: 0, height: 0, pixelformat: v4l2.V4L2_PIX_FMT_NV12 },
        planes: [{ bytesperline: STRIDE, sizeimage: 0 }],
      }),
    ]);
    this.controls.set(v4l2.V4L2_CID_MIN_BUFFERS_FOR_CAPTURE, 3);
    this.handle(v4l2.VIDIOC_G_SELECTION, (argument) => {
      const side = this.#side;
      Object.assign(v4l2.v4l2_selection.at(argument), {
        left: 0,
        top: 0,
        width: side,
        height: side,
      });
      return 0;
    });
    this.handle(v4l2.VIDIOC_DECODER_CMD, (argument) => {
      this.#drains = v4l2.v4l2_decoder_cmd.at(argument).cmd === v4l2.V4L2_DEC_CMD_STOP;
      return 0;
    });
  }

  protected override work(): void {
    const [output, capture] = this.queues;
    while (output.streaming) {
      if (this.#isLastDue && !this.#last()) return;
      const next = output.queued[0];
      if (next === undefined) {
        this.#isLastDue = this.#drains;
        this.#drains = false;
        if (!this.#isLastDue) return;
        continue;
      }
      const [side, value] = this.bytes(output, next.index);
      if (value === LOST) {
        output.done.push({ ...output.queued.shift()!, flags: v4l2.V4L2_BUF_FLAG_ERROR });
        continue;
      }
      if (side !== this.#side) {
        this.#change(side);
        continue;
      }
      if (capture.starts < this.#setUps || capture.queued.length === 0) return;
      output.queued.shift();
      output.done.push(next);
      const { index } = capture.queued.shift()!;
      const bytes = this.bytes(capture, index).fill(value);
      capture.done.push({
        ...{ index, bytesused: [bytes.length], timestamp: next.timestamp },
        flags: value === DAMAGED ? v4l2.V4L2_BUF_FLAG_ERROR : 0,
      });
    }
  }

  /** A size that is not the one before: told at once, and what there was is ended. */
  #change(side: number): void {
    const { format, streaming, starts } = this.queue(CAPTURE);
    this.#side = side;
    Object.assign(format, { width: STRIDE, height: side });
    format.planes[0].sizeimage = STRIDE * side * 3 / 2;
    const changes = v4l2.V4L2_EVENT_SRC_CH_RESOLUTION;
    this.events.push({ type: v4l2.V4L2_EVENT_SOURCE_CHANGE, changes });
    this.#isLastDue = streaming;
    this.#setUps = starts + 1;
  }

  /** Gives the empty buffer, if there is one to give. */
  #last(): boolean {
    const capture = this.queue(CAPTURE);
    const buffer = capture.streaming ? capture.queued.shift() : undefined;
    if (buffer === undefined) return false;
    const flags = v4l2.V4L2_BUF_FLAG_LAST;
    capture.done.push({ index: buffer.index, bytesused: [0], flags });
    this.#isLastDue = false;
    return true;
  }
}

/** Decodes, and returns of each picture its frame's number, its first bytes and its size. */
function decode(decoder: Decoder, frames: readonly Frame[], buffers = 2) {
  using stream = new StatefulStream(decoder.path, {
    ...{ codec: "h264", buffers, largest: CODED_BYTES, format: undefined } as const,
  });
  const poller = new Poller(stream.device, POLLIN | POLLOUT | POLLPRI);
  const pictures: { number: number; value: number; bytes: number; damaged: boolean }[] = [];
  const counts = new Set<number>();
  let submitted = 0;
  for (let turns = 0; !stream.isOver; turns++) {
    if (turns > 1000) throw new Error("it does not end");
    while (submitted < frames.length && !stream.isFull) {
      stream.submit(Uint8Array.from(frames[submitted++]));
    }
    if (submitted === frames.length) stream.end();
    poller.wait(0);
    const index = stream.dequeue();
    if (index < 0) continue;
    const { number, damaged } = stream;
    const bytes = joined(...stream.pictures[index].parts);
    counts.add(decoder.queue(CAPTURE).buffers);
    pictures.push({ number, value: bytes.at(-1)!, bytes: bytes.length, damaged });
    stream.release(index);
  }
  const { errors, firstError } = stream;
  return { pictures, errors, firstError, counts: [...counts] };
}

Deno.test("stateful: a picture for each frame, in the size that the decoder found", () => {
  using decoder = new Decoder();
  const frames = [1, 2, 3, 4, 5].map((value): Frame => [16, value]);
  const { pictures, errors, counts } = decode(decoder, frames);
  assertEquals(
    pictures,
    frames.map(([side, value], number) => (
      { number, value, bytes: side * side * 3 / 2, damaged: false }
    )),
  );
  assertEquals(errors, 0);
  // More than were asked for, as the decoder needs them.
  assertEquals(counts, [3]);
  assertEquals([decoder.open, ...decoder.queues.map(({ buffers }) => buffers)], [0, 0, 0]);
});

Deno.test("stateful: another size in mid-stream loses no picture of either", () => {
  using decoder = new Decoder();
  const frames: Frame[] = [[16, 1], [16, 2], [32, 3], [32, 4], [16, 5]];
  const { pictures, errors } = decode(decoder, frames, 4);
  assertEquals(pictures.map(({ number, value, bytes }) => [number, value, bytes]), [
    ...frames.map(([side, value], number) => [number, value, side * side * 3 / 2]),
  ]);
  assertEquals(errors, 0);
  assertEquals(decoder.queue(CAPTURE).starts, 3);
});

Deno.test("stateful: a damaged picture is had, a lost one counted, each frame once", () => {
  using decoder = new Decoder();
  const frames: Frame[] = [[16, 1], [16, LOST], [16, DAMAGED], [16, 4], [16, LOST]];
  const { pictures, errors, firstError } = decode(decoder, frames);
  assertEquals(pictures.map(({ number, damaged }) => [number, damaged]), [
    ...[[0, false], [2, true], [3, false]],
  ]);
  assertEquals([errors, firstError], [3, 1]);
});

Deno.test("stateful: a stream without a header ends without a picture", () => {
  using decoder = new Decoder();
  const { pictures, errors } = decode(decoder, [[0, LOST], [0, LOST], [0, LOST]]);
  assertEquals([pictures.length, errors], [0, 3]);
});

Deno.test("stateful: frames in flight are not among those that the decoder has done with", () => {
  using decoder = new Decoder();
  using stream = new StatefulStream(decoder.path, {
    ...{ codec: "h264", buffers: 4, largest: CODED_BYTES, format: undefined } as const,
  });
  const answered = [];
  for (let frame = 0; frame < 4; frame++) stream.submit(Uint8Array.from([16, frame]));
  answered.push(stream.answered);
  // No more than there are CAPTURE buffers for.
  for (let turn = 0; turn < 10; turn++) stream.dequeue();
  answered.push(stream.answered);
  assertEquals(answered, [0, decoder.queue(CAPTURE).buffers]);
});
