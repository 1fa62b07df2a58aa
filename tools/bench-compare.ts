/**
 * bench-compare: whether one side of a bench is better or worse than another, and how sure that is.
 *
 * @module
 */
import {
  choice,
  flag,
  optional,
  outputPath,
  type Parameter,
  path,
  UsageError,
} from "../lib/cli/parameters.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { counted } from "../lib/measure/format.ts";
import { LEAST_PAIRS } from "../lib/report/analysis/resample.ts";
import { compare, type ComparedPath, tooFew } from "../lib/report/comparison.ts";
import { comparisonPage } from "../lib/report/comparison_page.ts";
import { COMPARISON_HEAD, comparisonRows, comparisonTitle } from "../lib/report/comparison_rows.ts";
import { FIGURES } from "../lib/report/figures.ts";
import { readBench } from "../lib/report/folder.ts";
import { cell, markdownTable } from "../lib/report/markdown.ts";
import { writePage } from "../lib/report/write_page.ts";

/** A share in percent: `3%`. */
const share = (metavar: string, help: string): Parameter<number> => ({
  metavar,
  help,
  parse(text) {
    const [, digits] = /^(\d{1,3}(?:\.\d+)?) ?%$/.exec(text) ?? [];
    if (digits === undefined) throw new UsageError(`must be a share such as 3%, not "${text}"`);
    return Number(digits) / 100;
  },
});

/** Cells under each other, the first to the left. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) =>
    row.map((text, i) => i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))
      .join("  ").trimEnd()
  );
}

function textOf(path: ComparedPath): string[] {
  const rows = aligned([COMPARISON_HEAD, ...comparisonRows(path)]);
  return [comparisonTitle(path), ...rows.map((line) => `  ${line}`)];
}

function markdownOf(path: ComparedPath): string[] {
  const rows = markdownTable(COMPARISON_HEAD, comparisonRows(path));
  return [`### ${cell(comparisonTitle(path))}`, "", ...rows, ""];
}

/** Why nobody can tell what became of a path, or of a figure of it; nothing where somebody can. */
function untoldOf(path: ComparedPath): string[] {
  const few = tooFew(path);
  if (few !== undefined) return [few];
  return path.figures.filter(({ pairs }) => pairs < LEAST_PAIRS)
    .map(({ name, pairs }) => `${path.name}: ${name}: cannot tell from ${counted(pairs, "pair")}`);
}

/** JSON has no infinity and no NaN. */
const finite = (value: number | undefined) => Number.isFinite(value) ? value : undefined;

function jsonOf(path: ComparedPath): Record<string, unknown> {
  return {
    path: path.name,
    pairs: path.pairs,
    too_few: tooFew(path),
    figures: path.figures.map((
      { name, base, new: other, pairs, ratio, interval, noise, verdict },
    ) => ({
      figure: name,
      pairs,
      base_ns: base,
      new_ns: other,
      ratio,
      low: finite(interval?.low),
      high: finite(interval?.high),
      noise: finite(noise),
      verdict,
    })),
  };
}

const side = (folder: string, warn: (message: string) => void) => {
  const runs = readBench(folder, FIGURES);
  const notices = runs.flatMap(({ notices }) => notices)
    .map(({ file, says }) => `${folder}/${file}: ${says}`);
  notices.forEach((notice) => warn(notice));
  if (runs.every(({ runs }) => runs.length === 0) && runs.some(({ pairs }) => pairs.length > 0)) {
    throw new Error(`${folder}: is of I/O methods, whose figures bench-report has`);
  }
  return { folder, runs: runs.filter(({ runs }) => runs.length > 0), notices };
};

export const tool = declareTool({
  name: "bench-compare",
  summary: "Says of each figure of two sides of a bench whether it became better or worse.",
  positionals: {
    base: path(
      "BASE",
      "folder of runs, each a folder in it, as scripts/bench_pairs.sh writes them",
    ),
    new: path("NEW", "the same of the other side; runs of one name are a pair"),
  },
  options: {
    noise: optional(
      share(
        "SHARE",
        "difference that does not matter; without it 3%, and a change has to be more than the runs' own " +
          "spread",
      ),
    ),
    "fail-on": optional(
      choice(
        "worse",
        "exit with status 1 where a figure became worse, or there are too few pairs to tell of one",
        ["worse"],
      ),
    ),
    markdown: flag("print tables in Markdown"),
    page: optional(
      outputPath("FILE.html", "page to write, with both sides' distributions and stacks"),
    ),
  },
  idle: ({ json }) => ({ markdown: json && "--markdown and --json are two answers" }),
  run({ base, new: other, noise, "fail-on": failOn, markdown, page }, { warn }) {
    const sides = [side(base, warn), side(other, warn)] as const;
    const found = compare(...sides, noise);
    found.notices.forEach((notice) => warn(notice));
    const comparison = {
      ...found,
      notices: [...sides.flatMap(({ notices }) => notices), ...found.notices],
    };
    const { paths, missing, same, notices } = comparison;
    if (page !== undefined) {
      writePage(page, "FILE.html", comparisonPage(comparison, base, other), [base, other]);
    }
    const figures = paths.flatMap((path) => path.figures);
    const untold = [...missing, ...paths.flatMap(untoldOf)];
    return {
      text: paths.flatMap(markdown ? markdownOf : textOf),
      json: {
        base,
        new: other,
        page,
        notices,
        missing,
        same_within: same,
        paths: paths.map(jsonOf),
      },
      failure: failOn && untold.length > 0 ? new Error(untold.join("; ")) : undefined,
      status: failOn && figures.some(({ verdict }) => verdict === failOn) ? 1 : 0,
    };
  },
});

if (import.meta.main) await main(tool);
