/**
 * The way of a compressed frame through a stateful decoder: into an OUTPUT buffer, and as a
 * picture out of a CAPTURE buffer, in display order. Source: the kernel's "Memory-to-Memory Stateful
 * Video Decoder Interface" (Documentation/userspace-api/media/v4l/dev-decoder.rst).
 *
 * @module
 */
import { type CodecName, CODED } from "../../codec/codecs.ts";
import { monotonicNs } from "../../sys/clock.ts";
import { EAGAIN } from "../../sys/errno.ts";
import type { GatherBuffer } from "../../sys/gather.ts";
import { decoderCommand } from "./command.ts";
import { DeviceError, VideoDevice } from "../device.ts";
import { Events } from "../events.ts";
import type { Format } from "../format.ts";
import { MplaneMmapQueue } from "../queue/mplane_queue.ts";
import { selection } from "../selection.ts";
import type { Rectangle } from "../../image/rectangle.ts";
import * as v4l2 from "../../uapi/videodev2.ts";
import { type Explain, explained, startDecoding } from "./explain.ts";
import {
  expectOffered,
  PICTURE_FORMATS,
  PictureBuffers,
  type PictureFormat,
  pictureFormat,
} from "./picture_buffers.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

/**
 * Whether a decoder is a stateful one, as its OUTPUT formats say.
 *
 * @throws {SysError | DeviceError} also where it is another kind of device
 */
export function isStatefulDecoder(path: string): boolean {
  using device = VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
  const known: readonly number[] = Object.values(CODED);
  return device.formats(OUTPUT).some((format) => known.includes(format));
}

// More frames than there are between one that is queued and one whose picture is dequeued.
const TIMES = 256;

/** How a stream is decoded. */
export interface StatefulSettings {
  /** What the frames are coded by; the format that OUTPUT is set to follows from it. */
  readonly codec: CodecName;
  /** Of each queue; CAPTURE gets more where the decoder needs them. */
  readonly buffers: number;
  /** Size of the largest coded frame in bytes. */
  readonly largest: number;
  /** Undefined for what suits the stream. */
  readonly format: PictureFormat | undefined;
  /** Says what the driver means by an error; without it, errors are as the kernel names them. */
  readonly explain?: Explain;
}

/** CAPTURE while pictures stay the same: its buffers, and what is seen of them. */
class Capture extends MplaneMmapQueue {
  readonly pictures: PictureBuffers;

  constructor(
    device: VideoDevice,
    count: number,
    readonly picture: PictureFormat,
    format: Format,
    readonly visible: Rectangle,
  ) {
    super(device, CAPTURE, count, format.planes.length);
    this.pictures = new PictureBuffers(this, format, visible);
    for (const { index } of this.buffers) this.enqueue(index);
  }
}

/**
 * A stream with OUTPUT streaming. CAPTURE is set up when the decoder has found out what the pictures
 * are like, and again when that changes; a client only sees its buffers' memory change.
 *
 * Until `isOver`, a client submits frames while there are some and the stream is not full, calls `end`
 * when there are no more, dequeues a picture and releases it. After -EAGAIN it waits for POLLIN |
 * POLLOUT | POLLPRI of `device`, and goes on: `examples/decode.ts` is such a client.
 */
export class StatefulStream implements Disposable {
  /** The decoder's node, which this stream has opened: to be polled. */
  readonly device: VideoDevice;
  readonly #settings: StatefulSettings;
  readonly #events: Events;
  readonly #output: MplaneMmapQueue;
  #capture: Capture | undefined;
  /** OUTPUT buffers that are the program's: the first `#freeCount`. */
  readonly #free: Int32Array;
  #freeCount: number;
  #submitted = 0;
  #answered = 0;
  readonly #queuedNs = new Float64Array(TIMES);
  #changed = false;
  #ending = false;
  #draining = false;
  #over = false;
  #errors = 0;
  #firstError = -1;
  /** Numbers of frames that count in it, plus 1, each in its place. */
  readonly #counted = new Float64Array(TIMES);
  /** Number of the frame of the picture that was dequeued last, in decoding order from 0. */
  number: number = -1;
  /** Whether the picture of the last `dequeue` is damaged, and patched up. */
  damaged = false;
  /** When that frame was queued, in ns. */
  queuedNs = 0;

