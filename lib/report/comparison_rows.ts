/**
 * What a comparison says of its figures, as cells.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import { type ComparedFigure, type ComparedPath, tooFew } from "./comparison.ts";
import { percent } from "./words.ts";

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
const times = (ratio: number) => Number.isFinite(ratio) ? ratio.toFixed(3) : NONE;

/** A figure, its name first. */
export function comparisonRow(
  { name, base, new: other, ratio, interval, noise, verdict }: ComparedFigure,
): string[] {
  return [
    name,
    formatNs(base),
    formatNs(other),
    ratio === undefined ? NONE : times(ratio),
    interval ? `${times(interval.low)} to ${times(interval.high)}` : NONE,
    percent(noise),
    verdict ?? "no verdict",
  ];
}

/** A path with how much there is to tell by. */
export function comparisonTitle(path: ComparedPath): string {
  return tooFew(path) ?? `${path.name}: ${path.pairs} pairs`;
}
