/**
 * Reading the folder that a bench wrote. Nothing in it stops a report: what cannot be used is named.
 *
 * @module
 */
import { readFile } from "../cli/files.ts";
import { kindOf, type PathKind } from "../measure/paths.ts";
import { parsePerf, type PerfCounters } from "../measure/perf.ts";
import { Table, TableError } from "../measure/table.ts";
import { SysError } from "../sys/errno.ts";
import { listFolder } from "../sys/folder.ts";

/** Something about a file that the reader of a report must know. */
export interface Notice {
  /** Below the folder of the report. */
  readonly file: string;
  readonly says: string;
}

/** The files of one run. */
export interface RunFiles {
  readonly name: string;
  readonly kind: PathKind;
  readonly rows: Table;
  readonly meta?: Table;
  readonly perf?: PerfCounters;
  readonly lock?: Table;
  /** What the tool said of the run at its end. */
  readonly summary?: Readonly<Record<string, unknown>>;
}

/** What one machine's folder holds; `Run` is what became of a run's files. */
export interface Machine<Run> {
  /** Of the folder; empty for the report's folder itself. */
  readonly name: string;
  readonly properties: ReadonlyMap<string, string>;
  readonly runs: readonly Run[];
  /** What became of each row of the ledger, where the bench said so. */
  readonly rows: ReadonlyMap<string, string>;
  readonly kmemleak: readonly { readonly step: string; readonly reports: string }[];
  readonly notices: readonly Notice[];
}

/** Files that lie beside `<run>.csv`, and what marks a metadata table and a lock table. */
const BESIDE = /\.(meta|perf|lock)\.csv$/;
/** Files that are of the whole bench. */
const OTHERS = new Set(["machine.csv", "kmemleak.csv", "rows.csv"]);
const META_COLUMNS = ["seq", "src_v4l2_sequence", "flags"];
const STAGE_COLUMNS = ["queued_ns", "run_ns", "done_ns"];
const LOCK_COLUMNS = ["qbuf", "ioctl_ns", "acquisitions", "waited_ns", "held_ns"];

/**
 * Reads a folder and those in it. A run's files are let go when it has been analysed: all of a bench
 * would fill the memory.
 *
 * @param analyse what to make of a run; undefined where no row of it is complete
 * @returns the machines of which there is something to report
 * @throws {SysError} where the folder itself cannot be read
 */
export function readBench<Run>(
  path: string,
  analyse: (files: RunFiles) => Run | undefined,
): Machine<Run>[] {
  const names = listFolder(path);
  const machines = [readMachine(path, "", names, analyse)];
  for (const name of names) {
    const files = listIfFolder(`${path}/${name}`);
    if (files) machines.push(readMachine(`${path}/${name}`, name, files, analyse));
  }
  return machines.filter(({ runs, kmemleak, notices }) =>
    runs.length + kmemleak.length + notices.length > 0
  );
}

function listIfFolder(path: string): string[] | undefined {
  try {
    return listFolder(path);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

function readMachine<Run>(
  path: string,
  folder: string,
  files: readonly string[],
  analyse: (files: RunFiles) => Run | undefined,
): Machine<Run> {
  const notices: Notice[] = [];
  const notice = (file: string, says: string) =>
    void notices.push({ file: folder === "" ? file : `${folder}/${file}`, says });

  const attempt = <T>(file: string, take: (text: string) => T): T | undefined => {
    if (!files.includes(file)) return undefined;
    try {
      return take(new TextDecoder().decode(readFile(`${path}/${file}`)));
    } catch (error) {
      const { message } = error as Error;
      const why = error instanceof SysError ? message.slice(`${path}/${file}: `.length) : message;
      notice(file, `${why}; skipped`);
      return undefined;
    }
  };
  const table = (file: string, columns: readonly string[] = []) =>
    attempt(file, (text) => {
      const table = new Table(text);
      if (!table.has(...columns)) throw new TableError("not the columns of such a file");
      if (table.cutOff) notice(file, "the last row is cut off and left out");
      if (table.damaged > 0) notice(file, `${table.damaged} damaged rows are left out`);
      return table;
    });

  const tables = files.filter((name) => name.endsWith(".csv"));
  const runs: Run[] = [];
  for (const file of tables) {
    if (BESIDE.test(file) || OTHERS.has(file)) continue;
    const name = file.slice(0, -".csv".length);
    const rows = table(file);
    const kind = rows && kindOf(rows);
    if (rows && !kind) notice(file, "its columns are no tool's; skipped");
    if (!rows || !kind) continue;
    const meta = table(`${name}.meta.csv`, META_COLUMNS);
    if (kind.join && !files.includes(`${name}.meta.csv`)) {
      notice(`${name}.meta.csv`, "missing: what the kernel did with a frame is in its remainder");
    } else if (meta && !meta.has(...STAGE_COLUMNS)) {
      notice(`${name}.meta.csv`, "recorded without --stages: nothing can be joined with it");
    }
    const summary = attempt(`${name}.json`, parseSummary);
    if (summary?.failure !== undefined) {
      notice(`${name}.json`, `the run failed: ${summary.failure}`);
    }
    const run = analyse({
      name,
      kind,
      rows,
      meta,
      perf: attempt(`${name}.perf.csv`, parsePerf),
      lock: table(`${name}.lock.csv`, LOCK_COLUMNS),
      summary,
    });
    if (run) runs.push(run);
    else notice(file, "no row has both of its times; skipped");
  }
  for (const file of tables.filter((name) => BESIDE.test(name))) {
    const run = file.replace(BESIDE, ".csv");
    if (!files.includes(run)) notice(file, `there is no ${run} that it belongs to; skipped`);
  }
  const pairs = (file: string, key: string, value: string) => {
    const found = table(file, [key, value]);
    const values = found?.words(value) ?? [];
    return (found?.words(key) ?? []).map((word, i) => [word, values[i]] as const);
  };
  return {
    name: folder,
    properties: attempt("machine.csv", parseProperties) ?? new Map(),
    runs,
    rows: new Map(pairs("rows.csv", "row", "state")),
    kmemleak: pairs("kmemleak.csv", "step", "reports").map(([step, reports]) => ({
      step,
      reports,
    })),
    notices,
  };
}

function parseSummary(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TableError("not one line of JSON");
  }
  if (typeof value !== "object" || value === null) throw new TableError("not a tool's JSON");
  return value as Record<string, unknown>;
}

/** Lines of `property,value`; a value may have commas, and may be quoted for them. */
function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split(/\r?\n/).slice(1)) {
    const [, property, value] = /^([^,]+),(.*)$/.exec(line) ?? [];
    if (property === undefined) continue;
    properties.set(
      property,
      value.startsWith('"') ? value.slice(1).replace(/"$/, "").replaceAll('""', '"') : value,
    );
  }
  if (properties.size === 0) throw new TableError("no property,value in it");
  return properties;
}
