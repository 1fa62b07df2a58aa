/**
 * Random numbers that a seed determines, so that a failed run can be repeated.
 *
 * @module
 */

/** splitmix32: any seed will do, and consecutive ones give unrelated sequences. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 random bits. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /** A whole number from 0 to `end - 1`. */
  below(end: number): number {
    return this.next() % end;
  }

  /** A whole number from `first` to `last`. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean {
    return this.next() < probability * 0x1_0000_0000;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  /** The same elements in another order. */
  shuffle<T>(from: readonly T[]): T[] {
    const elements = [...from];
    for (let i = elements.length - 1; i > 0; i--) {
      const other = this.below(i + 1);
      [elements[i], elements[other]] = [elements[other], elements[i]];
    }
    return elements;
  }
}
