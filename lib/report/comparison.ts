/**
 * Two sides of runs that were made by turns, compared figure by figure.
 *
 * @module
 */
import {
  type Interval,
  LEAST_PAIRS,
  meanRatio,
  ownMargins,
  ratioInterval,
  UNIMPORTANT,
  type Verdict,
  verdictOf,
} from "./analysis/resample.ts";
import { isWait } from "./analysis/recorded_paths.ts";
import { driftOf } from "./analysis/drift.ts";
import { median } from "./analysis/percentiles.ts";
import { formatNumber } from "../measure/format.ts";
import type { MachineFigures, RunFigures } from "./figures.ts";

/** One side: a folder, and the runs in it, each a folder of its own. */
export interface Side {
  readonly folder: string;
  readonly runs: readonly MachineFigures[];
}

/** One figure of a path, on both sides; a cost, so that more is worse. */
export interface ComparedFigure {
  readonly name: string;
  /** Medians over the runs, in ns. */
  readonly base: number;
  readonly new: number;
  /** Pairs of which both runs have it. */
  readonly pairs: number;
  /** The mean of the pairs' ratios, new to base; undefined where it is 0 or below in a run. */
  readonly ratio?: number;
  readonly interval?: Interval;
  /** What a change has to be beyond, as a share. */
  readonly noise: number;
  /** undefined of one run a side. */
  readonly verdict?: Verdict;
}

/** One path of the runs. */
export interface ComparedPath {
  readonly name: string;
  readonly pairs: number;
  readonly figures: readonly ComparedFigure[];
  /** What it is made of. */
  readonly runs: readonly RunPair[];
}

/** What a comparison says. */
export interface Comparison {
  readonly paths: readonly ComparedPath[];
  /** Paths of BASE, and figures of its runs, that no pair has on both sides; in words. */
  readonly missing: readonly string[];
  /** Within what two sides are the same, as a share. */
  readonly same: number;
  /** What its reader must know, a line each; what is missing among it. */
  readonly notices: readonly string[];
}

/** What makes machines different ones. */
const OF_MACHINE = ["cpu_model", "cpus", "emulation"];
const OF_FORMAT = ["width", "height", "format", "field"];
/** What a run's times depend on, and what two sides may differ in on purpose. */
const OF_CONDITIONS = [
  "frames_per_second_asked",
  "frames_per_second_set",
  "buffers",
  "depth",
  "algorithm",
  "threshold",
];

/** A run of less than this share of another's frames was cut short, or is of something else. */
const WHOLE = 0.9;

/** One run of one path, and where it was. */
export interface Placed {
  readonly place: string;
  readonly run: RunFigures;
}

/** Two runs that were made one after the other. */
export type RunPair = readonly [base: Placed, other: Placed];

/**
 * Compares two sides.
 *
 * @param noise what does not matter, as a share; if left out, `UNIMPORTANT`, and a change has to be more than the
 * runs' own spread, too
 * @throws {Error} in one line, where the sides cannot be compared
 */
export function compare(base: Side, other: Side, noise?: number): Comparison {
  const notices: string[] = [];
  const missing: string[] = [];
  expectOneMachine([base, other]);
  const pairs = pairUp(base, other, notices);
  const names = new Set(pairs.flatMap(([{ runs }]) => runs.map(({ name }) => name)));
  const paths = [...names].flatMap((name) => {
    const placed = pairs.flatMap(([left, right]) => {
      const [a, b] = [placedRun(base, left, name), placedRun(other, right, name)];
      if (a && !b) notices.push(`${a.place}: NEW has none in that pair; left out`);
      return a && b ? [[a, b] as const] : [];
    });
    if (placed.length > 0) return [comparePath(name, placed, { notices, missing }, noise)];
    missing.push(`${name}: NEW has no run of it`);
    return [];
  });
  for (const [left, right] of pairs) {
    for (const { name } of right.runs) {
      if (placedRun(base, left, name)) continue;
      notices.push(`${placedRun(other, right, name)!.place}: BASE has none in that pair; left out`);
    }
  }
  if (paths.length === 0) {
    const of = (side: Side) =>
      [
        ...new Set(side.runs.flatMap(({ runs }) => runs.map(({ name }) => name))),
      ].join(", ");
    throw new Error(
      `${base.folder}, ${other.folder}: different paths: ${of(base)} against ${of(other)}`,
    );
  }
  return { paths, missing, same: noise ?? UNIMPORTANT, notices: [...notices, ...missing] };
}

