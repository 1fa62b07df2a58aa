/**
 * The CSV files of a run, by column. They hold no quotes and may be larger than memory, so they are
 * read in pieces, by hand, into one typed array a column.
 *
 * @module
 */
import { cellsOf, type WholeNumbers } from "./columns.ts";

/** A file that is no CSV of a run, or holds nothing. */
export class TableError extends Error {
  override name = "TableError";
}

/** Numbers of one column; whole ones of 32 bits take half the room. */
export type Numbers = Float64Array | Int32Array;

/** Why a row is left out, for whoever counts them. */
export const UNLIKE_FIRST = "not like the first";
export const WITHOUT_DIGITS = "with a time that lacks digits, as a spreadsheet saves it";
export const IMPOSSIBLE = "with a number or time that cannot be";
export const ANOTHER_RUN = "of another run behind this one";

const NUMBER = /^-?\d*(\.\d+)?$/;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

const CHUNK = 1 << 16;

/** Of a kernel's time: 63 bits of ns. */
const MOST_DIGITS = 19;
const MOST_SECONDS = 9_223_372_036;
/** No frame lasts as long; beyond 104 days a difference has no whole ns. */
const FAR_SECONDS = 9_000_000;

type Kind = "number" | "time" | "word" | "unused";

/** One column while it grows, in chunks: of an array that is doubled the old one would stay as garbage. */
class Growing {
  readonly #full: Numbers[] = [];
  #chunk: Numbers = new Int32Array(CHUNK);
  #length = 0;

  /** @param kind what its cells are */
  constructor(readonly kind: Kind) {
    if (kind === "time") this.#chunk = new Float64Array(CHUNK);
  }

  add(value: number): void {
    if (this.#length === CHUNK) {
      this.#full.push(this.#chunk);
      this.#chunk = this.kind === "time" ? new Float64Array(CHUNK) : new Int32Array(CHUNK);
      this.#length = 0;
    }
    // -0 and NaN are none of 32 bits either.
    if (this.#chunk instanceof Int32Array && !Object.is(value | 0, value)) {
      this.#chunk = Float64Array.from(this.#chunk);
    }
    this.#chunk[this.#length++] = value;
  }

  /** All of it; the chunks are let go on the way. */
  whole(): Numbers {
    this.#full.push(this.#chunk.subarray(0, this.#length));
    const length = this.#full.reduce((sum, chunk) => sum + chunk.length, 0);
    const small = this.#full.every((chunk) => chunk instanceof Int32Array);
    const all = small ? new Int32Array(length) : new Float64Array(length);
    let at = length;
    for (let chunk = this.#full.pop(); chunk !== undefined; chunk = this.#full.pop()) {
      at -= chunk.length;
      all.set(chunk, at);
    }
    return all;
  }
}

/** Words of one column, each kept once. */
class Words {
  readonly list: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #decoder = new TextDecoder();
  /** The last word as it is in the file: most often the next one is the same. */
  #last = new Uint8Array();
  #lastNumber = -1;

  number(bytes: Uint8Array, from: number, to: number): number {
    const last = this.#last;
    let same = this.#lastNumber >= 0 && last.length === to - from;
    for (let i = 0; same && i < last.length; i++) same = last[i] === bytes[from + i];
    if (same) return this.#lastNumber;
    this.#last = bytes.slice(from, to);
    const word = this.#decoder.decode(this.#last);
    let number = this.#numbers.get(word);
    if (number === undefined) {
      number = this.list.push(word) - 1;
      this.#numbers.set(word, number);
    }
    return this.#lastNumber = number;
  }
}

/** Rows under named columns. */
export class Table {
  /** Names, in the file's order. */
  readonly columns: readonly string[];
  /** Whether the file ends in mid-row; that row is left out. */
  readonly cutOff: boolean;
  /** The whole second that the columns of times are counted from, unless asked otherwise. */
  readonly second: number;
  /** Rows inside the file that were left out, by why. */
  readonly damage: ReadonlyMap<string, number>;
  readonly #damage = new Map<string, number>();
  readonly #data = new Map<string, Numbers>();
  readonly #words = new Map<string, readonly string[]>();
  #length = 0;

  /**
   * @param content all of the file, or its pieces one after the other; of these nothing is kept
   * @param wanted whether a column will be asked for; all of them if left out
   * @throws {TableError} completing `FILE: ...`
   */
  constructor(
    content: string | Iterable<Uint8Array>,
    wanted: (column: string) => boolean = () => true,
  ) {
    const pieces = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
    const reader = new Reader(wanted);
    let size = 0;
    for (const piece of pieces) {
      size += piece.length;
      reader.take(piece);
    }
    if (size === 0) throw new TableError("the file is empty");
    if (reader.columns === undefined) throw new TableError("ends within its first line");
    this.columns = reader.columns;
    this.cutOff = reader.hasRest;
    this.damage = this.#damage;
    for (const [why, rows] of reader.damage) if (rows > 0) this.#damage.set(why, rows);
    this.#length = reader.length;
    if (this.#length === 0) this.#refuse();
    this.second = reader.second;
    reader.growing.forEach((column, i) => {
      const name = this.columns[i];
      if (column.kind === "unused") return;
      this.#data.set(name, column.whole());
      if (column.kind === "word") this.#words.set(name, reader.words[i].list);
    });
  }

  #refuse(): never {
    throw new TableError(["no complete row in it", ...describeDamage(this.damage)].join(": "));
  }

