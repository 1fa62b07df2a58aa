/**
 * The way of a compressed frame through a stateless decoder: into an OUTPUT buffer with a media
 * request, and as a picture out of a CAPTURE buffer, one of each, in decoding order.
 *
 * @module
 */
import { counted } from "../../measure/format.ts";
import { STATELESS } from "../../codec/codecs.ts";
import type { Sequence } from "../../codec/stream.ts";
import { monotonicNs } from "../../sys/clock.ts";
import type { GatherBuffer } from "../../sys/gather.ts";
import { setCompoundControls } from "../compound_controls.ts";
import { DeviceError, VideoDevice } from "../device.ts";
import { MediaDevice, type MediaRequest } from "../media.ts";
import { MplaneMmapQueue } from "../queue/mplane_queue.ts";
import * as v4l2 from "../../uapi/videodev2.ts";
import { type Explain, startDecoding } from "./explain.ts";
import {
  expectOffered,
  MAX_BUFFERS,
  PICTURE_FORMATS,
  PictureBuffers,
  type PictureFormat,
} from "./picture_buffers.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

/** An open decoder node, with the media device that its requests come from. */
export class StatelessDecoder implements Disposable {
  /** The decoder's video node: to be polled. */
  readonly device: VideoDevice;
  readonly #media: MediaDevice;

  /**
   * Opens the node and its media device.
   *
   * @throws {SysError | DeviceError} also where it is another kind of device
   */
  constructor(path: string) {
    this.device = VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "stateless decoder");
    try {
      this.#media = MediaDevice.of(this.device);
    } catch (error) {
      this.device.close();
      throw error;
    }
  }

  /**
   * Sets everything up for one sequence, until its stream is closed.
   *
   * @throws {SysError | DeviceError} naming what failed; nothing is left behind
   */
  start(sequence: Sequence, settings: DecoderSettings): DecoderStream {
    return new DecoderStream(this.device, this.#media, sequence, settings);
  }

  /** Closes both; a stream has to be closed before. */
  [Symbol.dispose](): void {
    this.#media.close();
    this.device.close();
  }
}

/** How a sequence is decoded. */
export interface DecoderSettings {
  /** Frames in flight, at most. */
  readonly buffers: number;
  /** Size of the largest access unit in bytes. */
  readonly largest: number;
  /** Undefined for what suits the sequence. */
  readonly format: PictureFormat | undefined;
  /** Says what the driver means by an error; without it, errors are as the kernel names them. */
  readonly explain?: Explain;
}

/** Both queues streaming, every CAPTURE buffer with the driver. */
export class DecoderStream implements Disposable {
  /** What the pictures are in. */
  readonly format: PictureFormat;
  /** Where the pictures come out: dequeue one, `collect` it, and enqueue its buffer again. */
  readonly capture: MplaneMmapQueue;
  /** When the frame of the last `collect` was queued, in ns. */
  queuedNs = 0;
  /** Whether it has a picture, be it a damaged one. */
  decoded = false;
  /** Whether it has the error flag: it has no picture, or one that was patched up. */
  damaged = false;
  readonly #device: VideoDevice;
  readonly #output: MplaneMmapQueue;
  readonly #requests: readonly MediaRequest[];
  readonly #sequence: Sequence;
  readonly #pictures: PictureBuffers;
  /** OUTPUT buffers that are the program's, from the start. */
  readonly #free: number[];
  #submitted = 0;
  #collected = 0;
  readonly #queuedNs = new Float64Array(MAX_BUFFERS);
  readonly #resources = new DisposableStack();

