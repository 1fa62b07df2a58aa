/**
 * Waiting for a process that works. A machine with load takes several times as long for the same work,
 * so what is bounded is how long a process stands still, by the processor time that it has had.
 *
 * @module
 */

/** Of its `seconds` a process that works on and on without an end has so many times as many. */
const ENDLESS = 10;

/** Fields of /proc/PID/stat behind the name, which may have anything in it: utime, stime. */
const USER = 11;
const SYSTEM = 12;

/** Processor time of a process, or of this thread, in ticks of the kernel; undefined where it is gone. */
export function processorTicks(pid: number | "thread-self"): number | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[USER]) + Number(fields[SYSTEM]);
  } catch {
    return undefined;
  }
}

/** Whether what should not stand still does. */
export class Patience {
  readonly #ms: number;
  readonly #begun = performance.now();
  #since = this.#begun;
  #last: number | undefined;

  /**
   * @param seconds of standing still that are too many
   * @param progress a number that is another one whenever something was done
   */
  constructor(readonly seconds: number, readonly progress: () => number | undefined) {
    this.#ms = seconds * 1000;
  }

  /** Patience with a process. */
  static with(pid: number, seconds: number): Patience {
    return new Patience(seconds, () => processorTicks(pid));
  }

  /** To be asked every now and then. */
  get isOver(): boolean {
    const now = performance.now();
    const progress = this.progress();
    if (progress !== this.#last) this.#since = now;
    this.#last = progress;
    return now - this.#since > this.#ms || now - this.#begun > ENDLESS * this.#ms;
  }

  /** Calls this as soon as it is over, unless the result is disposed of before. */
  orElse(act: () => void, everyMs = 250): Disposable {
    const timer = setInterval(() => {
      if (!this.isOver) return;
      clearInterval(timer);
      act();
    }, everyMs);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }
}
