/**
 * The service of a stateful stream: coded frames wait in their order, pictures go out in display
 * order, each as soon as there is a buffer for it.
 *
 * @module
 */
import { READING } from "../../lib/dmabuf/dma_buf.ts";
import { DisplayDecoder } from "../../lib/ffmpeg/display_decoder.ts";
import type { Frame } from "../../lib/ffmpeg/frame.ts";
import type { CodecName } from "../../lib/codec/codecs.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import {
  vpipe_dec_capture,
  VPIPE_DEC_CORRUPT,
  vpipe_dec_decode,
  vpipe_dec_empty,
  VPIPE_DEC_FAILED,
  VPIPE_DEC_FILE,
  vpipe_dec_format,
  vpipe_dec_header,
  VPIPE_DEC_MISMATCH,
  VPIPE_DEC_MSG_CAPTURE,
  VPIPE_DEC_MSG_DECODE,
  VPIPE_DEC_MSG_DRAIN,
  VPIPE_DEC_MSG_DRAINED,
  VPIPE_DEC_MSG_EMPTY,
  VPIPE_DEC_MSG_FORMAT,
  VPIPE_DEC_MSG_PICTURE,
  VPIPE_DEC_MSG_START,
  VPIPE_DEC_OK,
  vpipe_dec_picture,
  VPIPE_DEC_QUEUE_OUTPUT,
  vpipe_dec_start,
} from "../../lib/uapi/vpipe_dec.ts";
import { type Answers, NO_SIZES, setBytesused } from "./answers.ts";
import type { Buffers } from "../pictures/buffers.ts";
import { CaptureBuffers } from "../pictures/capture_buffers.ts";
import { captureFormat, sameFormat } from "../pictures/capture_format.ts";
import { codecName } from "./codecs.ts";
import { FileFrames } from "./file_frames.ts";
import type { Log } from "./log.ts";
import { EPIPE, type Incoming, Outgoing, ProtocolError } from "./messages.ts";
import { MAX_SIZE, ToldFormat } from "../pictures/told_format.ts";
import type { ServedStream, Service } from "./service.ts";
import { Waiting } from "./message_ring.ts";
import type { StreamMemory } from "./stream_memory.ts";

/** Buffers of a queue. */
const MAX_BUFFERS = 32;

/** Instead of a buffer's index: this is a DRAIN. */
const DRAIN = 0xffff_ffff;

// DECODEs, and a DRAIN in front of each, behind all, and in work.
const MAX_CODED = 2 * MAX_BUFFERS + 2;

// The kernel remembers the last 256 coded frames and drains, of which as many may be ahead of the one
// that is decoded.
const MAX_AGE = 255 - MAX_CODED;

const SOURCE_AT = vpipe_dec_picture.fields.source.offset;

/** Serves a stateful stream. */
export class StatefulService implements Service {
  readonly #ffmpeg: Ffmpeg;
  readonly #log: Log;
  readonly #stream: number;
  readonly #incoming: Incoming;
  readonly #start;
  readonly #capturing;
  readonly #emptied;
  readonly #decode;
  readonly #picture: Outgoing<typeof vpipe_dec_picture.fields>;
  readonly #formatMessage: Outgoing<typeof vpipe_dec_format.fields>;
  readonly #drained: Outgoing<typeof vpipe_dec_header.fields>;
  readonly #answers: Answers;
  readonly #buffers: Buffers;
  readonly #memory: StreamMemory;
  readonly #format: ToldFormat;
  /** DECODEs and DRAINs. The oldest one is in work where `#working`. */
  readonly #coded = new Waiting(MAX_CODED);
  /** EMPTYs. */
  readonly #empty = new Waiting(MAX_BUFFERS);
  #decoder: DisplayDecoder | undefined;
  /** What OUTPUT has the parts of, where it is a file. */
  #file: FileFrames | undefined;
  #capture: CaptureBuffers | undefined;
  /** A CAPTURE came since the last FORMAT and START. */
  #captureValid = false;
  /** The decoder has, or may have, pictures of the oldest one in `#coded`. */
  #working = false;
  /** The decoder's picture waits for a buffer. */
  #held = false;
  /** Of the coded frame whose picture that is. */
  #sourceLow = 0;
  #sourceHigh = 0;
  /** What the kernel took back makes the rest useless until the next START. */
  #halted = true;
  #mismatch = false;
  #warned = false;

