/**
 * A client of the stateful node, which knows what each picture has to be and follows the kernel's
 * Documentation/userspace-api/media/v4l/dev-decoder.rst; each step at hand.
 *
 * @module
 */
import { constants } from "node:os";
import { EAGAIN } from "../../../lib/sys/errno.ts";
import { ioctl, tryIoctl } from "../../../lib/sys/ioctl.ts";
import { Events } from "../../../lib/v4l2/events.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { CAPTURE, DecoderClient, OUTPUT, type Side } from "./client.ts";
import { sumOf } from "./pictures.ts";
import { NEVER_MS } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";

const { EPIPE } = constants.errno;

/** An open file of the stateful node, its CAPTURE format the first that the daemon may tell. */
export class StatefulClient extends DecoderClient {
  readonly #events: Events;
  readonly #streaming = { [OUTPUT]: false, [CAPTURE]: false };
  /** Buffers that are the program's. */
  readonly #own: Record<Side, Set<number>>;
  /** What each byte of the picture of a frame has to be, by its timestamp. */
  readonly #sums = new Map<number, number>();
  #sent = 0;
  /** The frame whose picture came last. */
  #shown = 0;
  /** CAPTURE has to be set up anew, once it has ended. */
  #changed = false;
  #ended = false;
  #eos = false;
  #everCaptured = false;
  #removed = -1;
  /** The last buffer that had V4L2_BUF_FLAG_LAST. */
  last = -1;
  pictures = 0;

  constructor(node: string, buffers: number) {
    super(node, { pixelformat: v4l2.V4L2_PIX_FMT_VP9, buffers });
    this.#events = new Events(this.device, v4l2.V4L2_EVENT_SOURCE_CHANGE, v4l2.V4L2_EVENT_EOS);
    this.#own = { [OUTPUT]: this.#all(OUTPUT), [CAPTURE]: this.#all(CAPTURE) };
  }

