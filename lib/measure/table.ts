/**
 * The CSV files of a run, by column. They hold no quotes, so lines are split by hand: a general
 * parser takes several times as long for 100 000 rows.
 *
 * @module
 */

/** A file that is no CSV of a run, or holds nothing. */
export class TableError extends Error {
  override name = "TableError";
}

const NUMBER = /^-?\d*(\.\d+)?$/;
const NUMBER_CELL = String.raw`-?\d*(?:\.\d+)?`;

/** Rows of text cells under named columns. */
export class Table {
  /** Names, in the file's order. */
  readonly columns: readonly string[];
  /** Whether the file ends in mid-row; that row is left out. */
  readonly cutOff: boolean;
  /** Rows inside the file that were left out: too short, too long, or text where numbers are. */
  readonly damaged: number;
  readonly #rows: readonly (readonly string[])[];

  /** @throws {TableError} completing `FILE: ...` */
  constructor(text: string) {
    if (text === "") throw new TableError("the file is empty");
    const lines = text.split(/\r?\n/);
    // What follows the last newline is a row that was not written to its end.
    const rest = lines.pop();
    this.cutOff = rest !== "";
    const header = lines.shift();
    if (header === undefined) throw new TableError("ends within its first line");
    this.columns = header.split(",");
    if (!this.columns.every((name) => /^\w+$/.test(name)) || this.columns.length < 2) {
      throw new TableError("not a CSV of a run");
    }
    const rows: string[][] = [];
    let damaged = 0;
    let pattern: RegExp | undefined;
    for (const line of lines) {
      // A row that looks unlike the first was damaged.
      pattern ??= likeRow(line, this.columns.length);
      if (pattern?.test(line)) rows.push(line.split(","));
      else damaged++;
    }
    if (rows.length === 0) throw new TableError("no complete row in it");
    this.#rows = rows;
    this.damaged = damaged;
  }

  /** Count of rows. */
  get length(): number {
    return this.#rows.length;
  }

  has(...columns: readonly string[]): boolean {
    return columns.every((name) => this.columns.includes(name));
  }

  /** A column as it is in the file; undefined where there is no such column. */
  words(column: string): string[] | undefined {
    const at = this.columns.indexOf(column);
    return at < 0 ? undefined : this.#rows.map((row) => row[at]);
  }

  /** A column of counts or durations, NaN where a cell is empty or text. */
  numbers(column: string): Float64Array | undefined {
    return this.#map(column, (cell) => cell === "" ? NaN : Number(cell));
  }

  /** The second in which the first row's `column` lies. */
  second(column: string): number {
    return Number(this.#rows[0][this.columns.indexOf(column)]?.slice(0, -9) ?? 0);
  }

  /**
   * A column of absolute times in ns, given in ns since `second`. Seconds and the nine digits of
   * nanoseconds are subtracted apart: as one number they outgrow 53 bits. NaN for 0, which no clock
   * shows, and where a cell is empty.
   */
  times(column: string, second: number): Float64Array | undefined {
    return this.#map(column, (cell) => {
      if (cell === "0" || cell === "") return NaN;
      return (Number(cell.slice(0, -9)) - second) * 1e9 + Number(cell.slice(-9));
    });
  }

  #map(column: string, value: (cell: string) => number): Float64Array | undefined {
    const at = this.columns.indexOf(column);
    return at < 0 ? undefined : Float64Array.from(this.#rows, (row) => value(row[at]));
  }
}

/** Matches lines with numbers where `line` has them; undefined of a line that is damaged itself. */
function likeRow(line: string, count: number): RegExp | undefined {
  const cells = line.split(",");
  if (cells.length !== count) return undefined;
  return new RegExp(`^${cells.map((c) => NUMBER.test(c) ? NUMBER_CELL : "[^,]*").join(",")}$`);
}
