/**
 * What a comparison says of its figures, as cells.
 *
 * @module
 */
import { formatNs, formatNumber } from "../measure/format.ts";
import { type ComparedFigure, type ComparedPath, tooFew } from "./comparison.ts";
import { ofAll, percent } from "./words.ts";

/** Above the cells of a figure. */
export const COMPARISON_HEAD: readonly string[] = [
  "",
  "base",
  "new",
  "ratio",
  "95 % interval",
  "noise",
  "verdict",
];

const NONE = "–";
const times = (ratio: number) => Number.isFinite(ratio) ? formatNumber(ratio, 3) : NONE;

/** A figure, its name first; of a path that has so many pairs. */
function comparisonRow(
  { name, base, new: other, pairs, ratio, interval, noise, verdict }: ComparedFigure,
  all: number,
): string[] {
  return [
    pairs === all ? name : `${name} (${ofAll(pairs, all)} pairs)`,
    formatNs(base),
    formatNs(other),
    ratio === undefined ? NONE : times(ratio),
    interval ? `${times(interval.low)} to ${times(interval.high)}` : NONE,
    percent(noise),
    verdict ?? "no verdict",
  ];
}

/** The figures of a path. */
export function comparisonRows({ figures, pairs }: ComparedPath): string[][] {
  return figures.map((figure) => comparisonRow(figure, pairs));
}

/** A path with how much there is to tell by. */
export function comparisonTitle(path: ComparedPath): string {
  return tooFew(path) ?? `${path.name}: ${path.pairs} pairs`;
}