  /**
   * Opens the decoder, and has OUTPUT stream.
   *
   * @throws {SysError | DeviceError} naming what failed; nothing is left behind
   */
  constructor(path: string, settings: StatefulSettings) {
    const { codec, buffers, largest, explain } = settings;
    using made = new DisposableStack();
    this.device = made.use(
      VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder"),
    );
    this.#settings = settings;
    // The size is the stream's own, and comes from it.
    const unknown = { width: 0, height: 0 };
    const coded = { ...unknown, pixelformat: CODED[codec], sizeimage: largest };
    this.device.setFormat(OUTPUT, coded, "at least");
    this.#events = new Events(this.device, v4l2.V4L2_EVENT_SOURCE_CHANGE, v4l2.V4L2_EVENT_EOS);
    this.#output = made.use(new MplaneMmapQueue(this.device, OUTPUT, buffers, 1));
    this.#free = Int32Array.from(this.#output.buffers, ({ index }) => index);
    this.#freeCount = this.#free.length;
    startDecoding(codec, explain, this.#output);
    made.move();
  }

  /** Whether every OUTPUT buffer is with the decoder. */
  get isFull(): boolean {
    if (this.#freeCount === 0) this.#reclaim();
    return this.#freeCount === 0;
  }

  /** Whether all pictures of all frames are out, after `end`. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Frames whose OUTPUT buffers came back, so far: the others are in flight. */
  get answered(): number {
    return this.#answered;
  }

  /** Frames that are damaged or could not be decoded, so far. */
  get errors(): number {
    return this.#errors;
  }

  /** Number of the first one that was noticed, counted from 0 in decoding order; -1 for none. */
  get firstError(): number {
    return this.#firstError;
  }

  /** What the pictures are in now. */
  get format(): PictureFormat {
    return this.#capture!.picture;
  }

  /** The visible part of the pictures, in the coded picture; a new object where it changes. */
  get visible(): Rectangle {
    return this.#capture!.visible;
  }

  /** The visible part of each CAPTURE buffer, until the next call of `dequeue`. */
  get pictures(): readonly GatherBuffer[] {
    return this.#capture!.pictures.buffers;
  }

  /**
   * Hands a frame to the decoder; there has to be room for it.
   *
   * @throws {SysError} as VIDIOC_QBUF
   */
  submit(data: Uint8Array): void {
    const index = this.#free[--this.#freeCount];
    const number = this.#submitted++;
    this.#output.mappings[index][0].bytes.set(data);
    const buffer = this.#output.buffers[index];
    // Its picture gets the same: it names the frame. 0 is what empty buffers have.
    buffer.timestamp_usec = (number + 1) % 1e6;
    buffer.timestamp_sec = Math.floor((number + 1) / 1e6);
    this.#queuedNs[number % TIMES] = monotonicNs();
    this.#output.enqueue(index, data.length);
  }

  /**
   * Says that no frame follows: by the next calls of `dequeue` what the decoder holds back comes out
   * (V4L2_DEC_CMD_STOP), until `isOver`.
   */
  end(): void {
    this.#ending = true;
  }

  /**
   * Takes the next picture, sets CAPTURE up where that is due; in the loop it allocates nothing.
   *
   * @returns the index of its buffer, or -EAGAIN for none yet
   * @throws {SysError | DeviceError} as VIDIOC_DQBUF, or where the decoder has given up
   */
  dequeue(): number {
    const capture = this.#capture;
    const index = capture === undefined ? -EAGAIN : this.#take(capture);
    if (capture === undefined || index < 0) {
      this.#attend();
      return -EAGAIN;
    }
    const { flags, timestamp_sec, timestamp_usec } = capture.dequeued;
    if (flags & v4l2.V4L2_BUF_FLAG_LAST) {
      if (capture.dequeuedPlanes[0].bytesused > 0) {
        throw new DeviceError(this.device.path, "marks a picture as the last buffer");
      }
      this.#goOn();
      return -EAGAIN;
    }
    const number = timestamp_sec * 1e6 + timestamp_usec - 1;
    const whole = capture.pictures.isWhole(capture.dequeuedPlanes);
    if (!whole || flags & v4l2.V4L2_BUF_FLAG_ERROR) this.#count(number);
    // Where damage was concealed, the picture is worth having.
    if (!whole) {
      capture.enqueue(index);
      return -EAGAIN;
    }
    this.number = number;
    this.damaged = (flags & v4l2.V4L2_BUF_FLAG_ERROR) !== 0;
    this.queuedNs = this.#queuedNs[number % TIMES];
    return index;
  }

  #take(queue: MplaneMmapQueue): number {
    try {
      return queue.dequeue();
    } catch (error) {
      throw explained(error, this.#settings.codec, this.#settings.explain);
    }
  }

  /**
   * Gives a picture's buffer back.
   *
   * @param index from `dequeue`
   * @throws {SysError} as VIDIOC_QBUF
   */
  release(index: number): void {
    this.#capture!.enqueue(index);
  }

  /** Takes everything that is there besides pictures: poll(2) would not wait else. */
  #attend(): void {
    this.#reclaim();
    this.#listen();
    if (this.#capture === undefined) {
      if (this.#changed) this.#setUp();
      // No header in all of it.
      else if (this.#ending && this.#freeCount === this.#free.length) this.#over = true;
    }
    if (this.#ending && !this.#draining && this.#capture !== undefined) {
      decoderCommand(this.device, v4l2.V4L2_DEC_CMD_STOP);
      this.#draining = true;
    }
  }

  #reclaim(): void {
    const { dequeued } = this.#output;
    for (let index; (index = this.#take(this.#output)) >= 0;) {
      this.#free[this.#freeCount++] = index;
      this.#answered++;
      if (dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR) {
        this.#count(dequeued.timestamp_sec * 1e6 + dequeued.timestamp_usec - 1);
      }
    }
  }

  /** Counts a frame once: its OUTPUT buffer may have the error flag, and that of its picture. */
  #count(number: number): void {
    if (this.#counted[number % TIMES] === number + 1) return;
    this.#counted[number % TIMES] = number + 1;
    if (this.#errors++ === 0) this.#firstError = number;
  }

  #listen(): void {
    for (let type; (type = this.#events.next()) >= 0;) {
      if (type !== v4l2.V4L2_EVENT_SOURCE_CHANGE) continue;
      if (this.#events.changes & v4l2.V4L2_EVENT_SRC_CH_RESOLUTION) this.#changed = true;
    }
  }

  /** After the last buffer: of a drain, or of pictures that were like those before. */
  #goOn(): void {
    this.#reclaim();
    this.#listen();
    if (this.#changed) this.#setUp();
    else this.#over = true;
  }

  /** "Capture Setup". */
  #setUp(): void {
    const { device } = this;
    this.#changed = false;
    this.#capture?.close();
    this.#capture = undefined;
    const given = device.getFormat(CAPTURE);
    const { codec, explain, format: wanted } = this.#settings;
    let format = given;
    if (wanted !== undefined && PICTURE_FORMATS[wanted] !== given.pixelformat) {
      const depth = given.pixelformat === v4l2.V4L2_PIX_FMT_P010 ? 10 : 8;
      expectOffered(device, wanted, depth);
      const { width, height } = given;
      format = device.setFormat(CAPTURE, {
        width,
        height,
        pixelformat: PICTURE_FORMATS[wanted],
      }, "at least");
    }
    const name = pictureFormat(format.pixelformat);
    if (name === undefined) {
      const text = v4l2.fourccText(format.pixelformat);
      throw new DeviceError(device.path, `gives pictures in ${text}`);
    }
    const visible = selection(device, CAPTURE, v4l2.V4L2_SEL_TGT_COMPOSE);
    const least = device.getControl(v4l2.V4L2_CID_MIN_BUFFERS_FOR_CAPTURE);
    const count = Math.max(this.#settings.buffers, least);
    this.#capture = new Capture(device, count, name, format, visible);
    startDecoding(codec, explain, this.#capture);
  }

  /** Stops both queues, frees their buffers, closes the node. `pictures` must not be touched then. */
  close(): void {
    this.#capture?.close();
    this.#output.close();
    this.device.close();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
