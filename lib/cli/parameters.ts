/**
 * What a tool takes on its command line: positional parameters, options and flags, each with its
 * own check.
 *
 * @module
 */

/** A command line that cannot be meant; exit status 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** One value from the command line. */
export interface Parameter<T> {
  /** As the help shows it: `FRAMES`. */
  readonly metavar: string;
  readonly help: string;
  /** Turns the argument into a value, or throws an error that completes `FRAMES: ...`. */
  readonly parse: (text: string) => T;
  /** The value without argument; a positional parameter that has none is required. */
  readonly fallback?: T;
  /** Its option may be given more than once: the values are a list, empty of none. */
  readonly repeated?: boolean;
  /** It names a file: where the tool writes that to stdout, the report goes to stderr. */
  readonly file?: "input" | "output";
}

/** A switch without a value. */
export interface Flag {
  readonly flag: true;
  readonly help: string;
  /** Its short form: `h` for `-h`. */
  readonly letter?: string;
}

/** What a parameter is, with its default. */
export function described(
  { help, fallback }: Pick<Parameter<unknown>, "help" | "fallback">,
): string {
  // Choices and tuples say their default in words.
  return typeof fallback === "number" || typeof fallback === "string" && fallback !== ""
    ? `${help} (default ${fallback})`
    : help;
}

/** A parameter that may be left out, and then has no value. */
export const optional = <T>(parameter: Parameter<T>): Parameter<T | undefined> => parameter;

/** An option that may be given more than once; each value is one of a list. */
export function repeated<T>(one: Parameter<T>): Parameter<readonly T[]> {
  return {
    metavar: one.metavar,
    help: `${one.help}; may be given more than once`,
    repeated: true,
    parse: (text) => [one.parse(text)],
  };
}

/** A parameter taken as it is: a file or device. */
export function path(metavar: string, help: string): Parameter<string> {
  return {
    metavar,
    help,
    file: "input",
    parse(text) {
      if (text === "") throw new UsageError("must not be empty");
      return text;
    },
  };
}

/** A file to write; `-` is stdout. */
export function outputPath(metavar: string, help: string): Parameter<string> {
  return { ...path(metavar, `${help}; - is stdout`), file: "output" };
}

/** What a number may be, and what it is when left out. */
interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly fallback?: number;
}

/** A number that is written as `pattern` has it. */
function bounded(
  { metavar, help, kind, pattern }: {
    metavar: string;
    help: string;
    kind: string;
    pattern: RegExp;
  },
  { min, max, fallback }: Bounds & { min: number; max: number },
): Parameter<number> {
  return {
    metavar,
    help,
    fallback,
    parse(text) {
      const value = pattern.test(text) ? Number(text) : NaN;
      if (!(value >= min && value <= max)) {
        throw new UsageError(`must be a ${kind} from ${min} to ${max}, not "${text}"`);
      }
      return value;
    },
  };
}

/** A whole number from `min` to `max`, in decimal or `0x` hexadecimal. */
export function integer(metavar: string, help: string, bounds: Bounds = {}): Parameter<number> {
  const written = { metavar, help, kind: "whole number", pattern: /^-?(\d+|0x[\da-f]+)$/i };
  return bounded(written, { min: 0, max: 0xffff_ffff, ...bounds });
}

/** A number from `min` to `max`, with or without a fraction. */
export function number(metavar: string, help: string, bounds: Bounds = {}): Parameter<number> {
  const written = { metavar, help, kind: "number", pattern: /^\d*\.?\d+$/ };
  return bounded(written, { min: 0, max: 1e6, ...bounds });
}

/** Frames a second, from 0 on: a number, or a fraction such as `30000/1001`. */
export function rate(help: string, fallback?: number): Parameter<number> {
  const whole = number("RATE", help, { fallback });
  return {
    ...whole,
    parse(text) {
      const [, over, under] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
      const value = Number(over) / Number(under);
      return value > 0 && value <= 1e6 ? value : whole.parse(text);
    },
  };
}

/** One of these words. */
export function choice<const T extends string>(
  metavar: string,
  help: string,
  words: readonly T[],
): Parameter<T> {
  return {
    metavar,
    help,
    parse(text) {
      const word = words.find((word) => word === text);
      if (word === undefined) throw new UsageError(`must be ${words.join(" or ")}, not "${text}"`);
      return word;
    },
  };
}

/** Exactly `count` whole numbers separated by `separator`: `640x480`, `0,0,64,48`. */
export function integers(
  metavar: string,
  help: string,
  { count, separator, min, max, fallback }: {
    count: number;
    separator: string;
    min: number;
    max: number;
    fallback?: readonly number[];
  },
): Parameter<readonly number[]> {
  const one = integer(metavar, help, { min, max });
  return {
    metavar,
    help,
    fallback,
    parse(text) {
      const parts = text.split(separator);
      if (parts.length !== count) throw new UsageError(`must look like ${metavar}, not "${text}"`);
      return parts.map(one.parse);
    },
  };
}

/** A switch, off unless given. */
export const flag = (help: string): Flag => ({ flag: true, help });
