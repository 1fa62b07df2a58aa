/**
 * bench-report: what a bench measured, as a page, as tables, as JSON.
 *
 * @module
 */
import { flag, outputPath, path } from "../lib/cli/parameters.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { FIGURES, type MachineFigures } from "../lib/report/figures.ts";
import { readBench } from "../lib/report/folder.ts";
import { ioCsv, ioMarkdown } from "../lib/report/io_tables.ts";
import { machineJson } from "../lib/report/json.ts";
import { inOrder, ledger } from "../lib/report/ledger.ts";
import { page } from "../lib/report/page.ts";
import { whereTimeWent } from "../lib/report/words.ts";
import { writePage } from "../lib/report/write_page.ts";

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** A bench of I/O methods has none of the ledger's rows. */
const tables = (machine: MachineFigures) => [
  ...(machine.pairs.length > 0 ? ioMarkdown(machine) : []),
  ...(machine.runs.length > 0 || machine.pairs.length === 0 ? ledger(machine) : []),
];

export const tool = declareTool({
  name: "bench-report",
  summary: "Joins the files of a bench and writes one page about them that opens offline.",
  positionals: {
    folder: path("FOLDER", "what a bench wrote, or a folder of such folders, one a machine"),
    output: {
      ...outputPath(
        "OUT.html",
        "page to write; without it FOLDER/report.html, or with --markdown or --json none",
      ),
      fallback: "",
    },
  },
  options: {
    markdown: flag("print the tables of the benchmark ledger, or of the I/O methods, on stdout"),
    csv: flag("print the I/O methods of one machine on stdout, a row each, and write no page"),
  },
  idle: ({ csv, json }) => ({
    output: csv && "OUT.html: --csv writes no page",
    markdown: (csv || json) && `--markdown and --${csv ? "csv" : "json"} are two answers`,
    csv: json && "--csv and --json are two answers",
  }),
  run({ folder, output, markdown, csv, json: asJson }, { warn }) {
    const machines = readBench(folder, FIGURES).map((machine) => ({
      ...machine,
      runs: machine.runs.toSorted((a, b) => inOrder(a.name, b.name)),
    }));
    for (const { file, says } of machines.flatMap(({ notices }) => notices)) {
      warn(`${folder}/${file}: ${says}`);
    }
    const paths = machines.flatMap(({ runs, pairs }) => [...runs, ...pairs]).length;
    if (paths === 0) throw new Error(`${folder}: no CSV of a run in it`);
    const json = { machines: machines.map(machineJson) };
    if (csv) {
      if (machines.length > 1) throw new Error(`${folder}: more than one machine; name its folder`);
      if (machines[0].pairs.length === 0) throw new Error(`${folder}: no I/O methods in it`);
      return { text: ioCsv(machines[0]), json };
    }

    // Nothing is written where only an answer was asked for.
    const name = output || (markdown || asJson ? undefined : `${folder}/report.html`);
    if (name !== undefined) writePage(name, "OUT.html", page(machines), [folder]);
    return {
      text: markdown ? machines.flatMap(tables) : [
        `${name}: ${count(paths, "path")} on ${count(machines.length, "machine")}`,
        ...machines.flatMap(({ name, runs }) =>
          runs.map((run) => `  ${name && `${name}, `}${whereTimeWent(run)}`)
        ),
      ],
      json: { report: name, ...json },
    };
  },
});

if (import.meta.main) await main(tool);
