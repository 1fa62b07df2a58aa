/**
 * Reading the folder that a bench wrote. Nothing in it stops a report: what cannot be used is named.
 *
 * @module
 */
import { counted } from "../measure/format.ts";
import { parse } from "@std/csv";
import { readFile, readPieces } from "../files/files.ts";
import { isUsed, kindOf, type PathKind } from "./analysis/recorded_paths.ts";
import { parsePerf, type PerfCounters } from "./analysis/perf.ts";
import {
  leaveOutDisorder,
  META_ORDER,
  type Order,
  orderOf,
  WRITER_ORDER,
} from "./analysis/soundness.ts";
import { describeDamage, Table, TableError } from "./analysis/table.ts";
import { earlierBy, otherRun } from "./same_run.ts";
import { isEndless, isSameFile } from "../sys/device_number.ts";
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

/** The files of one combination of I/O methods. */
export interface PairFiles {
  readonly name: string;
  readonly size: string;
  readonly writer: string;
  readonly reader: string;
  readonly write: Table;
  readonly read: Table;
  /** What the node and both processes were charged over a stretch of the run. */
  readonly cost?: Table;
  /** Their system calls, over a stretch of another run. */
  readonly calls?: Table;
}

/** What becomes of the files; undefined where no row can be used. */
export interface Analysis<Run extends { readonly doubts: readonly string[] }, Pair> {
  readonly run: (files: RunFiles) => Run | undefined;
  readonly pair: (files: PairFiles) => Pair | undefined;
}

/** What one machine's folder holds. */
export interface Machine<Run, Pair> {
  /** Of the folder; empty for the report's folder itself. */
  readonly name: string;
  readonly properties: ReadonlyMap<string, string>;
  readonly runs: readonly Run[];
  readonly pairs: readonly Pair[];
  /** What became of each row of the ledger, where the bench said so. */
  readonly rows: ReadonlyMap<string, string>;
  readonly kmemleak: readonly { readonly step: string; readonly reports: string }[];
  readonly notices: readonly Notice[];
}

/** Files that lie beside `<run>.csv`, and what marks a metadata table and a lock table. */
const BESIDE = /\.(meta|perf|lock)\.csv$/;
/** Files of a combination of I/O methods, which is named `SIZE-WRITER-READER`. */
const OF_PAIR = /\.(write|read|cost|calls)\.csv$/;
const PAIR = /^(\d+x\d+)-([a-z]+)-([a-z]+)$/;
/** Files that are of the whole bench. */
const OTHERS = new Set(["machine.csv", "kmemleak.csv", "rows.csv", "io.csv"]);
const META_COLUMNS = ["seq", "src_v4l2_sequence", "flags"];
const STAGE_COLUMNS = ["queued_ns", "run_ns", "done_ns"];
const LOCK_COLUMNS = ["qbuf", "ioctl_ns", "acquisitions", "waited_ns", "held_ns"];
const WRITE_COLUMNS = ["frame", "sequence", "submit_monotonic_ns", "submitted_monotonic_ns"];
const COST_COLUMNS = ["frames", "copies", "bytes_copied", "shared"];
const CALLS_COLUMNS = ["side", "syscall", "calls", "frames"];

/**
 * Reads a folder and those in it. A run's files are let go when it has been analysed: all of a bench
 * would fill the memory.
 *
 * @returns the machines of which there is something to report
 * @throws {SysError} where the folder itself cannot be read
 */
export function readBench<Run extends { readonly doubts: readonly string[] }, Pair>(
  path: string,
  analyse: Analysis<Run, Pair>,
): Machine<Run, Pair>[] {
  const names = listFolder(path);
  const machines = [readMachine(path, "", names, analyse)];
  for (const name of names) {
    const files = listIfFolder(`${path}/${name}`);
    if (files) machines.push(readMachine(`${path}/${name}`, name, files, analyse));
  }
  return machines.filter(({ runs, pairs, kmemleak, notices }) =>
    runs.length + pairs.length + kmemleak.length + notices.length > 0
  );
}

