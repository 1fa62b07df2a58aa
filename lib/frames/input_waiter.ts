/**
 * Waiting for an input that may be a pipe.
 *
 * @module
 */
import { BREATH_MS } from "../cli/stop.ts";
import { monotonicNs } from "../sys/clock.ts";
import { Poller, POLLIN } from "../sys/poll.ts";

/** Waits until there is something to read, and knows for how long it had to. It allocates nothing. */
export class InputWaiter {
  readonly #readable: Poller;
  /** By `monotonicNs`; 0 where nobody waits. */
  #since = 0;
  /** For how long the input had nothing, in ns, in all. */
  waited = 0;

  /** @param file has to stay open */
  constructor(file: { readonly path: string; readonly fd: number }) {
    this.#readable = new Poller(file, POLLIN);
  }

  /**
   * Waits up to a tenth of a second.
   *
   * @returns whether there is something to read, or an end
   * @throws {SysError} as poll(2)
   */
  wait(): boolean {
    let isReady = this.#readable.wait(0) !== 0;
    if (!isReady) {
      this.#since ||= monotonicNs();
      isReady = this.#readable.wait(BREATH_MS) !== 0;
    }
    if (isReady && this.#since !== 0) {
      this.waited += monotonicNs() - this.#since;
      this.#since = 0;
    }
    return isReady;
  }
}