  constructor({ ffmpeg, log, id, file, incoming, answers, buffers, memory }: ServedStream) {
    this.#ffmpeg = ffmpeg;
    this.#log = log;
    this.#stream = id;
    this.#incoming = incoming;
    this.#start = incoming.as(vpipe_dec_start);
    this.#capturing = incoming.as(vpipe_dec_capture);
    this.#emptied = incoming.as(vpipe_dec_empty);
    this.#decode = incoming.as(vpipe_dec_decode);
    this.#picture = new Outgoing(file, VPIPE_DEC_MSG_PICTURE, vpipe_dec_picture, id);
    this.#formatMessage = new Outgoing(file, VPIPE_DEC_MSG_FORMAT, vpipe_dec_format, id);
    this.#drained = new Outgoing(file, VPIPE_DEC_MSG_DRAINED, vpipe_dec_header, id);
    this.#answers = answers;
    this.#buffers = buffers;
    this.#memory = memory;
    this.#format = new ToldFormat(ffmpeg);
  }

  get ready(): boolean {
    if (this.#halted || this.#coded.length === 0) return false;
    return !this.#held || (this.#captureValid && this.#empty.length > 0);
  }

  handle(type: number): boolean {
    const incoming = this.#incoming;
    const { cookieLow, cookieHigh } = incoming;
    switch (type) {
      case VPIPE_DEC_MSG_DECODE: {
        incoming.require(vpipe_dec_decode);
        const { output_index, bytesused } = this.#decode;
        this.#coded.push(cookieLow, cookieHigh, output_index, bytesused);
        return true;
      }
      case VPIPE_DEC_MSG_EMPTY:
        incoming.require(vpipe_dec_empty);
        this.#empty.push(cookieLow, cookieHigh, this.#emptied.index, 0);
        return true;
      case VPIPE_DEC_MSG_DRAIN:
        this.#forgetDrain();
        this.#coded.push(cookieLow, cookieHigh, DRAIN, 0);
        return true;
      case VPIPE_DEC_MSG_CAPTURE:
        incoming.require(vpipe_dec_capture);
        this.#handleCapture();
        return true;
      case VPIPE_DEC_MSG_START:
        this.#handleStart();
        return true;
      default:
        return false;
    }
  }

  #handleStart(): void {
    this.#coded.clear();
    this.#working = false;
    this.#held = false;
    this.#halted = false;
    this.#warned = false;
    this.#format.forget();
    this.#forgetCapture();
    const { codec, flags } = this.#start;
    const stream = this.#stream;
    const name = codecName(codec);
    this.#file = flags & VPIPE_DEC_FILE ? new FileFrames(name) : undefined;
    if (this.#file !== undefined) return this.#endDecoder();
    try {
      if (name === undefined) throw new Error(`codec ${codec} is not known`);
      if (this.#decoder?.codec === name) {
        this.#decoder.flush();
      } else {
        this.#endDecoder();
        this.#decoder = this.#makeDecoder(name);
      }
      this.#log.debug("start", { stream, codec: name, decoder: this.#decoder.name });
    } catch (error) {
      // Its frames fail; the client may start again.
      this.#endDecoder();
      this.#log.error("start-failed", { stream, codec, reason: (error as Error).message });
    }
  }

  #makeDecoder(codec: CodecName): DisplayDecoder {
    return new DisplayDecoder(this.#ffmpeg, codec, MAX_SIZE * MAX_SIZE, this.#memory.allow);
  }

  /** Another DRAIN came: its client has given up one that is just in front of it. */
  #forgetDrain(): void {
    const coded = this.#coded;
    const waiting = coded.length > (this.#working ? 1 : 0);
    if (waiting && coded.newestIndex === DRAIN) coded.pop();
  }

  /** What is known of CAPTURE buffers is no longer so. */
  #forgetCapture(): void {
    this.#captureValid = false;
    this.#empty.clear();
  }

  #handleCapture(): void {
    const format = captureFormat(this.#capturing);
    if (this.#capture === undefined || !sameFormat(this.#capture.format, format)) {
      this.#capture?.[Symbol.dispose]();
      this.#capture = undefined;
      this.#capture = new CaptureBuffers(this.#ffmpeg, this.#buffers, format);
    }
    this.#empty.clear();
    this.#captureValid = true;
  }