const placeOf = ({ folder }: Side, { name }: MachineFigures) =>
  name === "" ? folder : `${folder}/${name}`;

function placedRun(side: Side, machine: MachineFigures, path: string): Placed | undefined {
  const run = machine.runs.find(({ name }) => name === path);
  return run && { place: `${placeOf(side, machine)}/${path}.csv`, run };
}

function expectOneMachine(sides: readonly Side[]): void {
  const all = sides.flatMap((side) =>
    side.runs.map((machine) => ({ place: placeOf(side, machine), machine }))
  );
  for (const property of OF_MACHINE) {
    const known = all.filter(({ machine }) => machine.properties.has(property));
    const of = ({ machine }: typeof all[number]) => machine.properties.get(property);
    const odd = known.find((one) => of(one) !== of(known[0]));
    if (!odd) continue;
    throw new Error(
      `${known[0].place}, ${odd.place}: of different machines: ${property} ` +
        `${of(known[0])} against ${of(odd)}`,
    );
  }
}

/** Runs of one name are a pair, and so are one and one. */
function pairUp(base: Side, other: Side, notices: string[]): [MachineFigures, MachineFigures][] {
  for (const { folder, runs } of [base, other]) {
    if (runs.length === 0) throw new Error(`${folder}: no CSV of a run in it`);
  }
  if (base.runs.length === 1 && other.runs.length === 1) return [[base.runs[0], other.runs[0]]];
  const byName = new Map(other.runs.map((machine) => [machine.name, machine]));
  const pairs = base.runs.flatMap((machine): [MachineFigures, MachineFigures][] => {
    const partner = byName.get(machine.name);
    return partner ? [[machine, partner]] : [];
  });
  if (pairs.length === 0) {
    throw new Error(`${base.folder}, ${other.folder}: no run has its name in both: no pairs`);
  }
  const paired = new Set(pairs.map(([{ name }]) => name));
  for (const side of [base, other]) {
    for (const machine of side.runs) {
      if (!paired.has(machine.name)) {
        notices.push(`${placeOf(side, machine)}: has no other run to make a pair with; left out`);
      }
    }
  }
  return pairs;
}

function comparePath(
  name: string,
  pairs: readonly RunPair[],
  { notices, missing }: { readonly notices: string[]; readonly missing: string[] },
  noise?: number,
): ComparedPath {
  for (const placed of pairs.flat()) expectAlike(pairs[0][0], placed, notices);
  const most = Math.max(...pairs.flat().map(({ run }) => run.frames));
  for (const { place, run: { frames } } of pairs.flat()) {
    if (frames < most * WHOLE) {
      notices.push(`${place}: frames: ${frames}, another run has ${most}: was it cut short?`);
    }
  }
  const costs = pairs.map((pair) => pair.map(({ run }) => costsOf(run)));
  const names = new Set(costs.flat().flatMap((run) => [...run.keys()]));
  const [gone, added]: string[][] = [[], []];
  const figures = [...names].flatMap((figure) => {
    const known = costs.map(([a, b]) => [a.get(figure), b.get(figure)] as const)
      .filter((pair): pair is [number, number] => !pair.includes(undefined));
    if (known.length === 0) (costs.some(([a]) => a.has(figure)) ? gone : added).push(figure);
    // That, and a part that nothing was spent on, on either.
    return known.flat().every((value) => value === 0) ? [] : [compareFigure(figure, known, noise)];
  });
  if (gone.length > 0) missing.push(`${name}: no pair has on both sides: ${gone.join("; ")}`);
  if (added.length > 0) notices.push(`${name}: NEW alone has: ${added.join("; ")}`);
  for (const { place, run } of pairs.flat()) {
    const thirds = driftOf(run.timeline.median_ns, figures.at(0)?.noise ?? UNIMPORTANT);
    if (!thirds) continue;
    const words = thirds.map((ns) => formatNumber(ns / thirds[0], 2)).join(" to ");
    notices.push(`${place}: drifted: the medians of its thirds are as ${words}`);
  }
  return { name, pairs: pairs.length, figures, runs: pairs };
}

