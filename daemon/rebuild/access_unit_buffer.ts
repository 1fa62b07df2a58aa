/**
 * A coded frame that is put together from parts.
 *
 * @module
 */
import { StreamError } from "../../lib/codec/stream_error.ts";

const FIRST_CAPACITY = 64 * 1024;
/** What one picture may take, whatever its parts add up to. */
const LIMIT = 64 * 1024 * 1024;

/** Memory that grows with the longest frame, and is used for each. */
export class Assembly {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #pointer = Deno.UnsafePointer.of(this.#bytes)!;
  #size = 0;

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

  /** @throws {StreamError} it becomes longer than a picture may be */
  add(part: Uint8Array): void {
    const size = this.#size + part.length;
    if (size > LIMIT) throw new StreamError(`a picture of more than ${LIMIT} bytes`);
    if (size > this.#bytes.length) this.#grow(size);
    this.#bytes.set(part, this.#size);
    this.#size = size;
  }

  #grow(size: number): void {
    let capacity = this.#bytes.length;
    while (capacity < size) capacity *= 2;
    const bytes = new Uint8Array(capacity);
    bytes.set(this.bytes);
    this.#bytes = bytes;
    this.#pointer = Deno.UnsafePointer.of(bytes)!;
  }
}
