/**
 * What of this project's code ran, as V8 counts it.
 *
 * @module
 */
import { Session } from "node:inspector/promises";

// Of inspector_protocol's Profiler domain, as much as is looked at.
interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}
interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/** Counts of a block that make a difference: 1, 2, 3, 4 to 7, 8 to 15 and so on. */
const bucket = (count: number) => count < 4 ? count : 34 - Math.clz32(count);

/** Tells new paths through the code. Modules have to be imported after `begin`. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();
  #timer: number | undefined;
  readonly #matches: (url: string) => boolean;

  /** @param matches whether a module counts */
  constructor(matches: (url: string) => boolean) {
    this.#matches = matches;
  }

  /** Blocks and counts seen so far. */
  get size(): number {
    return this.#seen.size;
  }

  /** Has V8 count. */
  async begin(): Promise<void> {
    // An answer of the session does not wake Deno up.
    this.#timer = setInterval(() => {}, 1);
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    const precise = { callCount: true, detailed: true };
    await this.#session.post("Profiler.startPreciseCoverage", precise);
  }

  /** Takes in what ran since the last call; says whether something ran that never did before. */
  async take(): Promise<boolean> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage") as {
      result: readonly Script[];
    };
    const before = this.#seen.size;
    for (const { url, functions } of result) {
      if (!this.#matches(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) this.#seen.add(`${url}:${startOffset}:${endOffset}:${bucket(count)}`);
        }
      }
    }
    return this.#seen.size > before;
  }

  /** Whether anything ran of a module, or of those in a folder. */
  saw(root: string): boolean {
    return this.#seen.values().some((block) => block.startsWith(root));
  }

  end(): void {
    clearInterval(this.#timer);
    this.#session.disconnect();
  }
}
