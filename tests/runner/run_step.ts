/**
 * Running one step: its processes, its log, its counts.
 *
 * @module
 */
import { junit } from "../harness/junit.ts";
import { closing, type Counts, countsOf, type Result, type State } from "../harness/results.ts";
import type { Command, Step } from "./steps.ts";

/** Where logs and results are kept. */
export const FOLDER = "build/test";

/** What a program exits with that could not be run here. */
const SKIPPED = 77;

/** What a guest exits with that did not come to its command's end. */
const GUEST_FAILED = 125;

/** How long processes have to end when they are told to. */
const GRACE_MS = 30_000;

/** A step that is over. */
export interface Ended {
  readonly name: string;
  readonly state: State;
  readonly seconds: number;
  readonly counts: Counts;
  /** Where its output is; undefined for a step that was not run. */
  readonly log: string | undefined;
  /** Why it was not run, or was skipped. */
  readonly text: string;
}

/** The newest kernel's sources, as far as there are any. */
function linux(): string {
  const byVersion = new Intl.Collator("en", { numeric: true });
  const names = [...Deno.readDirSync("build/guest")].map(({ name }) => name);
  const [newest = "linux"] = names.filter((name) => /^linux-\d[\d.]*$/.test(name))
    .sort((a, b) => byVersion.compare(b, a));
  return `build/guest/${newest}`;
}

/** A suite's own results, by its lines: `ok      1.2 s  NAME: TEXT`, `ok: NAME: TEXT`. */
function resultsIn(log: string): Result[] {
  const states: Record<string, State> = { ok: "passed", FAILED: "failed", skipped: "skipped" };
  return [...log.matchAll(/^(ok|FAILED|skipped):?\s+(?:([\d.]+) s\s+)?(.*?)(?:: (.*))?$/gm)].map(
    ([, word, seconds = "0", name, text = ""]) => (
      { name, state: states[word], seconds: Number(seconds), text }
    ),
  );
}

/** `N passed, N failed[, N skipped]` as a suite closes, or Deno's words. */
function closingCounts(log: string): Counts | undefined {
  const line = log.match(/^(?:.* \| )?(\d+) passed(?: \([^)]*\))?(?:, | \| )(\d+) failed.*$/gm)
    ?.at(-1);
  if (line === undefined) return undefined;
  const count = (word: string) => Number(line.match(`(\\d+) ${word}`)?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

// deno-lint-ignore no-control-regex
const plain = (text: string) => text.replaceAll(/\x1b\[[\d;]*m/g, "");

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** The steps that run, and a way to end them all. */
export class Processes {
  readonly #leaders = new Set<number>();
  #stopped = false;

  /** Whether no further program is to be started. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Runs a program, in a session of its own, with its output at the end of a log. */
  async run(command: Command, log: string, env: Record<string, string>): Promise<number> {
    if (this.#stopped) return 1;
    const into = 'log=$1; shift; exec "$@" >>"$log" 2>&1';
    const child = new Deno.Command("setsid", {
      args: ["sh", "-c", into, "sh", log, ...command],
      stdin: "null",
      env,
    }).spawn();
    this.#leaders.add(child.pid);
    const { code } = await child.status;
    this.#leaders.delete(child.pid);
    return code;
  }

  #signal(signal: Deno.Signal): void {
    for (const leader of this.#leaders) {
      try {
        Deno.kill(-leader, signal);
      } catch {
        // It just ended.
      }
    }
  }

  /** Ends what runs, in order if it can. */
  stop(): void {
    this.#stopped = true;
    this.#signal("SIGTERM");
    Deno.unrefTimer(setTimeout(() => this.#signal("SIGKILL"), GRACE_MS));
  }
}

/** Runs a step to its end, and leaves STEP.log, STEP.xml and, of a guest, STEP.dmesg. */
export async function runStep(name: string, step: Step, processes: Processes): Promise<Ended> {
  const [log, xml, dmesg] = ["log", "xml", "dmesg"].map((kind) => `${FOLDER}/${name}.${kind}`);
  const begin = performance.now();
  for (const path of [log, xml, dmesg]) Deno.writeTextFileSync(path, "");
  if (!step.guest) Deno.removeSync(dmesg);
  const words: Record<string, string> = { step: name, xml, linux: linux() };
  const env = { GUEST_LOG: dmesg, NO_COLOR: "1" };

  let status = 0;
  for (const command of step.commands) {
    const real = command.map((word) => word.replace(/\{(\w+)\}/, (_, key) => words[key]));
    status = await processes.run(real, log, env);
    if (status === GUEST_FAILED && read(dmesg).includes("Oops: int3")) {
      // See keep_counting in guest/init: it says nothing of what ran in the guest.
      const words = "\nthe emulated kernel died of a breakpoint in its own code; once more\n";
      Deno.writeTextFileSync(log, words, { append: true });
      Deno.renameSync(dmesg, `${dmesg}.emulator`);
      status = await processes.run(real, log, env);
    }
    if (status !== 0) break;
  }
  const own = plain(read(log));
  const seconds = () => (performance.now() - begin) / 1000;

  const state = status === 0 ? "passed" : status === SKIPPED ? "skipped" : "failed";
  const last = own.trimEnd().split("\n").at(-1) ?? "";
  const whole: Result = { name, state, seconds: seconds(), text: last };
  const found = resultsIn(own);
  const told = closingCounts(own);
  const extra: Result[] = [];
  // A suite that died behind its last check has failed all the same.
  if (told !== undefined && state === "failed" && told.failed === 0) {
    extra.push({ ...whole, text: `status ${status}: ${last}` });
  }
  if (step.guest && state !== "skipped") {
    const dirty = await processes.run(["guest/dmesg-clean", dmesg], log, env) !== 0;
    const text = dirty ? `${dmesg} has reports: see ${log}` : "no report";
    extra.push({
      ...{ name: `${name}: the guest's kernel log`, state: dirty ? "failed" : "passed" },
      ...{ seconds: 0, text },
    });
    const word = dirty ? "FAILED" : "ok";
    Deno.writeTextFileSync(log, `${word}: ${extra.at(-1)!.name}: ${text}\n`, { append: true });
  }
  keepResults(xml, name, found.length > 0 ? found : [whole], extra);

  const base = told ?? countsOf([whole]);
  const more = countsOf(extra);
  const counts = {
    passed: base.passed + more.passed,
    failed: base.failed + more.failed,
    skipped: base.skipped + more.skipped,
  };
  return {
    ...{ name, seconds: seconds(), counts, log },
    state: counts.failed > 0 ? "failed" : state,
    text: state === "skipped" ? last : told === undefined ? "" : closing(counts),
  };
}

/** Completes a suite's own file, or writes one. */
function keepResults(xml: string, name: string, found: Result[], extra: Result[]): void {
  const suites = read(xml);
  const end = suites.lastIndexOf("</testsuites>");
  if (end < 0) {
    Deno.writeTextFileSync(xml, junit([{ name, results: [...found, ...extra] }]));
  } else if (extra.length > 0) {
    const [, inside] = junit([{ name, results: extra }])
      .match(/<testsuites[^>]*>\n([^]*)<\/testsuites>/)!;
    Deno.writeTextFileSync(xml, suites.slice(0, end) + inside + suites.slice(end));
  }
}
