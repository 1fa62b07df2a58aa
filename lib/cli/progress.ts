/**
 * A progress line on stderr, where that is a terminal.
 *
 * @module
 */

const encoder = new TextEncoder();
const CLEAR = "\r\x1b[K";

/** Shows `tool: 120/600 frames`, at most ten times a second. */
export class Progress implements Disposable {
  readonly #shown: boolean;
  #next = 0;

  /**
   * @param total Infinity where it is not known
   * @param quiet show nothing
   */
  constructor(
    readonly tool: string,
    readonly total: number,
    readonly unit: string,
    quiet: boolean,
  ) {
    this.#shown = !quiet && Deno.stderr.isTerminal();
  }

  /** Call it where the loop breathes, not for each frame. */
  update(done: number): void {
    if (!this.#shown) return;
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = now + 100;
    const of = this.total === Infinity ? "" : `/${this.total}`;
    Deno.stderr.writeSync(encoder.encode(`${CLEAR}${this.tool}: ${done}${of} ${this.unit}`));
  }

  /** Takes the line away. */
  [Symbol.dispose](): void {
    if (this.#shown && this.#next !== 0) Deno.stderr.writeSync(encoder.encode(CLEAR));
  }
}
