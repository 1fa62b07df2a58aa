/**
 * Pictures out of decoding order into display order.
 *
 * @module
 */

const NONE = -1;
const LOST = -2;

/** Pictures, by their number, until their turn. Allocates nothing per picture. */
export class DisplayOrder {
  readonly #slots: Int32Array;
  #next: number;
  #held = 0;

  /**
   * @param first place of the first picture
   * @param span places between the next one and the furthest that may come before it, at most
   */
  constructor(first: number, span: number) {
    this.#slots = new Int32Array(span).fill(NONE);
    this.#next = first;
  }

  /** Place of the picture that `take` gave last. */
  get taken(): number {
    return this.#next - 1;
  }

  /** Pictures that wait. */
  get held(): number {
    return this.#held;
  }

  /**
   * A picture is there.
   *
   * @param place in display order
   * @param picture its number, from 0
   * @throws {RangeError} for a place that was passed or is out of reach
   */
  put(place: number, picture: number): void {
    this.#set(place, picture);
    this.#held++;
  }

  /** There will be none: those behind it need not wait. */
  lose(place: number): void {
    this.#set(place, LOST);
  }

  #set(place: number, value: number): void {
    const ahead = place - this.#next;
    if (!(ahead >= 0 && ahead < this.#slots.length)) {
      throw new RangeError(`picture ${place} of display order comes when ${this.#next} is next`);
    }
    this.#slots[place % this.#slots.length] = value;
  }

  /**
   * The next picture, if it is there.
   *
   * @param late whether those before it will not come any more
   * @returns its number, or -1
   */
  take(late = false): number {
    for (;;) {
      const at = this.#next % this.#slots.length;
      const picture = this.#slots[at];
      if (picture === NONE && !(late && this.#held > 0)) return NONE;
      this.#slots[at] = NONE;
      this.#next++;
      if (picture >= 0) {
        this.#held--;
        return picture;
      }
    }
  }
}
