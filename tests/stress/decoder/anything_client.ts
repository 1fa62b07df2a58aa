/**
 * A client of the stateful node beside a daemon that may say anything: it believes no picture, and does
 * all that it has to do for the stream to go on.
 *
 * @module
 */
import { constants } from "node:os";
import { CODED } from "../../../lib/codec/codecs.ts";
import { EAGAIN, EINVAL, SysError } from "../../../lib/sys/errno.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { Events } from "../../../lib/v4l2/events.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { CAPTURE, DecoderClient, OUTPUT } from "./client.ts";
import type { Random } from "../../harness/random.ts";

const { EPIPE } = constants.errno;

const BUFFERS = 4;

/** Of a picture: there is one buffer of those, for they would take all memory. */
const LARGE = 1 << 20;

/** OUTPUT streams from the start; CAPTURE too, now and then. */
export class AnythingClient extends DecoderClient {
  readonly #events: Events;
  #capturing = false;
  #changed = false;
  #ended = false;

  /** @throws {SysError} also where there is no daemon, or none with the codec */
  constructor(random: Random) {
    super(statefulNode(), {
      pixelformat: random.pick(Object.values(CODED)),
      width: random.between(1, 100),
      height: random.between(1, 100),
      buffers: BUFFERS,
    });
    try {
      const { V4L2_EVENT_SOURCE_CHANGE, V4L2_EVENT_EOS } = v4l2;
      this.#events = new Events(this.device, V4L2_EVENT_SOURCE_CHANGE, V4L2_EVENT_EOS);
      this.#expect("VIDIOC_STREAMON", this.tryStart(OUTPUT));
      if (random.chance(0.3)) this.#setUp();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #expect(call: string, result: number): void {
    if (result < 0) throw new SysError(this.device.path, call, -result);
  }

  /** V4L2_DEC_CMD_*, which may be refused. */
  command(cmd: number): void {
    const argument = v4l2.v4l2_decoder_cmd.alloc({ cmd });
    tryIoctl(this.device.fd, v4l2.VIDIOC_DECODER_CMD.request, argument.bytes);
  }

  /**
   * Takes all that is there.
   *
   * @returns OUTPUT buffers that came back
   * @throws {SysError} EIO where the stream is over
   */
  take(tally: { frames: number; errors: number }): number {
    for (let type; (type = this.#events.next()) >= 0;) {
      if (type === v4l2.V4L2_EVENT_SOURCE_CHANGE) this.#changed = true;
    }
    if (this.#capturing) this.#takePictures(tally);
    if (this.#changed && (this.#ended || !this.#capturing)) this.#setUp();
    else if (this.#ended) this.#goOn();
    let back = 0;
    for (; this.output.dequeue() >= 0; back++) {
      if (this.output.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR) tally.errors++;
    }
    return back;
  }

  #takePictures(tally: { frames: number }): void {
    for (;;) {
      const index = this.tryDequeue(CAPTURE);
      if (index === -EAGAIN) return;
      this.#ended ||= index === -EPIPE;
      if (index === -EPIPE) return;
      this.#expect("VIDIOC_DQBUF", index);
      tally.frames++;
      this.capture.enqueue(index);
    }
  }

  #setUp(): void {
    this.stop(CAPTURE);
    this.#expect("VIDIOC_REQBUFS", this.tryFree(CAPTURE));
    this.#changed = false;
    this.#ended = false;
    const [{ sizeimage }] = this.device.getFormat(CAPTURE).planes;
    this.allocate(CAPTURE, sizeimage < LARGE ? BUFFERS : 1);
    for (const { index } of this.capture.buffers) this.capture.enqueue(index);
    const result = this.tryStart(CAPTURE);
    // It has changed again: an event says so.
    if (result !== -EINVAL) this.#expect("VIDIOC_STREAMON", result);
    this.#capturing = result >= 0;
  }

  #goOn(): void {
    this.command(v4l2.V4L2_DEC_CMD_START);
    this.#ended = false;
  }
}
