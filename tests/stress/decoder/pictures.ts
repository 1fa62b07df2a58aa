/**
 * How the daemon inside the test program serves a stateful stream. The first byte of a coded frame says
 * what its picture is like, or that it is damaged.
 *
 * @module
 */
import { constants } from "node:os";
import { SysError } from "../../../lib/sys/errno.ts";
import * as uapi from "../../../lib/uapi/vpipe_dec.ts";
import type { StreamFile } from "./bridge.ts";

const { ESTALE } = constants.errno;
const { VPIPE_DEC_QUEUE_OUTPUT: OUTPUT, VPIPE_DEC_QUEUE_CAPTURE: CAPTURE } = uapi;

const HEIGHT = 48;
const WIDTH_MASK = 3;
const TEN_BITS = 0x80;

/** What is known of the stream that the pictures are of. */
interface Answered {
  readonly file: StreamFile;
  map(queue: number, index: number): Uint8Array;
}

/** Such a frame has no picture. */
export const DAMAGED = 0x40;

/** What a first byte stands for. */
export const sizeOf = (first: number) => ({
  width: 16 * ((first & WIDTH_MASK) + 1),
  height: HEIGHT,
  depth: first & TEN_BITS ? 10 : 8,
});

/** Of a frame's bytes, as a byte. */
export const sumOf = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + byte, 0) & 255;

interface Frame {
  readonly cookie: bigint;
  readonly first: number;
  readonly sum: number;
}

/** From a start of the stream to the next one. */
export class DisplayedPictures {
  readonly #stream: Answered;
  /** Frames whose picture is not out. */
  readonly #frames: Frame[] = [];
  readonly #empty: { readonly cookie: bigint; readonly index: number }[] = [];
  /** First byte of the pictures that the client was told of. */
  #told = -1;
  #drain = 0n;
  /** Pictures that were taken. */
  given = 0;

  constructor(stream: Answered) {
    this.#stream = stream;
  }

  /** Takes note of the message that was read last. */
  hear(): void {
    const { file } = this.#stream;
    const { type, cookie } = file.header;
    if (type === uapi.VPIPE_DEC_MSG_DECODE) this.#frames.push(this.#parse());
    else if (type === uapi.VPIPE_DEC_MSG_DRAIN) this.#drain = cookie;
    else if (type === uapi.VPIPE_DEC_MSG_CAPTURE) this.#empty.length = 0;
    else if (type === uapi.VPIPE_DEC_MSG_EMPTY) {
      this.#empty.push({ cookie, index: uapi.vpipe_dec_empty.at(file.message).index });
    }
  }

  #parse(): Frame {
    const { cookie, output_index, bytesused } = this.#stream.file.frame;
    try {
      const bytes = this.#stream.map(OUTPUT, output_index).subarray(0, bytesused);
      return { cookie, first: bytes[0] ?? DAMAGED, sum: sumOf(bytes) };
    } catch (error) {
      // It has been taken back meanwhile.
      if (!(error instanceof SysError)) throw error;
      return { cookie, first: DAMAGED, sum: 0 };
    }
  }

  /** Does what can be done with what was read; whether that may have more to be read. */
  answer(): boolean {
    const { file } = this.#stream;
    for (let frame; (frame = this.#frames[0]) !== undefined;) {
      const { cookie, first } = frame;
      if (first & DAMAGED) {
        file.done(cookie, { status: uapi.VPIPE_DEC_CORRUPT });
      } else {
        if (this.#told !== first) return this.#tell(frame);
        if (!this.#fill(frame)) return false;
        file.done(cookie);
      }
      this.#frames.shift();
    }
    const drain = this.#drain;
    this.#drain = 0n;
    return drain !== 0n && file.drained(drain) >= 0;
  }

  #tell({ cookie, first }: Frame): boolean {
    if (this.#stream.file.format(cookie, sizeOf(first)) < 0) return false;
    this.#told = first;
    this.#empty.length = 0;
    return true;
  }

  /** Fills the first buffer that the client has not taken back, if there is one. */
  #fill({ cookie: source, sum }: Frame): boolean {
    for (let empty; (empty = this.#empty.shift()) !== undefined;) {
      try {
        const picture = this.#stream.map(CAPTURE, empty.index).fill(sum);
        const values = { source, bytesused0: picture.length };
        const result = this.#stream.file.picture(empty.cookie, values);
        if (result >= 0) this.given++;
        if (result !== -ESTALE) return result >= 0;
      } catch (error) {
        // It is gone; the next one need not be.
        if (!(error instanceof SysError)) throw error;
      }
    }
    return false;
  }
}
