/**
 * The answers to DECODEs, and the account of them.
 *
 * @module
 */
import { monotonicNs } from "../../lib/sys/clock.ts";
import { SysError } from "../../lib/sys/errno.ts";
import type { File } from "../../lib/sys/file.ts";
import {
  VPIPE_DEC_CORRUPT,
  vpipe_dec_done,
  VPIPE_DEC_FAILED,
  VPIPE_DEC_MISMATCH,
  VPIPE_DEC_MSG_DONE,
  VPIPE_DEC_NO_PICTURE,
  VPIPE_DEC_OK,
} from "../../lib/uapi/vpipe_dec.ts";
import type { Log } from "./log.ts";
import { EPIPE, ESTALE, Outgoing } from "./messages.ts";

const STATUS_WORDS = new Map([
  [VPIPE_DEC_OK, "ok"],
  [VPIPE_DEC_CORRUPT, "corrupt"],
  [VPIPE_DEC_MISMATCH, "mismatch"],
  [VPIPE_DEC_NO_PICTURE, "no-picture"],
  [VPIPE_DEC_FAILED, "failed"],
]);

const MAX_U32 = 0xffff_ffff;

/** Of a buffer without a picture. */
export const NO_SIZES: readonly number[] = [];

/**
 * Says what a CAPTURE buffer holds.
 *
 * @param sizes of each plane that it has, in bytes
 */
export function setBytesused(
  view: { bytesused0: number; bytesused1: number; bytesused2: number },
  sizes: readonly number[],
): void {
  view.bytesused0 = sizes.length > 0 ? sizes[0] : 0;
  view.bytesused1 = sizes.length > 1 ? sizes[1] : 0;
  view.bytesused2 = sizes.length > 2 ? sizes[2] : 0;
}

/** Answers the DECODEs of one stream. */
export class Answers {
  readonly #log: Log;
  readonly #stream: number;
  readonly #done: Outgoing<typeof vpipe_dec_done.fields>;
  readonly #counts = new Uint32Array(STATUS_WORDS.size);
  #tookBack = 0;
  #complained = false;
  /** Of the frame in work, where frames are traced. */
  #codec = "none";
  #bytes = 0;
  #begunNs = 0;

  /** @param file of the stream with number `stream` */
  constructor(log: Log, stream: number, file: File) {
    this.#log = log;
    this.#stream = stream;
    this.#done = new Outgoing(file, VPIPE_DEC_MSG_DONE, vpipe_dec_done, stream);
  }

  /** Makes the next complaint heard again: there was a START. */
  begin(): void {
    this.#complained = false;
  }

  /** The frame that is answered next is in work from here on: `bytes` of bitstream for `codec`. */
  take(codec: string | undefined, bytes: number): void {
    if (!this.#log.traces) return;
    this.#codec = codec ?? "none";
    this.#bytes = bytes;
    this.#begunNs = monotonicNs();
  }

  /**
   * Answers the DECODE with a cookie of these halves.
   *
   * @param status VPIPE_DEC_OK and so on
   * @param codecNs what the codec library took, in nanoseconds
   * @param sizes bytes that each CAPTURE plane holds now
   * @returns 0, ESTALE or EPIPE, as `Outgoing.offer`
   * @throws {SysError} as `Outgoing.offer`
   */
  done(low: number, high: number, status: number, codecNs: number, sizes = NO_SIZES): number {
    const { view } = this.#done;
    view.status = status;
    view.codec_ns = Math.min(codecNs, MAX_U32);
    setBytesused(view, sizes);
    this.#done.setCookie(low, high);
    const code = this.#done.offer();
    if (code === 0) this.#counts[status]++;
    else if (code === ESTALE) this.#tookBack++;
    if (this.#log.traces) this.#trace(low, high, code, status, codecNs);
    return code;
  }

  #trace(low: number, high: number, code: number, status: number, codecNs: number): void {
    const cookie = String(BigInt(high) << 32n | BigInt(low));
    const took = code === ESTALE ? "took-back" : "over";
    this.#log.trace("frame", {
      stream: this.#stream,
      cookie,
      codec: this.#codec,
      bytes: this.#bytes,
      result: code === 0 ? STATUS_WORDS.get(status)! : took,
      codec_us: Math.round(codecNs / 1000),
      total_us: Math.round((monotonicNs() - this.#begunNs) / 1000),
    });
  }

  /** Logs why a frame failed; once a START, as whoever is the client must not fill the log. */
  complain(error: Error): void {
    const over = error instanceof SysError && error.code === EPIPE;
    if (over || this.#complained) return;
    this.#complained = true;
    this.#log.warning("frame-failed", { stream: this.#stream, reason: error.message });
  }

  /** How many frames came to what. */
  get summary(): Record<string, number> {
    const counts = [...STATUS_WORDS].map(([status, word]) => [word, this.#counts[status]]);
    return { ...Object.fromEntries(counts), "took-back": this.#tookBack };
  }
}
