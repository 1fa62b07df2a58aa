/**
 * Running one step: its programs, its guest's kernel log, its counts.
 *
 * @module
 */
import { junit } from "../harness/junit.ts";
import { closing, type Counts, countsOf, type Result, type State } from "../harness/results.ts";
import { closingCounts, plain, resultsIn } from "./log.ts";
import type { Processes } from "./processes.ts";
import type { Step } from "./steps.ts";

/** Where logs and results are kept. */
export const FOLDER = "build/test";

/** What a program exits with that could not be run here. */
const SKIPPED = 77;

/** What a guest exits with that did not come to its command's end. */
const GUEST_FAILED = 125;

/** A step that is over. */
export interface Ended {
  readonly name: string;
  readonly state: State;
  readonly seconds: number;
  readonly counts: Counts;
  /** Where its output is; undefined for a step that was not run. */
  readonly log: string | undefined;
  /** Its counts, or why it was not run or was skipped. */
  readonly text: string;
}

/** A file's text, of which there may be none. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

const stateOf = (status: number): State =>
  status === 0 ? "passed" : status === SKIPPED ? "skipped" : "failed";

/** The files of one step, and the programs that write them. */
class Run {
  readonly log: string;
  readonly #xml: string;
  readonly #dmesg: string;

  constructor(
    private readonly name: string,
    private readonly step: Step,
    private readonly processes: Processes,
  ) {
    [this.log, this.#xml, this.#dmesg] = ["log", "xml", "dmesg"].map((kind) =>
      `${FOLDER}/${name}.${kind}`
    );
    Deno.writeTextFileSync(this.log, "");
    Deno.writeTextFileSync(this.#xml, "");
    if (step.guest) Deno.writeTextFileSync(this.#dmesg, "");
  }

  #start(command: readonly string[]): Promise<number> {
    const words: Record<string, string> = { step: this.name, xml: this.#xml };
    const real = command.map((word) => word.replace(/\{(\w+)\}/, (_, key) => words[key]));
    const env = { NO_COLOR: "1", ...this.step.guest ? { GUEST_LOG: this.#dmesg } : {} };
    return this.processes.run(real, this.log, env);
  }

  say(line: string): void {
    Deno.writeTextFileSync(this.log, `${line}\n`, { append: true });
  }

  /** Runs the commands, and returns the status of the last. */
  async commands(): Promise<number> {
    let status = 0;
    for (const command of this.step.commands) {
      status = await this.#start(command);
      if (status === GUEST_FAILED && read(this.#dmesg).includes("Oops: int3")) {
        // See keep_counting in guest/init: that says nothing of what ran in the guest.
        this.say("the emulated kernel died of a breakpoint in its own code; once more");
        status = await this.#start(command);
      }
      if (status !== 0) break;
    }
    return status;
  }

  /** Whether a sanitizer, lockdep or the kernel itself complains of something. */
  async kernelLog(): Promise<Result> {
    const start = performance.now();
    const clean = await this.#start(["guest/dmesg-clean", this.#dmesg]) === 0;
    const text = clean ? `no report in ${this.#dmesg}` : `reports in ${this.#dmesg}`;
    this.say(`${clean ? "ok" : "FAILED"}: the guest's kernel log: ${text}`);
    const seconds = (performance.now() - start) / 1000;
    return { name: "the guest's kernel log", state: clean ? "passed" : "failed", seconds, text };
  }

  /** Completes what a suite wrote of itself, or writes what its log says. */
  keep(log: string, whole: Result | undefined, added: readonly Result[]): void {
    const suites = read(this.#xml);
    // What a suite wrote of itself has all that it timed.
    const found = whole ? [whole] : resultsIn(log, suites !== "");
    const end = suites.lastIndexOf("</testsuites>");
    if (end < 0) {
      Deno.writeTextFileSync(
        this.#xml,
        junit([{ name: this.name, results: [...found, ...added] }]),
      );
      return;
    }
    const results = [...found, ...added];
    if (results.length > 0) {
      const own = junit([{ name: this.name, results }]);
      const [suite] = own.match(/^ *<testsuite [^]*<\/testsuite>\n/m)!;
      Deno.writeTextFileSync(this.#xml, suites.slice(0, end) + suite + suites.slice(end));
    }
  }
}

/** Runs a step to its end, and leaves STEP.log, STEP.xml and, of a guest, STEP.dmesg. */
export async function runStep(name: string, step: Step, processes: Processes): Promise<Ended> {
  const start = performance.now();
  const run = new Run(name, step, processes);
  const status = await run.commands();
  const state = stateOf(status);
  const log = plain(read(run.log));
  const last = log.trimEnd().split("\n").at(-1)!;
  const told = closingCounts(log);

  const whole: Result = { name, state, seconds: (performance.now() - start) / 1000, text: last };
  const added: Result[] = [];
  if (told !== undefined && state === "failed" && told.failed === 0) {
    // A suite that died behind its last check has failed all the same.
    added.push({ ...whole, text: `status ${status}: ${last}` });
  }
  const skipped = told?.skipped ?? 0;
  if (skipped > (step.skips ?? Infinity)) {
    const text = `${skipped} are, ${step.skips} may be`;
    run.say(`FAILED: skipped checks: ${text}`);
    added.push({ name: "skipped checks", state: "failed", seconds: 0, text });
  }
  if (step.guest && state !== "skipped") added.push(await run.kernelLog());
  run.keep(log, told === undefined ? whole : undefined, added);

  const [own, more] = [told ?? countsOf([whole]), countsOf(added)];
  const counts = {
    passed: own.passed + more.passed,
    failed: own.failed + more.failed,
    skipped: own.skipped + more.skipped,
  };
  return {
    ...{ name, counts, log: run.log, seconds: (performance.now() - start) / 1000 },
    state: counts.failed > 0 ? "failed" : state,
    text: state === "skipped" ? last : told ?? added.length > 0 ? closing(counts) : "",
  };
}
