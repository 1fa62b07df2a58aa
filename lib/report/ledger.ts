/**
 * The benchmark ledger: its six phases as Markdown tables, of one machine.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import { type PartName, PARTS } from "./analysis/recorded_paths.ts";
import type { MachineFigures, RunFigures } from "./figures.ts";
import { cell, markdownTable } from "./markdown.ts";
import {
  conditions,
  counter,
  isMuch,
  losses,
  machineLine,
  NOT_RECORDED,
  ofAll,
  ofTurns,
  percent,
  percentiles,
  perFrame,
  switches,
  timestamps,
  whyMissing,
} from "./words.ts";

interface Phase {
  readonly title: string;
  /** Runs that a bench is expected to have; what is missing gets a row that says so. */
  readonly expected: readonly string[];
  readonly kinds: readonly string[];
  /** Kinds that belong here with this algorithm alone. */
  readonly filtering?: readonly [kind: string, algorithm: string];
}

const PHASES: readonly Phase[] = [
  {
    title: "Phase 1: camera",
    expected: ["read", "mmap"],
    kinds: ["read", "mmap"],
  },
  {
    title: "Phase 2: camera EXPBUF -> vpipe OUTPUT DMABUF -> CAPTURE MMAP",
    expected: ["dmabuf"],
    kinds: ["dmabuf"],
  },
  {
    title: "Phase 3: ways into the filter",
    expected: ["mmap", "m2m-mmap", "m2m-dmabuf", "fixture-none"],
    kinds: ["mmap", "m2m-mmap", "m2m-dmabuf"],
    filtering: ["fixture", "none"],
  },
  {
    title: "Phase 4: threshold",
    expected: ["fixture-threshold"],
    kinds: [],
    filtering: ["fixture", "threshold"],
  },
];

const USERPTR: Phase = {
  title: "Phase 6: USERPTR, and where the time goes",
  expected: ["userptr-noreset", "userptr-reset"],
  kinds: ["userptr"],
};

const EXPECTED = [...PHASES, USERPTR].flatMap(({ expected }) => expected);

/** Sorts runs by name: as the phases name them, then any others. */
export function inOrder(a: string, b: string): number {
  const order = (name: string) => (EXPECTED.indexOf(name) + 1) || Infinity;
  return order(a) - order(b) || (a < b ? -1 : 1);
}

/** The lines of a machine's section. */
export function ledger(machine: MachineFigures): string[] {
  return [
    `## ${cell(machine.name) || "Machine"}`,
    "",
    cell(machineLine(machine)),
    "",
    ...PHASES.flatMap((phase) => [`### ${phase.title}`, "", ...pathTable(machine, phase), ""]),
    "### Phase 5: explicit fences",
    "",
    ...markdownTable(["path", "state", "conditions"], [[
      "V4L2 with explicit fences",
      "no such API in V4L2: not measured",
      `v4l2_fences: ${machine.properties.get("v4l2_fences") ?? NOT_RECORDED}`,
    ]]),
    "",
    `### ${USERPTR.title}`,
    "",
    ...pathTable(machine, USERPTR),
    "",
    ...userptrTable(machine),
    "",
    "Where the time goes: means over typical frames, those whose turn without source wait lies",
    "between its quartiles.",
    "",
    ...partsTable(machine),
    "",
    "kmemleak:",
    "",
    ...markdownTable(
      ["step", "reports"],
      machine.kmemleak.length > 0
        ? machine.kmemleak.map(({ step, reports }) => [step, reports])
        : [["any", whyMissing(machine, "kmemleak")]],
    ),
    "",
    ...machine.notices.map(({ file, says }) => `* ${cell(`${file}: ${says}`)}`),
    ...(machine.notices.length > 0 ? [""] : []),
  ];
}

/** As scripts/bench_all.sh writes it. */
const NOT_ASKED = "not asked for";

