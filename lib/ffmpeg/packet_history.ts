/**
 * The coded frames from which a decoder comes to where it is.
 *
 * @module
 */
import type { Allow } from "./allowance.ts";
import type { Access } from "../codec/random_access.ts";

const FIRST_CAPACITY = 1 << 20;
const MAX_BYTES = 32 << 20;
const MAX_PACKETS = 600;

/**
 * Copies of all coded frames since the latest one at which decoding may begin. Where these are more
 * than 600, or 32 MiB, or there is no memory for them, it has none until the next such frame.
 */
export class PacketHistory implements Disposable {
  readonly #allow: Allow | undefined;
  #bytes = new Uint8Array(FIRST_CAPACITY);
  readonly #ends = new Uint32Array(MAX_PACKETS);
  #length = 0;
  /** Whether `#ends` begins with a frame at which decoding may begin. */
  #whole = false;
  /** An open random access point that may still have leading pictures; -1 where there is none. */
  #open = -1;

  /** @param allow asked for memory for many, or long ones */
  constructor(allow?: Allow) {
    this.#allow = allow;
  }

  /** Coded frames, from the one at which decoding may begin. */
  get length(): number {
    return this.#length;
  }

  /** The coded frame at `index`, valid until the next `add`. */
  at(index: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#begin(index), this.#ends[index]);
  }

  #begin(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1];
  }

  /** Adds the next coded frame. */
  add(packet: Uint8Array, access: Access): void {
    if (access === "key") this.clear();
    // No more leading pictures: those before it are of no use now.
    else if (access !== "leading" && access !== "none" && this.#open > 0) this.#drop(this.#open);
    if (access === "open") this.#open = this.#length;
    else if (access === "other") this.#open = -1;
    this.#whole ||= access === "key" || access === "open";
    if (this.#whole && !this.#append(packet)) this.clear();
  }

  /** @returns whether it fits */
  #append(packet: Uint8Array): boolean {
    const begin = this.#begin(this.#length);
    const end = begin + packet.length;
    if (this.#length === MAX_PACKETS || end > MAX_BYTES) return false;
    if (end > this.#bytes.length && !this.#grow(end)) return false;
    this.#bytes.set(packet, begin);
    this.#ends[this.#length++] = end;
    return true;
  }

  #grow(size: number): boolean {
    let capacity = this.#bytes.length;
    while (capacity < size) capacity *= 2;
    if (this.#allow?.(capacity) === false) return false;
    // What there was is freed at once.
    this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(capacity));
    return true;
  }

  /** Forgets the first `count` frames. */
  #drop(count: number): void {
    const begin = this.#begin(count);
    this.#bytes.copyWithin(0, begin, this.#begin(this.#length));
    for (let i = count; i < this.#length; i++) this.#ends[i - count] = this.#ends[i] - begin;
    this.#length -= count;
    this.#open = -1;
  }

  /** Forgets all. */
  clear(): void {
    this.#length = 0;
    this.#whole = false;
    this.#open = -1;
  }

  [Symbol.dispose](): void {
    this.clear();
    this.#allow?.(0);
  }
}
