/**
 * What a stream's pictures were, in one number.
 *
 * @module
 */
import type { Packer, Planes } from "../../lib/ffmpeg/packer.ts";

/** CRC-32 of all pictures that a stream's client got, one after the other: see `Packer.crc32`. */
export class Digest {
  #value = 0;
  #next = 0;

  /** Takes in a packed picture that is about to be handed over. */
  take(packer: Packer, picture: Planes): void {
    this.#next = packer.crc32(this.#value, picture);
  }

  /** That picture was handed over; one that was not is forgotten. */
  keep(): void {
    this.#value = this.#next;
  }

  /** In hexadecimal, eight digits. */
  get text(): string {
    return this.#value.toString(16).padStart(8, "0");
  }
}
