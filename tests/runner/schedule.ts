/**
 * Which step is next: the one with the longest way behind it, so that no long one begins last.
 *
 * @module
 */
import type { State } from "../harness/results.ts";
import type { Step } from "./steps.ts";

type Steps = Readonly<Record<string, Step>>;

/** These steps and all that they need, in the table's order. */
export function withNeeds(steps: Steps, names: readonly string[]): string[] {
  const wanted = new Set<string>();
  const want = (name: string) => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const need of steps[name].needs) want(need);
  };
  for (const name of names) want(name);
  return Object.keys(steps).filter((name) => wanted.has(name));
}

/** What runs side by side. */
export interface Room {
  readonly steps: number;
  readonly guests: number;
}

/** Steps that wait, run and are over. */
export class Schedule {
  readonly #waiting: Set<string>;
  readonly #running = new Set<string>();
  readonly #over = new Map<string, State>();
  readonly #behind = new Map<string, number>();

  constructor(
    private readonly steps: Steps,
    names: readonly string[],
    private readonly room: Room,
  ) {
    this.#waiting = new Set(names);
  }

  /** Seconds from a step's beginning to the end of the longest chain that begins with it. */
  behind(name: string): number {
    const known = this.#behind.get(name);
    if (known !== undefined) return known;
    const next = [...this.#waiting].filter((other) => this.steps[other].needs.includes(name));
    const seconds = this.steps[name].seconds +
      Math.max(0, ...next.map((other) => this.behind(other)));
    this.#behind.set(name, seconds);
    return seconds;
  }

  /** A step that cannot be run any more, as what it needs failed or was skipped. */
  nextLost(): { name: string; need: string; state: State } | undefined {
    for (const name of this.#waiting) {
      for (const need of this.steps[name].needs) {
        const state = this.#over.get(need);
        if (state !== undefined && state !== "passed") return { name, need, state };
      }
    }
    return undefined;
  }

  /** A step to begin now; undefined where there is no room for another, or none is ready. */
  next(): string | undefined {
    if (this.#running.size >= this.room.steps) return undefined;
    const guests = [...this.#running].filter((name) => this.steps[name].guest).length;
    const ready = [...this.#waiting].filter((name) =>
      this.steps[name].needs.every((need) => this.#over.get(need) === "passed") &&
      (!this.steps[name].guest || guests < this.room.guests)
    );
    return ready.reduce<string | undefined>(
      (best, name) => best === undefined || this.behind(name) > this.behind(best) ? name : best,
      undefined,
    );
  }

  begin(name: string): void {
    this.behind(name);
    this.#waiting.delete(name);
    this.#running.add(name);
  }

  end(name: string, state: State): void {
    this.#waiting.delete(name);
    this.#running.delete(name);
    this.#over.set(name, state);
  }
}
