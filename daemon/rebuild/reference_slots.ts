/**
 * Which frames FFmpeg has as references. A client names its own by timestamp: where these are
 * others, FFmpeg would make another picture than the client means.
 *
 * @module
 */

/** A decoder's reference slots: a timestamp each, in 32-bit words, as what is only compared. */
export class ReferenceSlots {
  readonly #used: Uint8Array;
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;

  constructor(count: number) {
    this.#used = new Uint8Array(count);
    this.#low = new Uint32Array(count);
    this.#high = new Uint32Array(count);
  }

  /** Whether a slot has the frame of a timestamp. */
  holds(slot: number, low: number, high: number): boolean {
    return this.#used[slot] === 1 && this.#low[slot] === low && this.#high[slot] === high;
  }

  isEmpty(slot: number): boolean {
    return this.#used[slot] === 0;
  }

  put(slot: number, low: number, high: number): void {
    this.#used[slot] = 1;
    this.#low[slot] = low;
    this.#high[slot] = high;
  }

  copy(from: number, to: number): void {
    this.#used[to] = this.#used[from];
    this.#low[to] = this.#low[from];
    this.#high[to] = this.#high[from];
  }

  /** Forgets a frame, wherever it is: there is none to refer to. */
  drop(low: number, high: number): void {
    for (let slot = 0; slot < this.#used.length; slot++) {
      if (this.holds(slot, low, high)) this.#used[slot] = 0;
    }
  }

  /** Forgets all frames. */
  clear(): void {
    this.#used.fill(0);
  }
}
