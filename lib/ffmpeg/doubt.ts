/**
 * Which coded frames refer to others that the decoder never had, and makes up.
 *
 * @module
 */
import type { Access } from "../codec/random_access.ts";

// More frames than there are between one that is decoded and one whose picture comes out.
const FRAMES = 256;

/** The frames of one stream, by the lower half of their pts, which counts them. */
export class Doubt {
  readonly #marks = new Uint8Array(FRAMES);
  /** All that the next frame refers to was there. */
  #whole = false;
  /** Frames were decoded since that is not so. */
  #guessed = false;
  /** So are the leading pictures of the latest random access point. */
  #leading = false;

  /** The decoder has lost all frames so far. */
  lose(): void {
    this.#whole = false;
    this.#guessed = false;
  }

  /** Whether all that the next frame refers to is there. */
  get whole(): boolean {
    return this.#whole;
  }

  /**
   * @param skipped the decoder leaves out what is no random access point
   * @param exact it refers to nothing that is not there
   */
  add(low: number, access: Access, skipped: boolean, exact = false): void {
    if (access === "key" || access === "open") {
      // Without anything before it a decoder leaves leading pictures out.
      this.#leading = access === "open" && !this.#whole && this.#guessed;
      this.#whole = true;
    } else if (access === "other") this.#leading = false;
    const doubtful = !exact && (!this.#whole || (this.#leading && access === "leading"));
    if (exact) this.#guessed = false;
    if (doubtful && !skipped && access !== "none") this.#guessed = true;
    this.#marks[low % FRAMES] = doubtful ? 1 : 0;
  }

  /** Whether a frame refers to what the decoder did not have. */
  has(low: number): boolean {
    return this.#marks[low % FRAMES] === 1;
  }
}
