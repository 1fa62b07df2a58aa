/**
 * One limit for all the memory of a decoder.
 *
 * @module
 */

/**
 * Asked before something takes more memory, and told when it takes less.
 *
 * @param bytes of all of it, from now on
 * @returns whether there is so much
 */
export type Allow = (bytes: number) => boolean;

/** Splits what may be taken between parts, each of which only knows of itself. */
export class Allowance {
  readonly #allow: Allow;
  #total = 0;

  constructor(allow: Allow) {
    this.#allow = allow;
  }

  /** For one more part, which has nothing yet. */
  part(): Allow {
    let has = 0;
    return (bytes) => {
      const total = this.#total + bytes - has;
      if (bytes !== has && !this.#allow(total) && bytes > has) return false;
      this.#total = total;
      has = bytes;
      return true;
    };
  }
}
