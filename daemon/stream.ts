/**
 * One client's stream: its messages, answered in their order until it is over.
 *
 * @module
 */
import { constants } from "node:os";
import type { Ffmpeg } from "../lib/ffmpeg/libraries.ts";
import { SysError } from "../lib/sys/errno.ts";
import type { File } from "../lib/sys/file.ts";
import { fourccText } from "../lib/v4l2/videodev2.ts";
import {
  VPIPE_DEC_CORRUPT,
  vpipe_dec_decode,
  vpipe_dec_done,
  VPIPE_DEC_FAILED,
  vpipe_dec_free,
  VPIPE_DEC_MISMATCH,
  VPIPE_DEC_MORE,
  VPIPE_DEC_MSG_DECODE,
  VPIPE_DEC_MSG_DONE,
  VPIPE_DEC_MSG_FREE,
  VPIPE_DEC_MSG_START,
  VPIPE_DEC_NO_PICTURE,
  VPIPE_DEC_OK,
  VPIPE_DEC_QUEUE_CAPTURE,
  VPIPE_DEC_QUEUE_OUTPUT,
  vpipe_dec_start,
} from "../lib/vpipe/decoder_uapi.ts";
import { Buffers } from "./buffers.ts";
import { type CaptureFormat, captureFormat } from "./capture_format.ts";
import { codecName } from "./codecs.ts";
import { Controls } from "./controls.ts";
import type { Log } from "./log.ts";
import { Incoming, Outgoing, ProtocolError } from "./messages.ts";
import { PollSet } from "./poll_set.ts";
import { Run } from "./run.ts";

const { EPIPE, ESTALE } = constants.errno;

const STATUS_WORDS = new Map([
  [VPIPE_DEC_OK, "ok"],
  [VPIPE_DEC_CORRUPT, "corrupt"],
  [VPIPE_DEC_MISMATCH, "mismatch"],
  [VPIPE_DEC_NO_PICTURE, "no-picture"],
  [VPIPE_DEC_FAILED, "failed"],
]);

const MAX_U32 = 0xffff_ffff;

// Of the poll set.
const STREAM = 0;
const STOP = 1;

