/**
 * The daemon's log: one line for each event on stderr, `TIME LEVEL EVENT KEY=VALUE ...`.
 *
 * @module
 */

/** From the fewest lines to the most. */
export const LEVELS = ["error", "warning", "info", "debug", "trace"] as const;

export type Level = typeof LEVELS[number];

type Fields = Readonly<Record<string, string | number>>;

const value = (value: string | number) =>
  typeof value === "number" || /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);

/** One event as a line, without its time: `info stream-over stream=3 frames=20`. */
export function line(level: Level, event: string, fields: Fields): string {
  return [level, event, ...Object.entries(fields).map(([key, v]) => `${key}=${value(v)}`)].join(
    " ",
  );
}

/** Writes the events of one level and of those above. */
export class Log {
  /** Whether each frame is told of; whoever does looks first, as its fields cost something. */
  readonly traces: boolean;

  constructor(readonly level: Level) {
    this.traces = this.writes("trace");
  }

  /** Whether events of a level are written. */
  writes(level: Level): boolean {
    return LEVELS.indexOf(level) <= LEVELS.indexOf(this.level);
  }

  /** Something that ends the daemon or a stream. */
  error(event: string, fields: Fields = {}): void {
    this.#write("error", event, fields);
  }
  /** Something that costs frames. */
  warning(event: string, fields: Fields = {}): void {
    this.#write("warning", event, fields);
  }
  /** What a stream was and did. */
  info(event: string, fields: Fields = {}): void {
    this.#write("info", event, fields);
  }
  /** Each step on the way. */
  debug(event: string, fields: Fields = {}): void {
    this.#write("debug", event, fields);
  }

  /** What became of a frame. */
  trace(event: string, fields: Fields = {}): void {
    this.#write("trace", event, fields);
  }

  #write(level: Level, event: string, fields: Fields): void {
    if (!this.writes(level)) return;
    console.error(`${new Date().toISOString()} ${line(level, event, fields)}`);
  }
}
