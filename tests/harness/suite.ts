/**
 * The check suite's harness: runs checks one after the other, tells what each compared, counts.
 *
 * @module
 */
import { closing, type Counts, countsOf, type Group, type Result } from "./results.ts";

/** Why a check did not hold. */
export class CheckFailure extends Error {}

/** Why a check cannot be made on this machine. */
export class Skip extends Error {}

/** Fails the running check unless `condition` holds. */
export function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new CheckFailure(otherwise);
}

/** Fails the running check unless both are the same. */
export function expectEqual<T extends string | number | bigint | boolean | undefined>(
  what: string,
  actual: T,
  expected: T,
): void {
  expect(actual === expected, `${what} is ${actual}, expected ${expected}`);
}

const WORDS = { passed: "ok", failed: "FAILED", skipped: "skipped" } as const;

/** A result as a line for a reader. */
export function readable({ name, state, seconds, text }: Result): string {
  return `${WORDS[state].padEnd(7)} ${seconds.toFixed(1).padStart(5)} s  ${name}: ${text}`;
}

/** Runs checks, and collects the results. */
export class Suite {
  readonly #groups: { readonly name: string; readonly results: Result[] }[] = [];

  constructor(
    /** Whether only what the short set has is checked. */
    readonly short = false,
    /** Told of each result as it comes. */
    private readonly tell: (result: Result) => void = (result) => console.log(readable(result)),
  ) {}

  /** The groups so far, the one that runs included. */
  get groups(): readonly Group[] {
    return this.#groups;
  }

  /** Begins a group: the checks that follow are its own. */
  begin(group: string): void {
    this.#groups.push({ name: group, results: [] });
  }

  /** Runs a group; what ends it between its checks is a failure as well. */
  async group(name: string, run: () => Promise<void>): Promise<void> {
    this.begin(name);
    const start = performance.now();
    try {
      await run();
    } catch (error) {
      const { message, stack } = error as Error;
      this.#end(`${name}: to its end`, start, "failed", stack ?? message);
    }
  }

  #end(name: string, start: number, state: Result["state"], text: string): void {
    const result = { name, state, seconds: (performance.now() - start) / 1000, text };
    this.#groups.at(-1)!.results.push(result);
    this.tell(result);
  }

  /** This, for checks that the short set leaves out; undefined where that is what runs. */
  get whole(): Suite | undefined {
    return this.short ? undefined : this;
  }

  /**
   * Runs one check.
   *
   * @param body returns in words what was compared with what
   */
  async check(name: string, body: () => string | Promise<string>): Promise<void> {
    if (this.#groups.length === 0) this.begin("checks");
    const start = performance.now();
    const end = (state: Result["state"], text: string) => this.#end(name, start, state, text);
    try {
      end("passed", await body());
    } catch (error) {
      const { message, stack } = error as Error;
      if (error instanceof Skip) end("skipped", message);
      else end("failed", error instanceof CheckFailure ? message : stack ?? message);
    }
  }

  get counts(): Counts {
    return countsOf(this.#groups.flatMap(({ results }) => results));
  }

  /** The last line of the suite's output. */
  get closing(): string {
    return closing(this.counts);
  }
}