  /**
   * As `StatelessDecoder.start`, which calls it. It closes neither device.
   *
   * @throws {SysError | DeviceError} naming what failed; nothing is left behind
   */
  constructor(
    device: VideoDevice,
    media: MediaDevice,
    sequence: Sequence,
    { buffers, largest, format, explain }: DecoderSettings,
  ) {
    const resources = this.#resources;
    this.#device = device;
    this.#sequence = sequence;
    const { codec, width, height, chroma, controls, reorder } = sequence;
    try {
      if (chroma !== "4:2:0" && chroma !== "4:0:0") {
        throw new DeviceError(device.path, `gives 4:2:0 pictures, the stream has ${chroma}`);
      }
      device.setFormat(OUTPUT, {
        width,
        height,
        pixelformat: STATELESS[codec],
        sizeimage: largest,
      }, "at least");
      // The sample depth in them decides what CAPTURE offers.
      setCompoundControls(device, controls);
      this.format = format ?? (sequence.bitDepth > 8 ? "p010" : "nv12");
      const pixelformat = PICTURE_FORMATS[this.format];
      expectOffered(device, this.format, sequence.bitDepth);
      const picture = device.setFormat(CAPTURE, { width, height, pixelformat }, "at least");

      this.#output = resources.use(new MplaneMmapQueue(device, OUTPUT, buffers, 1));
      this.#free = this.#output.buffers.map(({ index }) => index);
      this.#requests = this.#free.map(() => resources.use(media.allocateRequest()));
      const count = Math.min(buffers + reorder, MAX_BUFFERS);
      const planes = picture.planes.length;
      this.capture = resources.use(new MplaneMmapQueue(device, CAPTURE, count, planes));
      if (this.capture.buffers.length <= reorder) {
        throw new DeviceError(
          device.path,
          `gives ${
            counted(this.capture.buffers.length, "CAPTURE buffer")
          }, ${reorder} pictures are held back`,
        );
      }
      this.#pictures = new PictureBuffers(this.capture, picture, sequence.crop);
      for (const { index } of this.capture.buffers) this.capture.enqueue(index);
      startDecoding(codec, explain, this.#output, this.capture);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The visible part of each CAPTURE buffer. */
  get pictures(): readonly GatherBuffer[] {
    return this.#pictures.buffers;
  }

  /** Frames between `submit` and `collect`. */
  get inFlight(): number {
    return this.#submitted - this.#collected;
  }

  /** Whether there is no room for another frame before one is collected. */
  get isFull(): boolean {
    return this.inFlight === this.#output.buffers.length;
  }

  /**
   * Hands a frame to the decoder; there has to be room for it.
   *
   * @throws {SysError} as VIDIOC_QBUF and the request's ioctls
   */
  submit(data: Uint8Array): void {
    const count = this.#output.buffers.length;
    const number = this.#submitted;
    // Buffers go round: the oldest comes back first.
    const index = this.#free[number % count];
    const request = this.#requests[index];
    if (number >= count) request.reinit();
    if (number === 0) setCompoundControls(this.#device, this.#sequence.controls, request);
    this.#output.mappings[index][0].bytes.set(data);
    const buffer = this.#output.buffers[index];
    // The CAPTURE buffer gets the same: it names the frame. 0 is what unused buffers have.
    buffer.timestamp_usec = (number + 1) % 1e6;
    buffer.timestamp_sec = Math.floor((number + 1) / 1e6);
    this.#queuedNs[number % MAX_BUFFERS] = monotonicNs();
    request.add(this.#output, index, data.length);
    request.queue();
    this.#submitted++;
  }

  /**
   * What became of the frame whose CAPTURE buffer was just dequeued; sets `queuedNs`, `decoded`
   * and `damaged`.
   *
   * @returns its number, counted from 0
   * @throws {SysError | DeviceError} as VIDIOC_DQBUF, or where the decoder answered out of order
   */
  collect(): number {
    const { timestamp_sec, timestamp_usec, flags } = this.capture.dequeued;
    const number = timestamp_sec * 1e6 + timestamp_usec - 1;
    const expected = this.#collected++;
    if (number !== expected) {
      throw new DeviceError(
        this.#device.path,
        `returns frame ${number} when it is ${expected}'s turn`,
      );
    }
    this.#free[number % this.#output.buffers.length] = this.#output.reclaim();
    this.queuedNs = this.#queuedNs[number % MAX_BUFFERS];
    this.decoded = this.#pictures.isWhole(this.capture.dequeuedPlanes);
    this.damaged = (flags & v4l2.V4L2_BUF_FLAG_ERROR) !== 0;
    return number;
  }

  /** Stops both queues, and frees their buffers and the requests. */
  close(): void {
    this.#resources.dispose();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
