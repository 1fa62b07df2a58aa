/**
 * Ending early and in order: a signal asks a loop to stop, the loop ends its stream and writes its
 * rows, the tool exits with 128 + the signal's number.
 *
 * @module
 */

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Remembers the first signal that asked the program to end. */
export class StopRequest implements Disposable {
  #signal: keyof typeof NUMBERS | undefined;
  readonly #listeners: (readonly [keyof typeof NUMBERS, () => void])[];

  constructor() {
    this.#listeners = (Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]).map((signal) => {
      const listener = () => void (this.#signal ??= signal);
      Deno.addSignalListener(signal, listener);
      return [signal, listener] as const;
    });
  }

  /** Whether to end now. Handlers run only in the event loop: a loop has to `breathe`. */
  get requested(): boolean {
    return this.#signal !== undefined;
  }

  /** 130 after SIGINT, 143 after SIGTERM, 129 after SIGHUP, 0 without. */
  get status(): number {
    return this.#signal === undefined ? 0 : 128 + NUMBERS[this.#signal];
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}

/** How long a loop may block the event loop, and signals with it, in milliseconds. */
export const BREATH_MS = 100;

/** Lets the event loop turn once, so that signal handlers run. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
