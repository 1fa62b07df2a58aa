/**
 * The loop: an input that runs new code is kept, and changed further.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { Random } from "../harness/random.ts";
import type { Coverage } from "./coverage.ts";
import { mutate } from "./mutator.ts";

type Bytes = Uint8Array<ArrayBuffer>;

// Of the processor for an input; the longest take some milliseconds. Others may have the processor.
const SLOW_MS = 2000;

function processorMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

/** What reads bytes from outside. */
export interface Target {
  readonly name: string;
  /** A module that does, or the folder of such, from the project's folder. */
  readonly reads: string;
  /** Inputs to begin with. */
  readonly seeds: readonly Bytes[];
  /** Reads an input; throws only where it must not. */
  run(input: Bytes): void;
}

/** An input that must not be, and what it did. */
export interface Find {
  readonly input: Bytes;
  readonly error: Error;
}

/** Tries inputs on one target. */
export class Fuzzer {
  readonly #target: Target;
  readonly #coverage: Coverage;
  readonly #random: Random;
  /** Inputs that are kept, in the order in which they were tried. */
  readonly corpus: Bytes[] = [];
  #next = 0;
  /** Inputs tried so far. */
  runs = 0;

  constructor(target: Target, coverage: Coverage, seed: number) {
    this.#target = target;
    this.#coverage = coverage;
    this.#random = new Random(seed);
  }

  /** Whether it is through with what there was to begin with. */
  get begun(): boolean {
    return this.#next === this.#target.seeds.length;
  }

  /** Tries the next input. */
  async step(): Promise<Find | undefined> {
    const { seeds } = this.#target;
    const random = this.#random;
    let input: Bytes;
    if (this.#next < seeds.length) input = seeds[this.#next++];
    else {
      // The newest are the most promising.
      const newest = this.corpus.slice(-8);
      const from = random.pick(random.chance(0.5) ? newest : this.corpus);
      input = mutate(random, from, random.pick(this.corpus));
    }
    this.runs++;
    const begin = processorMs();
    try {
      this.#target.run(input);
    } catch (error) {
      return { input, error: error as Error };
    }
    const taken = processorMs() - begin;
    if (taken > SLOW_MS) {
      return { input, error: new Error(`took ${Math.round(taken)} ms of the processor`) };
    }
    if (await this.#coverage.take() || this.corpus.length === 0) this.corpus.push(input);
    return undefined;
  }
}