/** Rows of the runs, or for an expected run that was asked for and is not there one that says so. */
function rowsOf(
  machine: MachineFigures,
  { expected, kinds, filtering }: Phase,
  columns: number,
  row: (run: RunFigures) => string[],
): string[][] {
  const there = machine.runs.filter(({ kind, algorithm }) =>
    kinds.includes(kind.id) || (kind.id === filtering?.[0] && algorithm === filtering[1])
  );
  const asked = expected.filter((name) => machine.rows.get(name) !== NOT_ASKED);
  const names = [...new Set([...asked, ...there.map(({ name }) => name)])];
  return names.sort(inOrder).map((name) => {
    const run = there.find((run) => run.name === name);
    return run ? row(run) : [name, ...Array<string>(columns - 1).fill(whyMissing(machine, name))];
  });
}

const PATH_COLUMNS = [
  "path",
  "copies per frame",
  "context switches per frame",
  "p50",
  "p95",
  "p99",
  "drops and gaps",
  "timestamp source",
  "cache references, whole process",
  "cache misses, whole process",
  "frames",
  "conditions",
];

function pathTable(machine: MachineFigures, phase: Phase): string[] {
  const rows = rowsOf(machine, phase, PATH_COLUMNS.length, (run) => [
    `${run.name}: ${run.kind.title}, ${run.latencyName}`,
    run.kind.copies,
    switches(run),
    ...percentiles(run.latency),
    losses(run),
    timestamps(run),
    counter(machine, run, "cache-references"),
    counter(machine, run, "cache-misses"),
    ofAll(run.latency.count, run.frames),
    conditions(run),
  ]);
  return markdownTable(PATH_COLUMNS, rows);
}

const USERPTR_COLUMNS = [
  "path",
  "minor faults per QBUF, mean",
  "p95",
  "max",
  "mmap_lock held per QBUF, mean",
  "p50",
  "p95",
  "max",
  "waited for per QBUF, mean",
  "acquisitions per QBUF, mean",
];

function userptrTable(machine: MachineFigures): string[] {
  const rows = rowsOf(machine, USERPTR, USERPTR_COLUMNS.length, ({ name, queueFaults, lock }) => [
    name,
    ...(queueFaults
      ? [queueFaults.mean, queueFaults.p95, queueFaults.max].map(perFrame)
      : Array<string>(3).fill(NOT_RECORDED)),
    ...(lock
      ? [lock.held.mean, lock.held.p50, lock.held.p95, lock.held.max, lock.waited.mean]
        .map(formatNs)
      : Array<string>(5).fill(whyMissing(machine, `${name}.lock`))),
    lock ? perFrame(lock.acquisitions.mean) : whyMissing(machine, `${name}.lock`),
  ]);
  return markdownTable(USERPTR_COLUMNS, rows);
}

/** Parts of a run's kind, known or not. */
function ownParts({ kind, decomposition }: RunFigures): ReadonlySet<PartName> {
  const { parts, unknown } = decomposition ?? { parts: new Map<PartName, unknown>(), unknown: [] };
  return new Set([...kind.parts.map(({ name }) => name), ...parts.keys(), ...unknown]);
}

function partsTable({ runs }: MachineFigures): string[] {
  const parts = (Object.keys(PARTS) as (keyof typeof PARTS)[])
    .filter((name) => runs.some((run) => ownParts(run).has(name)));
  const head = [
    ...["path", ...parts, "remainder", "turn without source wait", "remainder share of medians"],
    ...["remainder, mean", "turns taken apart"],
  ];
  const rows = runs.map((run) => {
    const { name, decomposition: found } = run;
    if (!found) return [name, ...Array<string>(head.length - 1).fill(NOT_RECORDED)];
    const { typical, unknown, remainder, remainderShare, whole } = found;
    const own = ownParts(run);
    return [
      whole === "turn" ? name : `${name} (its latency: turns overlap)`,
      ...parts.map((part) => {
        const ns = typical.parts.get(part);
        if (ns !== undefined) return formatNs(ns);
        return own.has(part) && unknown.includes(part) ? NOT_RECORDED : "no such part";
      }),
      formatNs(typical.remainder),
      formatNs(typical.busy),
      isMuch(remainderShare) ? `**${percent(remainderShare)}**` : percent(remainderShare),
      formatNs(remainder.mean),
      ofTurns(found),
    ];
  });
  return markdownTable(head, rows);
}