/**
 * A file of a run, here or in a folder of it, is no place for what is made of it.
 *
 * @param name by whatever name, also a link
 * @param what what it is no place for
 * @throws {Error} naming the file
 */
export function refuseRunFile(name: string, folder: string, what: string): void {
  const names = listFolder(folder);
  const folders = [folder, ...names.map((inner) => `${folder}/${inner}`)];
  for (const path of folders) {
    const files = listIfFolder(path) ?? [];
    const ofRuns = files.filter((file) =>
      /\.csv$/.test(file) || /\.json$/.test(file) && files.includes(file.replace(/json$/, "csv"))
    );
    if (ofRuns.some((file) => isSameFile(name, `${path}/${file}`))) {
      throw new Error(`${name}: is a file of a run and no ${what}`);
    }
  }
}

const withoutEnding = (file: string) => file.replace(OF_PAIR, "");

function listIfFolder(path: string): string[] | undefined {
  try {
    return listFolder(path);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

function readMachine<Run extends { readonly doubts: readonly string[] }, Pair>(
  path: string,
  folder: string,
  files: readonly string[],
  analyse: Analysis<Run, Pair>,
): Machine<Run, Pair> {
  const notices: Notice[] = [];
  const notice = (file: string, says: string) =>
    void notices.push({ file: folder === "" ? file : `${folder}/${file}`, says });

  const attempt = <T>(file: string, take: (path: string) => T): T | undefined => {
    if (!files.includes(file)) return undefined;
    try {
      if (isEndless(`${path}/${file}`)) throw new Error("is a pipe or a device and no file");
      return take(`${path}/${file}`);
    } catch (error) {
      const why = error instanceof SysError ? error.what : (error as Error).message;
      notice(file, `${why}; skipped`);
      return undefined;
    }
  };
  const attemptText = <T>(file: string, take: (text: string) => T): T | undefined =>
    attempt(file, (path) => take(new TextDecoder().decode(readFile(path))));
  const table = (
    file: string,
    columns: readonly string[] = [],
    order: (table: Table) => Order | undefined = () => undefined,
    wanted?: (column: string) => boolean,
  ) =>
    attempt(file, (path) => {
      const table = new Table(readPieces(path), wanted);
      if (!table.has(...columns)) throw new TableError("not the columns of such a file");
      const rule = order(table);
      if (rule) leaveOutDisorder(table, rule);
      if (table.cutOff) notice(file, "the last row is cut off and left out");
      if (table.damaged > 0) {
        const rows = `left out ${counted(table.damaged, "damaged row")}`;
        notice(file, [rows, ...describeDamage(table.damage)].join(": "));
      }
      return table;
    });
  const ofRun = (file: string) =>
    table(file, [], (table) => {
      const kind = kindOf(table);
      return kind && orderOf(kind);
    }, isUsed);

  const summaryOf = (name: string) => {
    const summary = attemptText(`${name}.json`, parseSummary);
    if (summary?.failure !== undefined) {
      notice(`${name}.json`, `the run failed: ${summary.failure}`);
    }
    return summary;
  };

  /** Reads what nothing in it ties to a run, unless it was there before the run. */
  const besideOf = (rowsFile: string, rows: Table, { latency: { to } }: PathKind) => {
    return <T>(file: string, read: (file: string) => T | undefined): T | undefined => {
      const by = earlierBy(`${path}/${file}`, `${path}/${rowsFile}`, rows, to);
      if (by === undefined) return read(file);
      notice(file, `was there ${Math.round(by)} s before the run: of an earlier one; skipped`);
      return undefined;
    };
  };

  const tables = files.filter((name) => name.endsWith(".csv"));
  const runs: Run[] = [];
  for (const file of tables) {
    if (BESIDE.test(file) || OF_PAIR.test(file) || OTHERS.has(file)) continue;
    const name = file.slice(0, -".csv".length);
    const rows = ofRun(file);
    const kind = rows && kindOf(rows);
    if (rows && !kind) notice(file, "its columns are no tool's; skipped");
    if (!rows || !kind) continue;
    const meta = table(`${name}.meta.csv`, META_COLUMNS, () => META_ORDER, isUsed);
    if (kind.join && !files.includes(`${name}.meta.csv`)) {
      notice(`${name}.meta.csv`, "missing: what the kernel did with a frame is in its remainder");
    } else if (meta && !meta.has(...STAGE_COLUMNS)) {
      notice(`${name}.meta.csv`, "recorded without --stages: nothing can be joined with it");
    }
    const said = summaryOf(name);
    const other = said && otherRun(said, rows, kind, file);
    if (other !== undefined) notice(`${name}.json`, `${other}: of another run; skipped`);
    const beside = besideOf(file, rows, kind);
    const run = analyse.run({
      name,
      kind,
      rows,
      meta,
      perf: beside(`${name}.perf.csv`, (file) => attemptText(file, parsePerf)),
      // Of a run of their own, before or behind this one.
      lock: table(`${name}.lock.csv`, LOCK_COLUMNS),
      summary: other === undefined ? said : undefined,
    });
    if (run) runs.push(run);
    for (const doubt of run?.doubts ?? []) notice(`${name}.meta.csv`, doubt);
    if (!run) notice(file, "no row has both of its times; skipped");
  }
  for (const file of tables.filter((name) => BESIDE.test(name))) {
    const run = file.replace(BESIDE, ".csv");
    if (!files.includes(run)) notice(file, `there is no ${run} that it belongs to; skipped`);
  }

  const pairs: Pair[] = [];
  for (const name of new Set(tables.filter((f) => OF_PAIR.test(f)).map(withoutEnding))) {
    const [, size, writer, reader] = PAIR.exec(name) ?? [];
    const missing = ["write", "read"].find((side) => !files.includes(`${name}.${side}.csv`));
    if (size === undefined) notice(`${name}.*.csv`, "not named SIZE-WRITER-READER; skipped");
    else if (missing) notice(`${name}.${missing}.csv`, "missing: the others of it are skipped");
    if (size === undefined || missing) continue;
    const write = table(`${name}.write.csv`, WRITE_COLUMNS, () => WRITER_ORDER);
    const read = ofRun(`${name}.read.csv`);
    if (!write || !read) continue;
    summaryOf(`${name}.write`);
    summaryOf(`${name}.read`);
    const kind = kindOf(read);
    if (!kind) {
      notice(`${name}.read.csv`, "its columns are no tool's; skipped");
      continue;
    }
    const beside = besideOf(`${name}.read.csv`, read, kind);
    const pair = analyse.pair({
      name,
      size,
      writer,
      reader,
      write,
      read,
      cost: beside(`${name}.cost.csv`, (file) => table(file, COST_COLUMNS)),
      calls: beside(`${name}.calls.csv`, (file) => table(file, CALLS_COLUMNS)),
    });
    if (pair) pairs.push(pair);
    else notice(`${name}.read.csv`, "no row that belongs to one of the writer; skipped");
  }
  const pairsOf = (file: string, columns: string) =>
    attemptText(file, (text) => parsePairs(text, columns)) ?? [];
  return {
    name: folder,
    properties: new Map(pairsOf("machine.csv", "property,value")),
    runs,
    pairs,
    rows: new Map(pairsOf("rows.csv", "row,state")),
    kmemleak: pairsOf("kmemleak.csv", "step,reports").map(([step, reports]) => ({ step, reports })),
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

/** Rows of a key and a value, which may have commas, and may be quoted for them. */
function parsePairs(text: string, columns: string): [key: string, value: string][] {
  const [header, ...rows] = parse(text, { lazyQuotes: true });
  if (header?.join(",") !== columns || rows.length === 0) {
    throw new TableError(`no ${columns} in it`);
  }
  return rows.map(([key, ...value]) => [key, value.join(",")]);
}