  /** Goes on until the oldest coded frame is used up, or its picture waits for a buffer. */
  step(): void {
    if (!this.#working && !this.#begin()) return;
    const decoder = this.#decoder;
    for (;;) {
      if (!this.#held) {
        if (decoder === undefined) return this.#finish();
        if (!decoder.receive()) {
          if (this.#decodeMore(decoder)) continue;
          this.#announceEarly(decoder);
          return this.#finish();
        }
        this.#held = this.#announce(decoder.picture);
      }
      if (!this.#held) continue;
      if (this.#halted || !this.#deliver(decoder!)) return;
      this.#held = false;
    }
  }

  /**
   * Gives the decoder the oldest coded frame, or has it drained.
   *
   * @returns false where the frame failed and is answered
   */
  #begin(): boolean {
    const decoder = this.#decoder;
    const { index, size, cookieLow, cookieHigh } = this.#coded;
    this.#mismatch = false;
    if (index !== DRAIN) this.#answers.take(decoder?.codec, size);
    if (index === DRAIN) decoder?.drain();
    else if (this.#file !== undefined) return this.#beginFile(this.#file, index, size);
    else if (!this.#take(index, size)) {
      this.#answer(VPIPE_DEC_FAILED, 0);
      return false;
    } else if (size > 0) {
      this.#sourceLow = cookieLow;
      this.#sourceHigh = cookieHigh;
      decoder!.decode();
    }
    this.#working = true;
    return true;
  }

  /** Takes a part of the file in, or begins to decode it; the rest as `#begin`. */
  #beginFile(file: FileFrames, index: number, size: number): boolean {
    let status = VPIPE_DEC_OK;
    try {
      if (size === 0) {
        this.#decoder = this.#makeDecoder(file.close());
        this.#working = true;
        return true;
      }
      const source = this.#buffers.plane(VPIPE_DEC_QUEUE_OUTPUT, index, 0);
      source.begin(READING);
      if (!file.add(source.bytes.subarray(0, size))) status = VPIPE_DEC_FAILED;
      source.end(READING);
    } catch (error) {
      this.#answers.complain(error as Error);
      status = VPIPE_DEC_CORRUPT;
    }
    this.#answer(status, 0);
    return false;
  }

  /** @returns whether there was another frame of the file, and there may be pictures */
  #decodeMore(decoder: DisplayDecoder): boolean {
    const { index, cookieLow, cookieHigh } = this.#coded;
    if (this.#file === undefined || index === DRAIN) return false;
    return this.#file.decodeNext(decoder, cookieLow, cookieHigh);
  }

  /** @returns whether the decoder has the bitstream of an OUTPUT buffer */
  #take(index: number, size: number): boolean {
    const { cookieLow, cookieHigh } = this.#coded;
    const decoder = this.#decoder;
    if (decoder === undefined) return false;
    try {
      const source = this.#buffers.plane(VPIPE_DEC_QUEUE_OUTPUT, index, 0);
      if (size > source.size) return false;
      // Some end a stream by a buffer without bitstream.
      if (size === 0) return true;
      source.begin(READING);
      decoder.take(source.pointer, size, cookieLow, cookieHigh);
      source.end(READING);
      return true;
    } catch (error) {
      this.#answers.complain(error as Error);
      return false;
    }
  }

  /** The decoder has nothing left of the oldest one. */
  #finish(): void {
    const { index, size, cookieLow, cookieHigh } = this.#coded;
    const decoder = this.#decoder;
    this.#working = false;
    if (index === DRAIN) {
      decoder?.resume();
      this.#coded.shift();
      this.#drained.setCookie(cookieLow, cookieHigh);
      // A drain that was taken back ends nothing.
      this.#drained.offer();
    } else if (this.#file !== undefined) {
      // Nothing of it waits for the drain that follows.
      this.#endDecoder();
      this.#answer(this.#file.broken ? VPIPE_DEC_CORRUPT : VPIPE_DEC_OK, 0);
    } else if (size === 0) this.#answer(VPIPE_DEC_OK, 0);
    else {
      // Damage may look like pictures of any size: only what is whole is of no format there is.
      const whole = this.#mismatch ? VPIPE_DEC_MISMATCH : VPIPE_DEC_OK;
      const without = decoder!.refused ? VPIPE_DEC_FAILED : VPIPE_DEC_CORRUPT;
      this.#answer(decoder!.damaged ? without : whole, decoder!.codecNs);
    }
  }

  #answer(status: number, codecNs: number): void {
    const { cookieLow, cookieHigh } = this.#coded;
    this.#coded.shift();
    this.#halted = this.#answers.done(cookieLow, cookieHigh, status, codecNs) !== 0;
  }

