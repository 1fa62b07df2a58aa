/**
 * bench-report: what a bench measured, as a page, as tables, as JSON.
 *
 * @module
 */
import { OutputFile } from "../lib/cli/files.ts";
import { flag, path } from "../lib/cli/parameters.ts";
import { main } from "../lib/cli/tool.ts";
import { runFigures } from "../lib/report/figures.ts";
import { readBench } from "../lib/report/folder.ts";
import { machineJson } from "../lib/report/json.ts";
import { inOrder, ledger } from "../lib/report/ledger.ts";
import { page } from "../lib/report/page.ts";

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

main({
  name: "bench-report",
  summary: "Joins the files of a bench and writes one page about them that opens offline.",
  positionals: {
    folder: path("FOLDER", "what a bench wrote, or a folder of such folders, one a machine"),
    output: { ...path("OUT.html", "page to write (default FOLDER/report.html)"), fallback: "" },
  },
  options: {
    markdown: flag("print the tables of the benchmark ledger on stdout"),
  },
  run({ folder, output, markdown }, { warn }) {
    const machines = readBench(folder, runFigures).map((machine) => ({
      ...machine,
      runs: machine.runs.toSorted((a, b) => inOrder(a.name, b.name)),
    }));
    for (const { file, says } of machines.flatMap(({ notices }) => notices)) {
      warn(`${folder}/${file}: ${says}`);
    }
    const paths = machines.flatMap(({ runs }) => runs).length;
    if (paths === 0) throw new Error(`${folder}: no CSV of a run in it`);

    const html = page(machines);
    const name = output || `${folder}/report.html`;
    using file = new OutputFile(name);
    file.append(html);
    return {
      text: markdown
        ? machines.flatMap(ledger)
        : [`${name}: ${count(paths, "path")} on ${count(machines.length, "machine")}`],
      json: { report: name, machines: machines.map(machineJson) },
    };
  },
});
