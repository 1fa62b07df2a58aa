/**
 * A coded frame that is put together from parts.
 *
 * @module
 */
import type { Allow } from "../../lib/ffmpeg/allowance.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";

const FIRST_CAPACITY = 64 * 1024;
/** What one picture may take, whatever its parts add up to. */
const LIMIT = 64 * 1024 * 1024;

/** Memory that grows with the longest frame, and is used for each. */
export class Assembly implements Disposable {
  readonly #allow: Allow | undefined;
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #pointer = Deno.UnsafePointer.of(this.#bytes)!;
  #size = 0;

  /** @param allow asked for memory for long frames */
  constructor(allow?: Allow) {
    this.#allow = allow;
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** Where it begins, valid until more is added. */
  get pointer(): Deno.PointerObject {
    return this.#pointer;
  }

  /** What is there, valid until more is added. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#size);
  }

  /** Begins anew. */
  clear(): void {
    this.#size = 0;
  }

  /** @returns whether there may be memory for a part of so many bytes */
  reserve(length: number): boolean {
    const capacity = this.#capacityFor(Math.min(this.#size + length, LIMIT));
    return capacity === this.#bytes.length || (this.#allow?.(capacity) ?? true);
  }

  #capacityFor(size: number): number {
    let capacity = this.#bytes.length;
    while (capacity < size) capacity *= 2;
    return capacity;
  }

  /**
   * @throws {StreamError} it becomes longer than a picture may be
   * @throws {Error} there may be no memory for it
   */
  add(part: Uint8Array): void {
    const size = this.#size + part.length;
    if (size > LIMIT) throw new StreamError(`a picture of more than ${LIMIT} bytes`);
    if (size > this.#bytes.length) this.#grow(part.length);
    this.#bytes.set(part, this.#size);
    this.#size = size;
  }

  #grow(length: number): void {
    if (!this.reserve(length)) throw new Error("no memory for a picture's parts");
    const capacity = this.#capacityFor(this.#size + length);
    // What there was is freed at once.
    this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(capacity));
    this.#pointer = Deno.UnsafePointer.of(this.#bytes)!;
  }

  [Symbol.dispose](): void {
    this.clear();
    this.#allow?.(0);
  }
}
