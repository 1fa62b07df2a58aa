/**
 * Messages that wait for their turn.
 *
 * @module
 */
import { ProtocolError } from "./messages.ts";

// Two halves of a cookie, two values.
const WORDS = 4;

/** A ring of messages: of each its cookie and two numbers. It allocates nothing once it is made. */
export class Waiting {
  readonly #capacity: number;
  readonly #words: Uint32Array;
  /** Of the oldest one, in `#words`. */
  #at = 0;
  #length = 0;

  /** @param capacity how many messages may wait by vpipe-dec.h */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#words = new Uint32Array(capacity * WORDS);
  }

  get length(): number {
    return this.#length;
  }

  /** The lower half of the oldest one's cookie. */
  get cookieLow(): number {
    return this.#words[this.#at];
  }
  /** The upper half of it. */
  get cookieHigh(): number {
    return this.#words[this.#at + 1];
  }
  /** The oldest one's buffer. */
  get index(): number {
    return this.#words[this.#at + 2];
  }
  /** The oldest one's bytes in use. */
  get size(): number {
    return this.#words[this.#at + 3];
  }

  /** @throws {ProtocolError} more wait than there can be */
  push(low: number, high: number, index: number, size: number): void {
    if (this.#length === this.#capacity) {
      throw new ProtocolError(`more than ${this.#capacity} messages of a kind wait`);
    }
    const words = this.#words;
    const at = (this.#at + this.#length * WORDS) % words.length;
    words[at] = low;
    words[at + 1] = high;
    words[at + 2] = index;
    words[at + 3] = size;
    this.#length++;
  }

  /** The newest one's buffer; there has to be one. */
  get newestIndex(): number {
    const newest = this.#at + (this.#length - 1) * WORDS;
    return this.#words[newest % this.#words.length + 2];
  }

  /** Takes the newest one out. */
  pop(): void {
    this.#length--;
  }

  /** Takes the oldest one out. */
  shift(): void {
    this.#at = (this.#at + WORDS) % this.#words.length;
    this.#length--;
  }

  clear(): void {
    this.#length = 0;
  }
}