/** Runs of one format, and of paths whose latency is from and to the same. */
function expectAlike(first: Placed, one: Placed, notices: string[]): void {
  const both = `${first.place}, ${one.place}`;
  const [left, right] = [first.run.kind, one.run.kind];
  if (left.latency.name !== right.latency.name) {
    throw new Error(`${both}: different paths: ${left.title} against ${right.title}`);
  }
  if (left.id !== right.id) {
    const line = `different paths, compared by what both have: ${left.title} and ${right.title}`;
    if (!notices.includes(line)) notices.push(line);
  }
  if (first.run.latencyName !== one.run.latencyName) {
    notices.push(
      `${both}: latency is ${first.run.latencyName} in one, ${one.run.latencyName} in the other`,
    );
  }
  for (const property of OF_FORMAT) {
    const [wanted, is] = [first, one].map(({ run }) => run.summary?.[property]);
    if (wanted === undefined || is === undefined || wanted === is) continue;
    throw new Error(`${both}: of different formats: ${property} ${wanted} against ${is}`);
  }
  for (const property of OF_CONDITIONS) {
    const [wanted, is] = [first, one].map(({ run }) => conditionOf(run, property));
    if (wanted === undefined || is === undefined || wanted === is) continue;
    const line = `${first.run.name}: different conditions: ${property} ${wanted} against ${is}`;
    if (!notices.includes(line)) notices.push(line);
  }
}

/** What a run was made with; a level that it did not use is none. */
function conditionOf({ summary, algorithm }: RunFigures, property: string): unknown {
  const name = summary?.algorithm ?? algorithm;
  if (property === "algorithm") return name;
  return property === "threshold" && name !== "threshold" ? undefined : summary?.[property];
}

/** What a frame of a run cost, by name. The wait for who gives frames is up to them, and no cost. */
function costsOf({ latency, latencyName, rate, decomposition }: RunFigures): Map<string, number> {
  const { p50, p95, p99, mean } = latency;
  const costs = new Map(
    Object.entries({ p50, p95, p99, mean }).map(([of, ns]) => [`${latencyName}, ${of}`, ns]),
  );
  if (rate !== undefined) costs.set("time a frame", 1e9 / rate);
  if (decomposition) {
    const { parts, busy, remainder } = decomposition.typical;
    costs.set("typical frame", busy);
    for (const [part, ns] of parts) if (!isWait(part)) costs.set(part, ns);
    costs.set("remainder", remainder);
  }
  return costs;
}

function compareFigure(
  name: string,
  pairs: readonly (readonly [base: number, other: number])[],
  noise?: number,
): ComparedFigure {
  const sides = [0, 1].map((side) => pairs.map((pair) => pair[side]));
  const [base, other] = sides.map(median);
  const margins = noise === undefined ? ownMargins(sides) : { same: noise, noise };
  const found = { name, base, new: other, pairs: pairs.length, noise: margins.noise };
  if (pairs.flat().some((value) => !(value > 0))) {
    return {
      ...found,
      verdict: pairs.length > 1 ? "cannot tell" : undefined,
    };
  }
  const ratios = pairs.map(([a, b]) => b / a);
  const interval = ratioInterval(ratios);
  return {
    ...found,
    ratio: meanRatio(ratios),
    interval,
    verdict: pairs.length > 1 ? verdictOf(interval, margins) : undefined,
  };
}

/** Why a path has no verdict, or cannot have another than that it cannot be told; undefined else. */
export function tooFew({ name, pairs }: ComparedPath): string | undefined {
  if (pairs === 1) {
    return `${name}: one run a side, so no verdict: an interval needs ${LEAST_PAIRS} pairs`;
  }
  if (pairs >= LEAST_PAIRS) return undefined;
  return `${name}: cannot tell from ${pairs} pairs: an interval needs ${LEAST_PAIRS}`;
}