  // A client makes CAPTURE ready when it hears of a format. The first picture may come only when many
  // others are coded, or, in a short stream, in a drain, which wants CAPTURE ready.
  #announceEarly(decoder: DisplayDecoder): void {
    const { index, size } = this.#coded;
    if (this.#format.told.depth !== 0 || index === DRAIN || size === 0 || this.#mismatch) return;
    try {
      decoder.peek((picture) => this.#announce(picture));
    } catch (error) {
      // It is told with the first picture.
      this.#answers.complain(error as Error);
    }
  }

  /**
   * Tells the client what a picture is like, where it is unlike the last one.
   *
   * @returns whether the picture can be given to a client at all
   */
  #announce(picture: Frame): boolean {
    const format = this.#format;
    if (!format.takes(picture)) {
      this.#refuse(picture.width, picture.height, picture.format);
      return false;
    }
    this.#setSource(picture.ptsLow, picture.ptsHigh);
    if (!format.update(picture)) return true;
    Object.assign(this.#formatMessage.view, format.told, this.#decoder!.colours);
    this.#formatMessage.setCookie(this.#sourceLow, this.#sourceHigh);
    this.#forgetCapture();
    this.#halted = this.#formatMessage.offer() !== 0;
    return true;
  }

  #refuse(width: number, height: number, format: number): void {
    this.#mismatch = true;
    if (this.#warned) return;
    this.#warned = true;
    const name = this.#ffmpeg.avutil.av_get_pix_fmt_name(format);
    this.#log.warning("pictures-refused", {
      stream: this.#stream,
      size: `${width}x${height}`,
      pixels: name === null ? format : Deno.UnsafePointerView.getCString(name),
    });
  }

  /** Which coded frame a picture is of; the one decoded last, where that is too old or not known. */
  #setSource(low: number, high: number): void {
    const { cookieLow, cookieHigh } = this.#coded;
    if (cookieLow - low >>> 0 > MAX_AGE || high > cookieHigh) return;
    this.#sourceLow = low;
    this.#sourceHigh = high;
  }

  /** @returns whether the decoder's picture is out; else it waits for a buffer */
  #deliver({ picture }: DisplayDecoder): boolean {
    if (!this.#captureValid) return false;
    const capture = this.#capture!;
    if (!capture.fits(picture)) {
      const { width, height } = capture.format;
      throw new ProtocolError(`CAPTURE of ${width}x${height} is not what FORMAT said`);
    }
    const empty = this.#empty;
    while (empty.length > 0) {
      const { index, cookieLow, cookieHigh } = empty;
      empty.shift();
      const written = this.#fill(capture, index);
      const code = this.#offer(written, cookieLow, cookieHigh);
      if (code === 0 && written) this.#buffers.digest?.keep();
      this.#halted = code === EPIPE;
      if (code === 0) return true;
      if (code === EPIPE) return false;
    }
    return false;
  }

  /** @returns whether the picture is in the buffer */
  #fill(capture: CaptureBuffers, index: number): boolean {
    try {
      return capture.write(this.#decoder!.picture, index);
    } catch (error) {
      // It is gone already, as the answer says then, or there is no memory for it.
      this.#answers.complain(error as Error);
      return false;
    }
  }

  #offer(written: boolean, low: number, high: number): number {
    const { view } = this.#picture;
    const { sizes } = this.#capture!.format;
    view.status = written && !this.#decoder!.doubtful ? VPIPE_DEC_OK : VPIPE_DEC_CORRUPT;
    setBytesused(view, written ? sizes : NO_SIZES);
    this.#picture.setCookie(low, high);
    this.#picture.setWords(SOURCE_AT, this.#sourceLow, this.#sourceHigh);
    return this.#picture.offer();
  }

  forget(): void {
    this.#capture?.forget();
  }

  #endDecoder(): void {
    this.#decoder?.[Symbol.dispose]();
    this.#decoder = undefined;
  }

  [Symbol.dispose](): void {
    this.#endDecoder();
    this.#capture?.[Symbol.dispose]();
    this.#format[Symbol.dispose]();
  }
}
