/**
 * Bits from the most significant on, as headers are written. A value that its field cannot hold is
 * refused: what is written comes from others.
 *
 * @module
 */
import { StreamError } from "../stream_error.ts";

/** Longer than any header: H.264's longest sequence parameter set has some 2200 bytes. */
const CAPACITY = 4096;

/** Writes one header after the other to the same memory. */
export class BitWriter {
  readonly #bytes = new Uint8Array(CAPACITY);
  /** Bits written so far. */
  #position = 0;

  /** The whole bytes that were written, valid until `clear`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#position >> 3);
  }

  /** Begins anew. */
  clear(): void {
    this.#bytes.fill(0, 0, (this.#position + 7) >> 3);
    this.#position = 0;
  }

  /** One bit: f(1), u(1). */
  flag(value: boolean): void {
    if (value) this.#bytes[this.#position >> 3] |= 0x80 >> (this.#position & 7);
    this.#position++;
  }

  /**
   * An unsigned number of `count` bits, 0 to 32: f(n), u(n).
   *
   * @throws {StreamError} it has more bits
   */
  bits(value: number, count: number): void {
    if (!(value >= 0 && value < 2 ** count)) throw new StreamError(`${value} in ${count} bits`);
    for (let bit = count - 1; bit >= 0; bit--) this.flag((value >>> bit & 1) === 1);
  }

  /**
   * A number of `count` bits, at most 32, in two's complement: AV1's su(n).
   *
   * @throws {StreamError} it has more bits
   */
  signed(value: number, count: number): void {
    this.bits(value < 0 ? value + 2 ** count : value, count);
    const most = 2 ** (count - 1);
    if (value < -most || value >= most) throw new StreamError(`${value} in ${count} signed bits`);
  }

  /**
   * One of `count` values, in as few bits as possible: AV1's ns(n).
   *
   * @throws {StreamError} it is none of them
   */
  nonSymmetric(value: number, count: number): void {
    if (!(value >= 0 && value < count)) throw new StreamError(`${value} of ${count} values`);
    const width = 32 - Math.clz32(count);
    const short = 2 ** width - count;
    if (value < short) return this.bits(value, width - 1);
    this.bits((value + short) >> 1, width - 1);
    this.flag(((value + short) & 1) === 1);
  }

  /**
   * Exp-Golomb, unsigned: H.264's ue(v).
   *
   * @param most the largest that the field can have, at most 2^32-2
   * @throws {StreamError} it is above
   */
  exponential(value: number, most: number): void {
    if (!(value >= 0 && value <= most)) throw new StreamError(`${value}; at most ${most} can be`);
    const code = value + 1;
    const zeros = Math.floor(Math.log2(code));
    this.bits(0, zeros);
    this.flag(true);
    this.bits(code - 2 ** zeros, zeros);
  }

  /**
   * Exp-Golomb, signed: H.264's se(v).
   *
   * @throws {StreamError} it is -2^31
   */
  signedExponential(value: number): void {
    this.exponential(value > 0 ? 2 * value - 1 : -2 * value, 2 ** 32 - 2);
  }

  /** Zeros up to the next byte. */
  align(): void {
    this.#position = (this.#position + 7) & ~7;
  }

  /** The bit that ends a header, and zeros behind it. */
  stop(): void {
    this.flag(true);
    this.align();
  }
}
