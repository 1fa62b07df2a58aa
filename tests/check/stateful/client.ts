/**
 * The suite as a client of the stateful decoder that does one step at a time, in any order.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { constants } from "node:os";
import { readCodedFrames } from "../../../lib/ffmpeg/coded_frames.ts";
import { Poller, POLLIN, POLLOUT, POLLPRI } from "../../../lib/sys/poll.ts";
import { decoderCommand } from "../../../lib/v4l2/decoder/command.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { Events } from "../../../lib/v4l2/events.ts";
import { MplaneMmapQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import type { Buffer as QueueBuffer } from "../../../lib/v4l2/queue/queue.ts";
import { type CodecName, CODED } from "../../../lib/codec/codecs.ts";
import type { Rectangle } from "../../../lib/image/rectangle.ts";
import { PICTURE_LAYOUTS } from "../../../lib/image/pixel_format.ts";
import { selection } from "../../../lib/v4l2/selection.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { PictureBuffers, type PictureFormat } from "../../../lib/v4l2/decoder/picture_buffers.ts";
import { StatefulStream } from "../../../lib/v4l2/decoder/stateful_stream.ts";
import { WAIT_MS } from "../decoder/client.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { inTurns } from "../../harness/chroma.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { expect } from "../../harness/suite.ts";

export const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
export const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

const POLL_MS = 20;

/** Coded frames, and the picture of each that has one. */
export interface Reference {
  readonly codec: CodecName;
  readonly frames: readonly Uint8Array[];
  /** By the number of the frame, in display order: visible part, without padding, chroma in turns. */
  readonly pictures: ReadonlyMap<number, Buffer>;
  /** Of the frames. */
  readonly errors: number;
}

/** Decodes a whole file as `decode-file` does. */
export function decodeAll(
  file: string,
  { buffers = 4, format }: { buffers?: number; format?: PictureFormat } = {},
): Reference {
  const { codec, frames } = readCodedFrames(file);
  const largest = Math.max(...frames.map(({ length }) => length));
  using stream = new StatefulStream(statefulNode(), { codec, buffers, largest, format });
  const poller = new Poller(stream.device, POLLIN | POLLOUT | POLLPRI);
  const pictures = new Map<number, Buffer>();
  let submitted = 0;
  while (!stream.isOver) {
    while (submitted < frames.length && !stream.isFull) stream.submit(frames[submitted++]);
    if (submitted === frames.length) stream.end();
    const index = stream.dequeue();
    if (index >= 0) {
      const { number } = stream;
      expect(!pictures.has(number), `${file}: two pictures of frame ${number}`);
      const picture = Buffer.concat(stream.pictures[index].parts);
      const planar = PICTURE_LAYOUTS[stream.format].planes.length > 2;
      pictures.set(number, planar ? Buffer.from(inTurns(picture, stream.visible)) : picture);
      stream.release(index);
    } else if (!stream.isOver && (submitted === frames.length || stream.isFull)) {
      expect(poller.wait(WAIT_MS) !== 0, `${file}: nothing within ${WAIT_MS} ms`);
    }
  }
  return { codec, frames, pictures, errors: stream.errors };
}

/** What came out of CAPTURE. */
export interface Arrival {
  /** Number of the frame; undefined of the empty last buffer. */
  readonly number: number | undefined;
  readonly pixels: Buffer;
}

/** How a client begins. */
export interface Beginning {
  readonly outputs?: number;
  /** Pixels that OUTPUT is set to. */
  readonly size?: readonly [number, number];
  readonly subscribed?: boolean;
  /** To be done to the device once OUTPUT's format is set. */
  readonly prepare?: (device: VideoDevice) => void;
}

/** An open stateful node with OUTPUT streaming, and CAPTURE when it is told so. */
export class Client implements Disposable {
  readonly device: VideoDevice;
  readonly events: Events;
  readonly output: MplaneMmapQueue;
  readonly #free: number[];
  readonly #poller: Poller;
  readonly #eventPoller: Poller;
  capture: MplaneMmapQueue | undefined;
  #pictures: PictureBuffers | undefined;
  /** The buffer that had V4L2_BUF_FLAG_LAST, while it is the program's. */
  #last = -1;
  /** Of OUTPUT: how many buffers came back with the error flag. */
  errors = 0;

