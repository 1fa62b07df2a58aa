/**
 * The page about two sides: the verdicts, and both sides' distributions and mean frames.
 *
 * @module
 */
import type { MeanFrame } from "./analysis/decompose.ts";
import type { Verdict } from "./analysis/resample.ts";
import { type Distribution, type Ratios, stack } from "./charts.ts";
import { type ComparedPath, type Comparison, type RunPair, tooFew } from "./comparison.ts";
import { COMPARISON_HEAD, comparisonRows } from "./comparison_rows.ts";
import type { RunFigures } from "./figures.ts";
import { type Content, html, type Markup } from "./html.ts";
import { partsLegend } from "./parts_legend.ts";
import { Charts, sheet, swatch, table, typeset } from "./sheet.ts";
import { percent } from "./words.ts";

/** Colours of both sides, in `style.css`. */
const SIDES = [["base", "quiet"], ["new", "accent"]] as const;

const COLORS: Readonly<Record<Verdict, string>> = {
  better: "accent",
  worse: "warn",
  same: "quiet",
  "cannot tell": "quiet",
};

/**
 * The whole page.
 *
 * @param base what its side is called: a folder
 * @param other the same of the other side
 */
export function comparisonPage(
  { paths, same, notices }: Comparison,
  base: string,
  other: string,
): string {
  const charts = new Charts();
  return sheet({
    title: `vpipe: ${other} against ${base}`,
    tool: "bench-compare",
    charts,
    header: html`
      <h1>Did it become better or worse?</h1>
      <p>
        Base is ${base}, new is ${other}. Each figure is a cost: a ratio of new to base above 1 is
        more of it. Better and worse are those of which the whole interval lies beyond the noise, the same
        those of which it lies within ${percent(same)}: of others it cannot be told.
      </p>
    `,
    main: [
      notices.length > 0 && html`
        <div class="notices">
          <b>What to know of the runs</b>
          <ul>${notices.map((notice) =>
            html`
              <li>${notice}</li>
            `
          )}</ul>
        </div>
      `,
      ...paths.map((path) => section(path, charts)),
    ],
  });
}

function section(path: ComparedPath, charts: Charts): Markup {
  const sides = [0, 1].map((side) => path.runs.map((pair) => pair[side].run));
  return html`
    <section>
      <h2>${path.name}</h2>
      <p class="quiet">${tooFew(path) ?? `${path.pairs} pairs`}</p>
      ${table(
        COMPARISON_HEAD,
        comparisonRows(path).map((cells, row) => [
          ...cells.slice(0, -1).map(typeset),
          verdict(path.figures[row].verdict),
        ]),
      )} ${ratioChart(path, charts)}
      <ul class="legend">${SIDES.map(([name, color]) =>
        html`
          <li>${swatch(color)}${name}</li>
        `
      )}</ul>
      ${charts.figure(
        "Distributions",
        `of ${sides[0][0].latencyName}: how long a share of the frames took at most; a line a run`,
        distributions(path.runs),
        300,
      )} ${stacks(sides, charts)}
    </section>
  `;
}

function verdict(of: string | undefined): Content {
  return of === "worse" || of === "better"
    ? html`
      <b class="${of}">${of}</b>
    `
    : of ?? "no verdict";
}

/** Of the figures that have a ratio. */
function ratioChart({ figures }: ComparedPath, charts: Charts): Content {
  const known = figures.flatMap(({ name, ratio, interval, verdict }): Ratios["figures"] =>
    ratio === undefined
      ? []
      : [{ name, ratio, ...interval, color: COLORS[verdict ?? "cannot tell"] }]
  );
  return known.length > 0 &&
    charts.figure(
      "Ratios",
      "of new to base, on a scale of logarithms; whiskers: 95 % interval",
      { type: "ratios", figures: known },
      60 + 30 * known.length,
    );
}

/** A line a run, without marks: there would be too many. */
function distributions(runs: readonly RunPair[]): Distribution {
  const lines = SIDES.flatMap(([name, color], side) =>
    runs.map((pair) => ({ color, ...pair[side].run.quantiles, name, marks: [] }))
  );
  return { type: "distribution", colors: lines.map(({ color }) => color), lines };
}

/** Both sides' mean frames, where all runs were taken apart. */
function stacks(sides: readonly (readonly RunFigures[])[], charts: Charts): Content {
  const found = sides.map((runs) =>
    runs.flatMap(({ decomposition }) => decomposition ? [decomposition] : [])
  );
  if (found.some((side, i) => side.length < sides[i].length)) {
    return html`
      <p>Recorded without stages: not taken apart.</p>
    `;
  }
  const bars = (which: "typical" | "slowest") =>
    stack(
      SIDES.map(([name], side) =>
        [name, meanOver(found[side].map((decomposition) => decomposition[which]))] as const
      ),
    );
  return html`
    ${partsLegend(found.flat())}
    <div class="charts">
      ${charts.figure(
        "Typical frame",
        "mean over the runs of a side, each the mean of frames between their quartiles",
        bars("typical"),
        110,
      )} ${charts.figure(
        "Slowest 1 %",
        "mean over the runs of a side, each of the frames whose parts took longest; another scale",
        bars("slowest"),
        110,
      )}
    </div>
  `;
}

/** Every run counts alike; a part that one has not is 0 in it. */
export function meanOver(frames: readonly MeanFrame[]): MeanFrame {
  const mean = (of: (frame: MeanFrame) => number) =>
    frames.reduce((sum, frame) => sum + of(frame), 0) / frames.length;
  const names = new Set(frames.flatMap(({ parts }) => [...parts.keys()]));
  return {
    frames: frames.reduce((sum, frame) => sum + frame.frames, 0),
    parts: new Map([...names].map((name) => [name, mean(({ parts }) => parts.get(name) ?? 0)])),
    remainder: mean(({ remainder }) => remainder),
    busy: mean(({ busy }) => busy),
  };
}
