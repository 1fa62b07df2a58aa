/**
 * A client of the decoder node whose frames are any bytes: with each call at hand, and no more state
 * than the buffers.
 *
 * @module
 */
import { EAGAIN, SysError } from "../../../lib/sys/errno.ts";
import { ioctl, tryIoctl } from "../../../lib/sys/ioctl.ts";
import { Poller, POLLERR, POLLIN } from "../../../lib/sys/poll.ts";
import { type CompoundControl, setCompoundControls } from "../../../lib/v4l2/compound_controls.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MediaDevice, type MediaRequest } from "../../../lib/v4l2/media.ts";
import { MplaneMmapQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { expect } from "../../harness/suite.ts";
import { NEVER_MS } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";

export const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
export const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
export type Side = typeof OUTPUT | typeof CAPTURE;
export const SIDES = [OUTPUT, CAPTURE] as const;

const typeArgument = (side: Side) => new Uint8Array(Uint32Array.of(side).buffer);

/** How a client decodes. */
export interface ClientSettings {
  readonly pixelformat?: number;
  readonly width?: number;
  readonly height?: number;
  readonly buffers?: number;
  /** Whether each frame comes with a media request. */
  readonly requests?: boolean;
}

/** An open node; its format set and its buffers there, from the start. */
export class DecoderClient implements Disposable {
  readonly device: VideoDevice;
  readonly #media: MediaDevice | undefined;
  readonly #count: number;
  #output!: MplaneMmapQueue;
  #capture!: MplaneMmapQueue;
  /** Whether its frames, without requests, are parts of pictures that go on. */
  holds = false;
  #requests: (MediaRequest | undefined)[] = [];

  constructor(node: string, settings: ClientSettings = {}) {
    const { pixelformat = v4l2.V4L2_PIX_FMT_VP9_FRAME, width = 64, height = 48 } = settings;
    this.#count = settings.buffers ?? 4;
    const wanted = v4l2.V4L2_CAP_VIDEO_M2M_MPLANE;
    this.device = VideoDevice.open(node, wanted, "decoder");
    try {
      this.device.setFormat(OUTPUT, { pixelformat, width, height }, "at least");
      if (settings.requests) this.#media = MediaDevice.of(this.device);
      for (const side of SIDES) this.allocate(side);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get output(): MplaneMmapQueue {
    return this.#output;
  }
  get capture(): MplaneMmapQueue {
    return this.#capture;
  }

  /** REQBUFS. */
  allocate(side: Side, count = this.#count): void {
    const queue = new MplaneMmapQueue(this.device, side, count, 1);
    if (side === OUTPUT) this.#output = queue;
    else this.#capture = queue;
  }

  queue(side: Side): MplaneMmapQueue {
    return side === OUTPUT ? this.#output : this.#capture;
  }

  /** The result of STREAMON, or its negated errno. */
  tryStart(side: Side): number {
    return tryIoctl(this.device.fd, v4l2.VIDIOC_STREAMON.request, typeArgument(side));
  }

  /** The index of the buffer, or the negated errno of DQBUF. */
  tryDequeue(side: Side): number {
    try {
      return this.queue(side).dequeue();
    } catch (error) {
      if (error instanceof SysError) return -error.code;
      throw error;
    }
  }

  /** Both queues streaming, all CAPTURE buffers with the driver. */
  start(): void {
    for (const { index } of this.#capture.buffers) this.#capture.enqueue(index);
    for (const side of SIDES) ioctl(this.device, v4l2.VIDIOC_STREAMON, typeArgument(side));
  }

  stop(side: Side): void {
    ioctl(this.device, v4l2.VIDIOC_STREAMOFF, typeArgument(side));
  }

  /** REQBUFS(0); the negated errno where it is refused. */
  tryFree(side: Side): number {
    const request = v4l2.v4l2_requestbuffers.alloc({
      type: side,
      memory: v4l2.V4L2_MEMORY_MMAP,
    });
    for (const mapping of this.queue(side).mappings.flat()) mapping.close();
    return tryIoctl(this.device.fd, v4l2.VIDIOC_REQBUFS.request, request.bytes);
  }

  /** Queues a frame in OUTPUT buffer `index`; `controls` go with its request. */
  send(index: number, bytes: ArrayLike<number>, controls: readonly CompoundControl[] = []): void {
    if (this.#media !== undefined) return this.request(index, bytes, controls).queue();
    this.#output.mappings[index][0].bytes.set(bytes);
    const buffer = this.#output.buffers[index];
    buffer.flags = this.holds ? v4l2.V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF : 0;
    this.#output.enqueue(index, bytes.length);
  }

  /** A request for a frame in OUTPUT buffer `index`, which is yet to be queued. */
  request(
    index: number,
    bytes: ArrayLike<number>,
    controls: readonly CompoundControl[] = [],
  ): MediaRequest {
    this.#output.mappings[index][0].bytes.set(bytes);
    // A new one each time: the old one may not be complete.
    this.#requests[index]?.close();
    const request = this.#media!.allocateRequest();
    this.#requests[index] = request;
    setCompoundControls(this.device, controls, request);
    request.add(this.#output, index, bytes.length);
    return request;
  }

  /** V4L2_DEC_CMD_FLUSH of a stateless decoder: no picture goes on. */
  flush(): void {
    const argument = v4l2.v4l2_decoder_cmd.alloc({ cmd: v4l2.V4L2_DEC_CMD_FLUSH });
    ioctl(this.device, v4l2.VIDIOC_DECODER_CMD, argument.bytes);
  }

  /** Closes the files of all requests, whatever state they are in. */
  forgetRequests(): void {
    for (const request of this.#requests) request?.close();
    this.#requests = [];
  }

  /** Waits until there is a CAPTURE buffer, or an error; false after `ms`. */
  async wait(ms = NEVER_MS): Promise<boolean> {
    const poller = new Poller(this.device, POLLIN);
    const end = performance.now() + ms;
    while (!(poller.wait(0) & (POLLIN | POLLERR))) {
      if (performance.now() > end) return false;
      await delay(0);
    }
    return true;
  }

  /** Dequeues a picture that has to be whole, and its OUTPUT buffer. */
  async picture(): Promise<Uint8Array> {
    expect(await this.wait(), `no picture within ${NEVER_MS} ms`);
    const index = this.#capture.dequeue();
    expect(index >= 0, "poll(2) promised a picture, there is none");
    const { flags } = this.#capture.dequeued;
    expect((flags & v4l2.V4L2_BUF_FLAG_ERROR) === 0, "the picture has the error flag");
    this.#output.reclaim();
    const { bytes } = this.#capture.mappings[index][0];
    return bytes.subarray(0, this.#capture.dequeuedPlanes[0].bytesused);
  }

  /** Dequeues all that is done; how many of them there are, by side and by error flag. */
  drain(): { output: number; capture: number; errors: number } {
    const counts = { output: 0, capture: 0, errors: 0 };
    for (const side of SIDES) {
      const queue = this.queue(side);
      for (let i = queue.dequeue(); i !== -EAGAIN; i = queue.dequeue()) {
        counts[side === OUTPUT ? "output" : "capture"]++;
        if (side === CAPTURE && queue.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR) counts.errors++;
      }
    }
    return counts;
  }

  close(): void {
    this.forgetRequests();
    this.#media?.close();
    for (const queue of [this.#output, this.#capture]) {
      for (const mapping of queue?.mappings.flat() ?? []) mapping.close();
    }
    this.device.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
