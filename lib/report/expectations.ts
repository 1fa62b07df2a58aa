/**
 * What a user expects of a run: `dropped<=1`, `interval_p99<40ms`, `fps=30+-5%`.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import { type Parameter, UsageError } from "../cli/parameters.ts";
import type { Gaps } from "../measure/gaps.ts";
import type { Statistics } from "./analysis/percentiles.ts";
import type { RunFigures } from "./figures.ts";

/** A figure that can be expected to be something. */
interface Figure {
  /** undefined where the run does not tell. */
  readonly of: (run: RunFigures) => number | undefined;
  /** Whether it is a time, in ns, and a number of it needs a unit. */
  readonly isTime: boolean;
}

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

const plain = (of: Figure["of"]): Figure => ({ of, isTime: false });

/** A figure for each of a sample's statistics: `latency_p50` and so on. */
function times(name: string, of: (run: RunFigures) => Statistics | undefined) {
  const statistics = ["min", "mean", "p50", "p95", "p99", "max"] as const;
  return Object.fromEntries(
    statistics.map((which) => [
      `${name}_${which}`,
      { of: (run: RunFigures) => of(run)?.[which], isTime: true },
    ]),
  );
}

/** Numbers that stand still or begin anew tell of no frame that was lost among them. */
const dropped = (gaps: Gaps | undefined) => gaps?.backwards === 0 ? gaps.lost : undefined;

/** All of them, by the names that an expression has. */
export const EXPECTED: Readonly<Record<string, Figure>> = {
  frames: plain(({ frames }) => frames),
  fps: plain(({ rate }) => rate),
  dropped: plain(({ gaps }) => dropped(gaps.find(({ of }) => of === "camera"))),
  errors: plain(({ errors }) => errors),
  ...times("interval", ({ interval }) => interval),
  ...times("latency", ({ latency }) => latency),
};

const COMPARISONS: Readonly<Record<string, (value: number, than: number, by: number) => boolean>> =
  {
    "<=": (value, than) => value <= than,
    ">=": (value, than) => value >= than,
    "<": (value, than) => value < than,
    ">": (value, than) => value > than,
    "=": (value, than, by) => than - by <= value && value <= than + by,
  };

/** One expectation. */
export interface Expectation {
  /** As it was written. */
  readonly text: string;
  readonly figure: Figure;
  readonly holds: (value: number) => boolean;
}

// NAME COMPARISON NUMBER[UNIT][+-NUMBER[UNIT or %]], with blanks anywhere between them
const NUMBER = String.raw`(\d+(?:\.\d+)?)`;
const EXPRESSION = new RegExp(
  String.raw`^(\w+)\s*(<=|>=|<|>|=)\s*${NUMBER}\s*([a-z]*)(?:\s*\+-\s*${NUMBER}\s*(%|[a-z]*))?$`,
);

/** A number and its unit in that of the figure. */
function amount({ isTime }: Figure, number: string, unit: string): number {
  const size = isTime ? UNITS[unit] : unit === "" ? 1 : undefined;
  if (size === undefined) {
    throw new UsageError(
      isTime
        ? `needs ${Object.keys(UNITS).join(", ")} behind ${number}, not "${unit}"`
        : `has "${unit}" behind ${number}, which is no time`,
    );
  }
  return Number(number) * size;
}

/**
 * Reads an expression.
 *
 * @throws {UsageError} completing `--expect ...`
 */
function parseExpectation(text: string): Expectation {
  const names = Object.keys(EXPECTED).join(", ");
  const [, name, comparison, number, unit, margin, marginUnit] = EXPRESSION.exec(text.trim()) ?? [];
  if (name === undefined) {
    throw new UsageError(`must look like dropped<=1 or fps=30+-5%, not "${text}"; names: ${names}`);
  }
  if (!Object.hasOwn(EXPECTED, name)) {
    throw new UsageError(`knows no "${name}"; names: ${names}`);
  }
  if (margin !== undefined && comparison !== "=") {
    throw new UsageError(`takes +- behind = alone, not "${text}"`);
  }
  const figure = EXPECTED[name];
  const than = amount(figure, number, unit);
  const by = margin === undefined
    ? 0
    : marginUnit === "%"
    ? than * Number(margin) / 100
    : amount(figure, margin, marginUnit);
  return { text, figure, holds: (value) => COMPARISONS[comparison](value, than, by) };
}

/** Behind the point; a number has no more that count. */
const MOST_DIGITS = 15;

/** What came of an expectation, in words: `interval_p99<40ms: it is 41.2 ms`. */
export interface Disappointment {
  readonly expected: string;
  /** In ns of a time; undefined where the run does not tell. */
  readonly value?: number;
  readonly says: string;
}

/** A figure with as many digits as show that it does not hold: 29.9999 is not above 30. */
function shown(value: number, { figure: { isTime }, holds }: Expectation): string {
  const [usual, unit] = isTime ? formatNs(value).split(" ") : [value.toFixed(3), ""];
  const size = UNITS[unit] ?? 1;
  let number = usual;
  for (let digits = usual.split(".")[1]?.length ?? 0; digits <= MOST_DIGITS; digits++) {
    number = (value / size).toFixed(digits);
    if (!holds(Number(number) * size)) break;
  }
  return isTime ? `${number} ${unit}` : String(Number(number));
}

/**
 * Those that do not hold.
 *
 * @param run undefined where there is not one frame
 */
export function disappointments(
  expectations: readonly Expectation[],
  run: RunFigures | undefined,
): Disappointment[] {
  return expectations.flatMap((expectation) => {
    const { text, figure, holds } = expectation;
    // Of no frame nothing is known but that.
    const value = run ? figure.of(run) : figure === EXPECTED.frames ? 0 : undefined;
    if (value !== undefined && holds(value)) return [];
    const found = value === undefined ? "it cannot be told" : `it is ${shown(value, expectation)}`;
    return [{ expected: text, value, says: `${text} does not hold: ${found}` }];
  });
}

/** `--expect` */
export const EXPECTATION: Parameter<Expectation> = {
  metavar: "EXPRESSION",
  help: "what the run has to be, such as dropped<=1, interval_p99<40ms or fps=30+-5%, else the " +
    `status is 1; names: ${Object.keys(EXPECTED).join(", ")}; units of the times: ` +
    Object.keys(UNITS).join(", "),
  parse: parseExpectation,
};