  /** Count of rows. */
  get length(): number {
    return this.#length;
  }

  /** Count of rows that were left out. */
  get damaged(): number {
    return [...this.#damage.values()].reduce((sum, rows) => sum + rows, 0);
  }

  has(...columns: readonly string[]): boolean {
    return columns.every((name) => this.columns.includes(name));
  }

  /** A cell of a column of words as it is in the file; undefined where there is no such column. */
  word(column: string, row: number): string | undefined {
    const number = this.#data.get(column)?.[row];
    return number === undefined ? undefined : this.#words.get(column)?.[number] ?? String(number);
  }

  /** All of them. */
  words(column: string): string[] | undefined {
    if (!this.#data.has(column)) return undefined;
    return Array.from({ length: this.#length }, (_, row) => this.word(column, row)!);
  }

  /**
   * A column of counts or durations, NaN where a cell is empty or text; undefined where there is no
   * such column. It is the table's own: read it.
   */
  numbers(column: string): Numbers | undefined {
    const data = this.#data.get(column);
    const words = this.#words.get(column);
    if (!data || !words) return data;
    const values = words.map((word) => word === "" ? NaN : Number(word));
    return Float64Array.from(data, (number) => values[number]);
  }

  /**
   * A column of absolute times in ns, given in ns since `second`: as one number they outgrow 53 bits.
   * NaN for 0, which no clock shows, and where a cell is empty. It may be the table's own: read it.
   */
  times(column: string, second: number = this.second): Float64Array | undefined {
    const data = cellsOf(column) === "time" ? this.#data.get(column) as Float64Array : undefined;
    if (!data || second === this.second) return data;
    const shift = (this.second - second) * 1e9;
    return data.map((ns) => ns + shift);
  }

  /**
   * Leaves more rows out.
   *
   * @param why of each row: 0 to keep it, else the number of a reason, from 1
   * @throws {TableError} where none is left
   */
  leaveOut(why: Uint8Array, reasons: readonly string[]): void {
    let kept = 0;
    for (const reason of why) {
      if (reason === 0) kept++;
      else this.#damage.set(reasons[reason - 1], (this.#damage.get(reasons[reason - 1]) ?? 0) + 1);
    }
    if (kept === this.#length) return;
    if (kept === 0) this.#refuse();
    for (const [name, data] of this.#data) {
      this.#data.set(name, data.filter((_, row) => why[row] === 0));
    }
    this.#length = kept;
  }
}

/** Rows as an analysis looks at them, of a file or of a run that goes on. */
export type Rows = Pick<Table, "length" | "second" | "numbers" | "times">;

/** `2 not like the first, 1 ...`; nothing of no damage. */
export function describeDamage(damage: ReadonlyMap<string, number>): string[] {
  return damage.size === 0 ? [] : [[...damage].map(([why, rows]) => `${rows} ${why}`).join(", ")];
}

/** Takes a file apart. */
class Reader {
  columns: readonly string[] | undefined;
  growing: readonly Growing[] = [];
  words: readonly Words[] = [];
  length = 0;
  second = 0;
  readonly damage = new Map<string, number>();
  readonly #wanted: (column: string) => boolean;
  /** Of the row that is being read. */
  #values = new Float64Array();
  #hasSecond = false;
  /** Of the first time in it; NaN of none yet. */
  #rowSecond = NaN;
  #header = "";
  /** What follows is another run's. */
  #isOver = false;
  #rules: readonly (WholeNumbers | undefined)[] = [];
  /** The start of a line whose end has not come. */
  #rest = new Uint8Array();

  constructor(wanted: (column: string) => boolean) {
    this.#wanted = wanted;
  }

  get hasRest(): boolean {
    return this.#rest.length > 0;
  }

  take(piece: Uint8Array): void {
    let bytes = piece;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + piece.length);
      bytes.set(this.#rest);
      bytes.set(piece, this.#rest.length);
    }
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, from);
      if (end < 0) break;
      const to = end > from && bytes[end - 1] === RETURN ? end - 1 : end;
      if (this.columns === undefined) this.#begin(text(bytes, from, to));
      else this.#row(bytes, from, to);
      from = end + 1;
    }
    this.#rest = bytes.slice(from);
  }

  #begin(header: string): void {
    const columns = header.split(",");
    if (!columns.every((name) => /^\w+$/.test(name)) || columns.length < 2) {
      throw new TableError("not a CSV of a run");
    }
    const twice = columns.find((name, i) => columns.indexOf(name) < i);
    if (twice !== undefined) throw new TableError(`has the column ${twice} twice`);
    this.columns = columns;
    this.#header = header;
    this.#rules = columns.map((name) => {
      const cells = cellsOf(name);
      return typeof cells === "object" ? cells : undefined;
    });
    this.#values = new Float64Array(columns.length);
    this.words = columns.map(() => new Words());
  }

