/**
 * Ending early and in order: a signal asks a loop to stop, the loop ends its stream and writes its
 * rows, the tool exits with 128 + the signal's number.
 *
 * @module
 */
import { readFile } from "../files/files.ts";

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

type Signal = keyof typeof NUMBERS;

/**
 * Remembers the first signal that asked the program to end. It begins to listen when it is first asked:
 * until then, and in a tool that has no loop, a signal ends the program at once, as it should.
 */
export class StopRequest implements Disposable {
  #signal: Signal | undefined;
  #listeners: readonly (readonly [Signal, () => void])[] | undefined;

  /** From here on signals are heard. Those that were ignored at the start stay so: `nohup` and `&`. */
  listen(): void {
    if (this.#listeners !== undefined) return;
    const ignored = ignoredSignals();
    this.#listeners = (Object.keys(NUMBERS) as Signal[])
      .filter((signal) => !(ignored >> BigInt(NUMBERS[signal] - 1) & 1n))
      .map((signal) => {
        const listener = () => void (this.#signal ??= signal);
        Deno.addSignalListener(signal, listener);
        return [signal, listener] as const;
      });
  }

  /** Whether to end now. Handlers run only in the event loop: a loop has to `breathe`. */
  get requested(): boolean {
    if (this.#listeners === undefined) this.listen();
    return this.#signal !== undefined;
  }

  /** 130 after SIGINT, 143 after SIGTERM, 129 after SIGHUP, 0 without. */
  get status(): number {
    return this.#signal === undefined ? 0 : 128 + NUMBERS[this.#signal];
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners ?? []) {
      Deno.removeSignalListener(signal, listener);
    }
  }
}

/** The signals that this process ignores, signal 1 in bit 0: from its /proc/self/status. */
function ignoredSignals(): bigint {
  const status = new TextDecoder().decode(readFile("/proc/self/status"));
  const [, mask] = /^SigIgn:\s*([\da-f]+)$/m.exec(status) ?? [];
  return mask === undefined ? 0n : BigInt(`0x${mask}`);
}

/** How long a loop may block the event loop, and signals with it, in milliseconds. */
export const BREATH_MS = 100;

/** Lets the event loop turn once, so that signal handlers run. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
