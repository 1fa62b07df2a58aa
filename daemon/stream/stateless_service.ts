/**
 * The service of a stateless stream: each frame is decoded as it comes, into the buffer it names.
 *
 * @module
 */
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { fourccText } from "../../lib/uapi/videodev2.ts";
import {
  vpipe_dec_decode,
  VPIPE_DEC_FAILED,
  VPIPE_DEC_MSG_DECODE,
  VPIPE_DEC_MSG_START,
  vpipe_dec_start,
} from "../../lib/uapi/vpipe_dec.ts";
import type { Answers } from "./answers.ts";
import type { Buffers } from "../pictures/buffers.ts";
import { captureFormat } from "../pictures/capture_format.ts";
import { codecName } from "./codecs.ts";
import { Controls } from "./controls.ts";
import type { Log } from "./log.ts";
import type { Incoming } from "./messages.ts";
import { StatelessDecoding } from "./stateless_decoding.ts";
import type { StreamMemory } from "./stream_memory.ts";
import type { ServedStream, Service } from "./service.ts";

/** Serves a stateless stream; also one that has not begun, whose frames fail. */
export class StatelessService implements Service {
  readonly #ffmpeg: Ffmpeg;
  readonly #log: Log;
  readonly #incoming: Incoming;
  readonly #start;
  readonly #decode;
  readonly #controls: Controls;
  readonly #answers: Answers;
  readonly #buffers: Buffers;
  readonly #memory: StreamMemory;
  #run: StatelessDecoding | undefined;
  /** Nothing waits: a frame is answered where it is taken in. */
  readonly ready = false;

  constructor({ ffmpeg, log, incoming, answers, buffers, memory }: ServedStream) {
    this.#ffmpeg = ffmpeg;
    this.#log = log;
    this.#incoming = incoming;
    this.#start = incoming.as(vpipe_dec_start);
    this.#decode = incoming.as(vpipe_dec_decode);
    this.#controls = new Controls(incoming);
    this.#answers = answers;
    this.#buffers = buffers;
    this.#memory = memory;
  }

  handle(type: number): boolean {
    switch (type) {
      case VPIPE_DEC_MSG_DECODE:
        this.#incoming.require(vpipe_dec_decode);
        this.#handleDecode();
        return true;
      case VPIPE_DEC_MSG_START:
        this.#handleStart();
        return true;
      default:
        return false;
    }
  }

  step(): void {}

  #handleStart(): void {
    const { codec, width, height, pixelformat, stream } = this.#start;
    const about = { stream, size: `${width}x${height}`, pixels: fourccText(pixelformat) };
    try {
      const name = codecName(codec);
      if (name === undefined) throw new Error(`codec ${codec} is not known`);
      const format = captureFormat(this.#start);
      if (this.#run?.codec === name) {
        this.#run.restart(format);
      } else {
        this.#endRun();
        const { allow } = this.#memory;
        this.#run = new StatelessDecoding(this.#ffmpeg, this.#buffers, name, format, allow);
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
    const run = this.#run;
    controls.check();
    this.#answers.take(run?.codec, bytesused);
    let status = VPIPE_DEC_FAILED;
    try {
      status = run?.decode(output_index, bytesused, capture_index, flags, controls) ?? status;
    } catch (error) {
      this.#answers.complain(error as Error);
    }
    const { cookieLow, cookieHigh } = this.#incoming;
    const written = run?.written ?? false;
    const sizes = written ? run?.format.sizes : undefined;
    const code = this.#answers.done(cookieLow, cookieHigh, status, run?.codecNs ?? 0, sizes);
    if (written && code === 0) this.#buffers.digest?.keep();
    // Whatever else became of it: START or the stream's end is the next message then.
  }

  forget(): void {
    this.#run?.forget();
  }

  #endRun(): void {
    this.#run?.[Symbol.dispose]();
    this.#run = undefined;
  }

  [Symbol.dispose](): void {
    this.#endRun();
  }
}
