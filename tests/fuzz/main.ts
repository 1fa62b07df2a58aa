/**
 * Fuzzes what reads bytes from outside, led by what code they run.
 *
 * ```text
 * deno run --allow-all tests/fuzz/main.ts [--seconds N] [--seed N] [--only NAME] [--finds FOLDER]
 *   [--corpus FOLDER]
 * ```
 *
 * Inputs that break something are written to the folder of finds, build/fuzz unless told. Status 1 if there
 * is one. With a corpus it begins with the inputs there, and leaves there those that run code of their own.
 *
 * What V8 answers stays in Deno's memory, some megabytes a second: `tests/fuzz/rounds` is for more than minutes.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { Coverage } from "./coverage.ts";
import { Fuzzer } from "./fuzzer.ts";
import type { Target } from "./fuzzer.ts";

/** Inputs of a target before it is the next one's turn. */
const TURN = 50;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    corpus: { type: "string" },
    finds: { type: "string", default: "build/fuzz" },
  },
});
const seed = Number(values.seed);
const end = performance.now() + 1000 * Number(values.seconds);

using stack = new DisposableStack();
const project = (path: string) => import.meta.resolve(`../../${path}`);
const product = [project("lib/"), project("daemon/")];
const coverage = new Coverage((url) => product.some((root) => url.startsWith(root)));
await coverage.begin();
stack.defer(() => coverage.end());
// Only what is compiled from here on is counted by blocks.
const { TARGETS } = await import("./targets.ts") as { TARGETS: readonly Target[] };
const targets = TARGETS.filter(({ name }) => values.only === undefined || name === values.only);
const corpusOf = (name: string) => `${values.corpus}/${name}`;

function inputsOf(name: string): Uint8Array<ArrayBuffer>[] {
  if (values.corpus === undefined || !existsSync(corpusOf(name))) return [];
  const names = Array.from(Deno.readDirSync(corpusOf(name)), (entry) => entry.name).sort();
  return names.map((input) => Deno.readFileSync(`${corpusOf(name)}/${input}`));
}

const fuzzers = targets.map((target) => {
  const seeds = [...target.seeds, ...inputsOf(target.name)];
  return { target, fuzzer: new Fuzzer({ ...target, seeds }, coverage, seed) };
});
const broken = new Map<string, string>();

const isOver = () => performance.now() >= end;

async function turn(target: Target, fuzzer: Fuzzer, isWhole: boolean): Promise<void> {
  for (let left = TURN; left > 0 && !broken.has(target.name); left--) {
    if (isOver() && !isWhole) return;
    const find = await fuzzer.step();
    if (find === undefined) continue;
    Deno.mkdirSync(values.finds, { recursive: true });
    const path = `${values.finds}/${target.name}-${seed}-${fuzzer.runs}`;
    Deno.writeFileSync(path, find.input);
    broken.set(target.name, path);
    console.error(`fuzz: ${target.name}: ${path}: ${find.error.stack ?? find.error.message}`);
  }
}

// One round of all, whatever the time: of an input that never ran nothing is known.
let round = 0;
do {
  for (const { target, fuzzer } of fuzzers) await turn(target, fuzzer, round === 0);
  round++;
} while (!isOver() && broken.size < targets.length);
if (values.corpus !== undefined) {
  for (const { target: { name }, fuzzer } of fuzzers) {
    // A round that was too short for all of the corpus takes nothing from it.
    if (!fuzzer.begun) continue;
    if (existsSync(corpusOf(name))) Deno.removeSync(corpusOf(name), { recursive: true });
    Deno.mkdirSync(corpusOf(name), { recursive: true });
    fuzzer.corpus.forEach((input, i) =>
      Deno.writeFileSync(`${corpusOf(name)}/${String(i).padStart(6, "0")}`, input)
    );
  }
}
for (const { target: { name, reads } } of fuzzers) {
  if (broken.has(name) || coverage.saw(project(reads))) continue;
  broken.set(name, reads);
  console.error(
    `fuzz: ${name}: nothing of ${reads} was seen to run: its inputs are led by nothing`,
  );
}
for (const { target: { name }, fuzzer } of fuzzers) {
  const word = broken.has(name) ? "FAILED" : "ok";
  console.log(
    `${word.padEnd(7)} fuzz: ${name}: ${fuzzer.runs} inputs, ${fuzzer.corpus.length} kept`,
  );
}
console.log(`${targets.length - broken.size} passed, ${broken.size} failed`);
Deno.exit(broken.size === 0 ? 0 : 1);