  /** Those that the queue has. */
  #all(side: Side): Set<number> {
    const all = this.queue(side).buffers.map(({ index }) => index);
    return new Set(side === CAPTURE ? all.filter((index) => index !== this.#removed) : all);
  }

  isStreaming(side: Side): boolean {
    return this.#streaming[side];
  }

  /** STREAMON, which has to succeed. */
  begin(side: Side): void {
    expectEqual("STREAMON", this.tryStart(side), 0);
    this.#streaming[side] = true;
    if (side === CAPTURE) this.#everCaptured = true;
  }

  /** STREAMOFF, after which no buffer may be the driver's. */
  override stop(side: Side): void {
    super.stop(side);
    this.#streaming[side] = false;
    this.#own[side] = this.#all(side);
    if (side === CAPTURE) this.#ended = false;
    for (const index of this.#own[side]) {
      const buffer = this.queue(side).buffers[index];
      ioctl(this.device, v4l2.VIDIOC_QUERYBUF, buffer.bytes);
      const busy = buffer.flags & (v4l2.V4L2_BUF_FLAG_QUEUED | v4l2.V4L2_BUF_FLAG_DONE);
      expectEqual(`QUEUED and DONE of buffer ${index}`, busy, 0);
    }
  }

  /** The result of V4L2_DEC_CMD_*, or its negated errno. */
  command(cmd: number): number {
    const argument = v4l2.v4l2_decoder_cmd.alloc({ cmd });
    return tryIoctl(this.device.fd, v4l2.VIDIOC_DECODER_CMD.request, argument.bytes);
  }

  /** Whether there is an OUTPUT buffer for a frame. */
  get hasRoom(): boolean {
    return this.#own[OUTPUT].size > 0;
  }

  /** Queues a frame; its first byte says what its picture is like. Returns its number. */
  frame(first: number): number {
    const [index] = this.#own[OUTPUT];
    const bytes = Uint8Array.of(first, ++this.#sent, this.#sent >> 8);
    this.#sums.set(this.#sent, sumOf(bytes));
    Object.assign(this.output.buffers[index], { timestamp_usec: this.#sent, timestamp_sec: 0 });
    this.send(index, bytes);
    this.#own[OUTPUT].delete(index);
    return this.#sent;
  }

  /** Queues the CAPTURE buffers that are the program's. */
  lend(): void {
    for (const index of this.#own[CAPTURE]) this.capture.enqueue(index);
    this.#own[CAPTURE].clear();
  }

  /** Takes one of its buffers from CAPTURE for good (v4l2.VIDIOC_REMOVE_BUFS). */
  forget(index: number): void {
    const removal = v4l2.v4l2_remove_buffers.alloc({ index, count: 1, type: CAPTURE });
    ioctl(this.device, v4l2.VIDIOC_REMOVE_BUFS, removal.bytes);
    this.#own[CAPTURE].delete(index);
    this.#removed = index;
  }

  /** "Capture Setup", whatever CAPTURE is at. */
  setUp(): void {
    if (this.#streaming[CAPTURE]) this.stop(CAPTURE);
    expectEqual("REQBUFS(0)", this.tryFree(CAPTURE), 0);
    this.allocate(CAPTURE);
    this.#removed = -1;
    this.#own[CAPTURE] = this.#all(CAPTURE);
    // What it has been told so far is done with.
    this.#listen();
    this.#changed = false;
    this.lend();
    this.begin(CAPTURE);
  }

  /** Dequeues all that is there: buffers of both queues, and events. */
  take(): void {
    if (this.#streaming[OUTPUT]) {
      let index = this.tryDequeue(OUTPUT);
      for (; index >= 0; index = this.tryDequeue(OUTPUT)) this.#own[OUTPUT].add(index);
      expectEqual("errno of DQBUF on OUTPUT", -index, EAGAIN);
    }
    this.#listen();
    while (this.#streaming[CAPTURE] && !this.#ended) {
      const index = this.tryDequeue(CAPTURE);
      if (index === -EAGAIN) return;
      expect(index >= 0, `DQBUF on CAPTURE: errno ${-index}`);
      this.#own[CAPTURE].add(index);
      this.#look(index);
    }
  }

  #listen(): void {
    for (let type; (type = this.#events.next()) >= 0;) {
      if (type === v4l2.V4L2_EVENT_SOURCE_CHANGE) this.#changed = true;
      else this.#eos = true;
    }
  }

  /** DEC_CMD_START: CAPTURE goes on with the buffers that it has; or its negated errno. */
  goOn(): number {
    this.#listen();
    const result = this.command(v4l2.V4L2_DEC_CMD_START);
    if (result < 0 || !this.#streaming[CAPTURE]) return result;
    this.#changed = false;
    this.#ended = false;
    this.#eos = false;
    return result;
  }

  #look(index: number): void {
    const { flags, timestamp_usec } = this.capture.dequeued;
    const [{ bytesused }] = this.capture.dequeuedPlanes;
    if (flags & v4l2.V4L2_BUF_FLAG_LAST) {
      expectEqual("bytes of the last buffer", bytesused, 0);
      expect(this.#changed || this.#eos, "a last buffer without an event");
      expectEqual("DQBUF after the last buffer", this.tryDequeue(CAPTURE), -EPIPE);
      this.#ended = true;
      this.last = index;
    } else if (bytesused > 0) {
      expectEqual("error flag of a picture", flags & v4l2.V4L2_BUF_FLAG_ERROR, 0);
      const sum = this.#sums.get(timestamp_usec)!;
      const bytes = this.capture.mappings[index][0].bytes.subarray(0, bytesused);
      expect(bytes.every((byte) => byte === sum), "a picture is another frame's");
      this.#shown = timestamp_usec;
      this.pictures++;
    }
    // What has neither was a last one, before a seek made it void.
  }

  /** Whether CAPTURE has ended, or waits to be set up. */
  get halted(): boolean {
    return this.#ended || (this.#changed && !this.#streaming[CAPTURE]);
  }

  /** Does what a client has to do next. */
  react(): void {
    const stopped = !this.#streaming[CAPTURE];
    if (stopped ? this.#changed || this.#everCaptured : this.#ended && this.#changed) {
      this.setUp();
    } else if (this.#ended) {
      expectEqual("DEC_CMD_START", this.goOn(), 0);
    }
    if (this.#streaming[CAPTURE]) this.lend();
  }

  /** Takes part until what is wanted has come about, with `serve` for the daemon. */
  async until(what: string, is: () => boolean, serve: () => void): Promise<void> {
    const end = performance.now() + NEVER_MS;
    for (;;) {
      serve();
      this.take();
      if (is()) return;
      expect(performance.now() < end, `no ${what} within ${NEVER_MS} ms`);
      this.react();
      await delay(0);
    }
  }

  /** Sends a frame, as soon as there is room, and waits for its picture. */
  async decode(first: number, serve: () => void): Promise<void> {
    await this.until("free OUTPUT buffer", () => this.hasRoom, serve);
    const number = this.frame(first);
    await this.until("picture", () => this.#shown === number, serve);
  }

  /** Drains; whatever it had queued has come out then. */
  async finish(serve: () => void): Promise<void> {
    await this.until("CAPTURE", () => this.#streaming[CAPTURE] && !this.#ended, serve);
    this.#eos = false;
    expectEqual("DEC_CMD_STOP", this.command(v4l2.V4L2_DEC_CMD_STOP), 0);
    await this.until("end of the drain", () => this.#ended && this.#eos && !this.#changed, serve);
    expectEqual("the latest frame of a drain", this.#shown, this.#sent);
    expectEqual("OUTPUT buffers after a drain", this.#own[OUTPUT].size, this.output.buffers.length);
  }
}