  constructor(
    codec: CodecName,
    { outputs = 4, size, subscribed = true, prepare }: Beginning = {},
  ) {
    using made = new DisposableStack();
    this.device = made.use(
      VideoDevice.open(statefulNode(), v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder"),
    );
    const [width, height] = size ?? [0, 0];
    const coded = { width, height, pixelformat: CODED[codec], sizeimage: 1 << 16 };
    this.device.setFormat(OUTPUT, coded, "at least");
    prepare?.(this.device);
    const types = [v4l2.V4L2_EVENT_SOURCE_CHANGE, v4l2.V4L2_EVENT_EOS];
    this.events = new Events(this.device, ...subscribed ? types : []);
    this.output = made.use(new MplaneMmapQueue(this.device, OUTPUT, outputs, 1));
    this.#free = this.output.buffers.map(({ index }) => index);
    this.#poller = new Poller(this.device, POLLIN | POLLOUT);
    this.#eventPoller = new Poller(this.device, POLLPRI);
    this.output.streamOn();
    made.move();
  }

  /** Sets CAPTURE up as the device has it. */
  setUp(count = 4): void {
    this.allocate(count);
    this.begin();
  }

  /** Gives CAPTURE buffers as the device has it. */
  allocate(count = 4): void {
    this.capture?.close();
    const { planes } = this.device.getFormat(CAPTURE);
    this.capture = new MplaneMmapQueue(this.device, CAPTURE, count, planes.length);
    this.keepBuffers();
  }

  /** Starts CAPTURE with all of its buffers. */
  begin(): void {
    this.#last = -1;
    for (const { index } of this.capture!.buffers) this.capture!.enqueue(index);
    this.capture!.streamOn();
  }

  /** The part of a picture that is to be seen, as the device has it now. */
  get visible(): Rectangle {
    return selection(this.device, CAPTURE, v4l2.V4L2_SEL_TGT_COMPOSE);
  }

  /** Looks anew at where pictures lie in the buffers that there are. */
  keepBuffers(): void {
    const format = this.device.getFormat(CAPTURE);
    this.#pictures = new PictureBuffers(this.capture!, format, this.visible);
  }

  /**
   * Hands a frame to the decoder, when there is a buffer for it.
   *
   * @param mark called with the buffer's descriptor just before
   */
  send(frame: Uint8Array, number: number, mark?: (buffer: QueueBuffer) => void): void {
    this.wait("an OUTPUT buffer", () => this.hasRoom);
    const index = this.#free.pop()!;
    this.output.mappings[index][0].bytes.set(frame);
    const buffer = this.output.buffers[index];
    buffer.timestamp_usec = number + 1;
    buffer.timestamp_sec = 0;
    mark?.(buffer);
    this.output.enqueue(index, frame.length);
  }

  /** Hands over the frames from number `from` on, up to number `to`. */
  sendAll({ frames }: Pick<Reference, "frames">, from = 0, to = frames.length): void {
    for (let number = from; number < to; number++) this.send(frames[number], number);
  }

  /** Whether there is an OUTPUT buffer for another frame. */
  get hasRoom(): boolean {
    this.#reclaim();
    return this.#free.length > 0;
  }

  /** Whether all OUTPUT buffers are back. */
  get isUsedUp(): boolean {
    this.#reclaim();
    return this.#free.length === this.output.buffers.length;
  }

  #reclaim(): void {
    for (let index; (index = this.output.dequeue()) >= 0;) {
      if (this.output.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR) this.errors++;
      this.#free.push(index);
    }
  }

  /** What is there on CAPTURE now; its buffer goes back at once. */
  arrival(): Arrival | undefined {
    const queue = this.capture!;
    const index = queue.dequeue();
    if (index < 0) return undefined;
    const { flags, timestamp_usec } = queue.dequeued;
    if (flags & v4l2.V4L2_BUF_FLAG_LAST) {
      expect(queue.dequeuedPlanes[0].bytesused === 0, "the last buffer is not empty");
      this.#last = index;
      return { number: undefined, pixels: Buffer.alloc(0) };
    }
    expect((flags & v4l2.V4L2_BUF_FLAG_ERROR) === 0, "a picture with the error flag");
    expect(this.#pictures!.isWhole(queue.dequeuedPlanes), "a part of a picture");
    const pixels = Buffer.concat(this.#pictures!.buffers[index].parts);
    queue.enqueue(index);
    return { number: timestamp_usec - 1, pixels };
  }

  /** The next one. */
  next(): Arrival {
    let arrival: Arrival | undefined;
    this.wait("a CAPTURE buffer", () => {
      this.#reclaim();
      arrival = this.arrival();
      return arrival !== undefined;
    });
    return arrival!;
  }

  /** All pictures up to the last buffer; a frame's picture has to be the reference's. */
  expectPictures({ pictures }: Pick<Reference, "pictures">): number[] {
    const numbers: number[] = [];
    for (let arrival; (arrival = this.next()).number !== undefined;) {
      const { number, pixels } = arrival;
      const right = pictures.get(number);
      expect(
        right !== undefined && right.equals(pixels),
        `the picture of frame ${number} is wrong`,
      );
      numbers.push(number);
    }
    return numbers;
  }

  /** DQBUF of CAPTURE, which has to fail as it does behind the last buffer. */
  expectEpipe(): void {
    const code = errnoOf(() => this.capture!.dequeue());
    expect(code === constants.errno.EPIPE, `DQBUF behind the last buffer gives errno ${code}`);
  }

  /** Waits for an event, which has to be of this type. */
  expectEvent(type: number): void {
    let got = -1;
    this.wait(`event ${type}`, () => (got = this.events.next()) >= 0, this.#eventPoller);
    expect(got === type, `event ${got}, expected ${type}`);
  }

  stop(): void {
    decoderCommand(this.device, v4l2.V4L2_DEC_CMD_STOP);
  }

  start(): void {
    decoderCommand(this.device, v4l2.V4L2_DEC_CMD_START);
    if (this.#last >= 0) this.capture!.enqueue(this.#last);
    this.#last = -1;
  }

  /** "Seek": what OUTPUT has is dropped. */
  seek(): void {
    this.halt();
    this.output.streamOn();
  }

  /** Stops OUTPUT. */
  halt(): void {
    this.output.streamOff();
    this.#free.length = 0;
    this.#free.push(...this.output.buffers.map(({ index }) => index));
  }

  /** Waits until `holds`; fails the check where that takes too long. */
  wait(what: string, holds: () => boolean, poller = this.#poller): void {
    const end = performance.now() + WAIT_MS;
    while (!holds()) {
      expect(performance.now() < end, `${what}: not within ${WAIT_MS} ms`);
      poller.wait(POLL_MS);
    }
  }

  [Symbol.dispose](): void {
    this.capture?.close();
    this.output.close();
    this.device.close();
  }
}