/** Serves one stream on the calling thread. */
export class Stream implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #log: Log;
  readonly #id: number;
  readonly #poll: PollSet;
  readonly #incoming: Incoming;
  readonly #decode;
  readonly #controls: Controls;
  readonly #start;
  readonly #free;
  readonly #done: Outgoing<typeof vpipe_dec_done.fields>;
  readonly #buffers: Buffers;
  #run: Run | undefined;
  readonly #counts = new Uint32Array(STATUS_WORDS.size);
  #tookBack = 0;
  #complained = false;

  /**
   * @param file the stream's; its owner closes it
   * @param stop has input or is hung up when the daemon is to end
   */
  constructor(ffmpeg: Ffmpeg, log: Log, id: number, file: File, stop: { readonly fd: number }) {
    this.#ffmpeg = ffmpeg;
    this.#log = log;
    this.#id = id;
    this.#poll = new PollSet([file, stop]);
    this.#incoming = new Incoming(file);
    this.#start = this.#incoming.as(vpipe_dec_start);
    this.#decode = this.#incoming.as(vpipe_dec_decode);
    this.#controls = new Controls(this.#incoming);
    this.#free = this.#incoming.as(vpipe_dec_free);
    this.#done = new Outgoing(file, VPIPE_DEC_MSG_DONE, vpipe_dec_done, id);
    this.#buffers = new Buffers(file);
  }

  /**
   * Answers until the stream is over or the daemon is to end.
   *
   * @throws {SysError} of the stream's file
   * @throws {ProtocolError} the kernel does not keep to vpipe-dec.h
   */
  serve(): void {
    for (;;) {
      this.#poll.wait(-1);
      if (this.#poll.events(STOP) !== 0) return;
      if (this.#poll.events(STREAM) === 0) continue;
      const type = this.#incoming.read();
      if (type < 0) return;
      if (type > 0) this.#handle(type);
    }
  }

  #handle(type: number): void {
    const incoming = this.#incoming;
    if (incoming.header.stream !== this.#id) {
      throw new ProtocolError(`a message for stream ${incoming.header.stream}`);
    }
    switch (type) {
      case VPIPE_DEC_MSG_DECODE:
        incoming.require(vpipe_dec_decode);
        return this.#handleDecode();
      case VPIPE_DEC_MSG_START:
        incoming.require(vpipe_dec_start);
        return this.#handleStart();
      case VPIPE_DEC_MSG_FREE:
        incoming.require(vpipe_dec_free);
        return this.#handleFree();
      default:
        this.#log.debug("unknown-message", { stream: this.#id, type });
    }
  }

  #handleStart(): void {
    this.#complained = false;
    const { codec, width, height, pixelformat } = this.#start;
    const about = { stream: this.#id, size: `${width}x${height}`, pixels: fourccText(pixelformat) };
    try {
      const name = codecName(codec);
      if (name === undefined) throw new Error(`codec ${codec} is not known`);
      const format = captureFormat(this.#start);
      if (this.#run?.codec === name && same(this.#run.format, format)) {
        this.#run.flush();
      } else {
        this.#endRun();
        this.#run = new Run(this.#ffmpeg, this.#buffers, name, format);
      }
      this.#log.debug("start", { ...about, codec: name, decoder: this.#run.decoder });
    } catch (error) {
      // Its frames fail; the client may start again.
      this.#endRun();
      this.#log.error("start-failed", { ...about, reason: (error as Error).message });
    }
  }

  #handleDecode(): void {
    const { output_index, bytesused, capture_index, flags } = this.#decode;
    const controls = this.#controls;
    controls.check();
    let status = VPIPE_DEC_FAILED;
    try {
      status = this.#run?.decode(output_index, bytesused, capture_index, flags, controls) ?? status;
    } catch (error) {
      this.#complain(error as Error);
    }
    this.#answer(status, flags);
  }

  // Once a START: whoever is the client cannot fill the log.
  #complain(error: Error): void {
    const over = error instanceof SysError && error.code === EPIPE;
    if (over || this.#complained) return;
    this.#complained = true;
    this.#log.warning("frame-failed", { stream: this.#id, reason: error.message });
  }

  #answer(status: number, flags: number): void {
    const { view } = this.#done;
    const sizes = this.#run?.format.sizes;
    const more = (flags & VPIPE_DEC_MORE) !== 0;
    const written = status === VPIPE_DEC_OK && !more && sizes !== undefined;
    view.status = status;
    view.codec_ns = Math.min(this.#run?.codecNs ?? 0, MAX_U32);
    view.bytesused0 = written ? sizes[0] : 0;
    view.bytesused1 = written && sizes.length > 1 ? sizes[1] : 0;
    this.#done.answers(this.#incoming);
    const code = -this.#done.tryWrite();
    // EPIPE: it ended meanwhile, which the next read says.
    if (code === 0) this.#counts[status]++;
    else if (code === ESTALE) this.#tookBack++;
    else if (code !== EPIPE) throw new SysError(`stream ${this.#id}`, "write of DONE", code);
  }

  #handleFree(): void {
    const { queue, indices } = this.#free;
    if (queue !== VPIPE_DEC_QUEUE_OUTPUT && queue !== VPIPE_DEC_QUEUE_CAPTURE) {
      throw new ProtocolError(`buffers of queue ${queue} are gone`);
    }
    if (queue === VPIPE_DEC_QUEUE_CAPTURE) this.#run?.forget();
    this.#buffers.free(queue, indices);
  }

  #endRun(): void {
    this.#run?.[Symbol.dispose]();
    this.#run = undefined;
  }

  /** Frames by what became of them, and how often memory was mapped. */
  get summary(): Record<string, number> {
    const counts = [...STATUS_WORDS].map(([status, word]) => [word, this.#counts[status]]);
    return {
      stream: this.#id,
      ...Object.fromEntries(counts),
      "took-back": this.#tookBack,
      mappings: this.#buffers.mappings,
    };
  }

  [Symbol.dispose](): void {
    this.#endRun();
    this.#buffers[Symbol.dispose]();
  }
}

/** Whether pictures of one format lie as those of the other do. */
const same = (a: CaptureFormat, b: CaptureFormat) => JSON.stringify(a) === JSON.stringify(b);
