/**
 * A progress line on stderr, where that is a terminal.
 *
 * @module
 */

import { ReaderQueue } from "../files/reader_queue.ts";
import { SysError } from "../sys/errno.ts";
import { STREAMS } from "./say.ts";

const encoder = new TextEncoder();
const CLEAR = "\r\x1b[K";

/**
 * Shows `tool: 120/600 frames`, at most ten times a second. No run waits or ends for it: a terminal
 * that stands still is left out, one that is gone for good.
 */
export class Progress implements Disposable {
  readonly #terminal = ReaderQueue.of("stderr", STREAMS.stderr);
  #shown: boolean;
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
    this.#write(`${CLEAR}${this.tool}: ${done}${of} ${this.unit}`);
  }

  /** Takes the line away. */
  [Symbol.dispose](): void {
    if (this.#next !== 0) this.#write(CLEAR);
  }

  #write(text: string): void {
    if (!this.#shown) return;
    try {
      this.#terminal.push();
      if (this.#terminal.bytes === 0) this.#terminal.append(new Uint8Array(encoder.encode(text)));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#shown = false;
    }
  }
}
