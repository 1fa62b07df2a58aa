/**
 * Bits from the most significant on, as all these codecs write their headers.
 *
 * @module
 */
import { StreamError } from "../stream_error.ts";

/** Reads bits, and never past the end. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #next = 0;
  #byte = 0;
  #left = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes begun so far. */
  get bytesRead(): number {
    return this.#next;
  }

  /** Bits read so far, with bytes that were passed over. */
  get position(): number {
    return 8 * this.#next - this.#left;
  }

  /**
   * The next byte.
   *
   * @throws {StreamError} after the last one
   */
  protected nextByte(): number {
    if (this.#next >= this.#bytes.length) throw new StreamError("the header is cut off");
    return this.#bytes[this.#next++];
  }

  /** One bit: f(1), u(1). */
  bit(): number {
    if (this.#left === 0) {
      this.#byte = this.nextByte();
      this.#left = 8;
    }
    this.#left--;
    return (this.#byte >> this.#left) & 1;
  }

  /** One bit as a truth value. */
  flag(): boolean {
    return this.bit() === 1;
  }

  /** An unsigned number of `count` bits, 0 to 32: f(n), u(n). */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  /** A magnitude of `count` bits and a sign after it: VP9's su(n). */
  signed(count: number): number {
    const value = this.bits(count);
    return this.flag() ? -value : value;
  }

  /** Exp-Golomb, unsigned, 0 to 2^32-2: H.264's ue(v), AV1's uvlc(). */
  exponential(): number {
    let zeros = 0;
    while (!this.flag()) {
      if (++zeros === 32) throw new StreamError("a number of more than 32 bits");
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** Exp-Golomb, signed: H.264's se(v). */
  signedExponential(): number {
    const code = this.exponential();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }
}