  /** Of columns that no tool writes the first row tells words from numbers. */
  #kinds(first: readonly string[]): Growing[] {
    return this.columns!.map((name, i) => {
      if (!this.#wanted(name)) return new Growing("unused");
      const cells = cellsOf(name) ?? (NUMBER.test(first[i]) ? "number" : "word");
      return new Growing(typeof cells === "object" ? "number" : cells);
    });
  }

  #row(bytes: Uint8Array, from: number, to: number): void {
    const columns = this.columns!;
    if (this.growing.length === 0) {
      const cells = text(bytes, from, to).split(",");
      if (cells.length === columns.length) this.growing = this.#kinds(cells);
    }
    const why = this.#isOver
      ? ANOTHER_RUN
      : this.growing.length === 0
      ? UNLIKE_FIRST
      : this.#cells(bytes, from, to);
    if (why !== undefined) {
      // Behind a row that was cut off, too.
      const begins = !this.#isOver && this.length > 0 &&
        text(bytes, from, to).endsWith(this.#header);
      if (begins) this.#isOver = true;
      else this.damage.set(why, (this.damage.get(why) ?? 0) + 1);
      return;
    }
    if (!this.#hasSecond && !Number.isNaN(this.#rowSecond)) {
      this.second = this.#rowSecond;
      this.#hasSecond = true;
    }
    const { growing } = this;
    for (let i = 0; i < growing.length; i++) {
      if (growing[i].kind !== "unused") growing[i].add(this.#values[i]);
    }
    this.length++;
  }

  /** Reads a row into `#values`; what is wrong with it, if anything. */
  #cells(bytes: Uint8Array, from: number, to: number): string | undefined {
    const { growing } = this;
    const values = this.#values;
    this.#rowSecond = NaN;
    let at = from;
    for (let i = 0; i < growing.length; i++) {
      // Each cell but the first begins behind a comma.
      if (i > 0 && at++ >= to) return UNLIKE_FIRST;
      let end = at;
      while (end < to && bytes[end] !== COMMA) end++;
      switch (growing[i].kind) {
        case "number":
          if (!isNumber(bytes, at, end)) return UNLIKE_FIRST;
          values[i] = number(bytes, at, end);
          if (!isPossible(values[i], this.#rules[i])) {
            return end === at ? UNLIKE_FIRST : IMPOSSIBLE;
          }
          break;
        case "time": {
          const digits = digitsFrom(bytes, at, end);
          if (digits < end - at) return digits === 0 ? UNLIKE_FIRST : WITHOUT_DIGITS;
          if (digits > MOST_DIGITS) return IMPOSSIBLE;
          values[i] = this.#time(bytes, at, end);
          if (values[i] === Infinity) return IMPOSSIBLE;
          break;
        }
        case "word":
          if (end === at && cellsOf(this.columns![i]) === "word") return UNLIKE_FIRST;
          values[i] = this.words[i].number(bytes, at, end);
      }
      at = end;
    }
    return at === to ? undefined : UNLIKE_FIRST;
  }

  /** NaN of none, Infinity of one that cannot be, or cannot be in a row with those before it. */
  #time(bytes: Uint8Array, from: number, to: number): number {
    const split = Math.max(from, to - 9);
    const seconds = whole(bytes, from, split);
    const ns = whole(bytes, split, to);
    if (seconds === 0 && ns === 0) return NaN;
    if (Number.isNaN(this.#rowSecond)) this.#rowSecond = seconds;
    if (seconds > MOST_SECONDS || Math.abs(seconds - this.#rowSecond) > FAR_SECONDS) {
      return Infinity;
    }
    return (seconds - (this.#hasSecond ? this.second : this.#rowSecond)) * 1e9 + ns;
  }
}

function isPossible(value: number, rule: WholeNumbers | undefined): boolean {
  if (rule === undefined) return true;
  if (Number.isNaN(value)) return !rule.filled;
  return rule.least <= value && value <= rule.most && Number.isInteger(value);
}

const text = (bytes: Uint8Array, from: number, to: number) =>
  new TextDecoder().decode(bytes.subarray(from, to));

/** Count of digits that a cell begins with. */
function digitsFrom(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] >= ZERO && bytes[at] <= ZERO + 9) at++;
  return at - from;
}

function isNumber(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  if (at < to && bytes[at] === MINUS) at++;
  at += digitsFrom(bytes, at, to);
  if (at === to) return true;
  if (bytes[at++] !== POINT) return false;
  const digits = digitsFrom(bytes, at, to);
  return digits > 0 && at + digits === to;
}

function whole(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + bytes[at] - ZERO;
  return value;
}

/** The value of a cell that `isNumber`. */
function number(bytes: Uint8Array, from: number, to: number): number {
  const negative = bytes[from] === MINUS;
  const start = negative ? from + 1 : from;
  if (from === to || start === to) return NaN;
  const digits = digitsFrom(bytes, start, to);
  // Rare, and not worth rounding by hand.
  if (start + digits < to) return Number(text(bytes, from, to));
  const value = whole(bytes, start, to);
  return negative ? -value : value;
}
