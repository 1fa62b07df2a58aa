/**
 * The last rows of a run that goes on.
 *
 * @module
 */
import { isUsed } from "./analysis/recorded_paths.ts";
import type { Rows } from "./analysis/table.ts";

/** Columns of numbers, by name. */
export type Columns = Readonly<Record<string, Float64Array>>;

/** The columns that a report looks at; memory is taken once. */
export class RecentRows implements Rows {
  readonly #columns = new Map<string, Float64Array>();
  readonly #most: number;
  #from = 0;
  #to = 0;

  /**
   * @param columns where rows will come from
   * @param second that times are counted from
   * @param most rows that are kept
   */
  constructor(columns: Columns, readonly second: number, most: number) {
    this.#most = most;
    for (const name of Object.keys(columns).filter(isUsed)) {
      this.#columns.set(name, new Float64Array(2 * most));
    }
  }

  /** Adds the first `rows` of each column, of which there are no more than are kept. */
  add(columns: Columns, rows: number): void {
    const full = this.#to + rows > 2 * this.#most;
    for (const [name, column] of this.#columns) {
      if (full) column.copyWithin(0, this.#from, this.#to);
      column.set(columns[name].subarray(0, rows), full ? this.length : this.#to);
    }
    if (full) [this.#from, this.#to] = [0, this.length];
    this.#to += rows;
    this.#from = Math.max(this.#from, this.#to - this.#most);
  }

  /** Forgets rows whose time is before `ns`. */
  forgetBefore(column: string, ns: number): void {
    const times = this.#columns.get(column)!;
    while (this.#from < this.#to && times[this.#from] < ns) this.#from++;
  }

  get length(): number {
    return this.#to - this.#from;
  }

  numbers(column: string): Float64Array | undefined {
    return this.#columns.get(column)?.subarray(this.#from, this.#to);
  }

  times(column: string): Float64Array | undefined {
    return this.numbers(column);
  }
}
