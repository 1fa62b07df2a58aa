/**
 * tests/run: every test there is, side by side as far as the machine allows.
 *
 * @module
 */
import { closing, type Counts, type State } from "../harness/results.ts";
import { Processes } from "./processes.ts";
import { type Ended, FOLDER, runStep } from "./run_step.ts";
import { Schedule, withNeeds } from "./schedule.ts";
import { STEPS } from "./steps.ts";

const USAGE = `usage: tests/run [--jobs N] [--list] [STEP...]

Runs all steps but those that are run by name, or these and what they need; the last line
counts the checks.

  --jobs N   how many steps side by side (2)
  --list     print the steps, what they need and their seconds from nothing, and
             whether they are run by name alone

Of each step there is below ${FOLDER}: STEP.log, STEP.xml (JUnit), and of a guest
STEP.dmesg. ${FOLDER}/steps.csv has a line a step.`;

const GUEST_KIB = 2.5 * 1024 * 1024;
const SLOWEST = 10;
const WORDS: Record<State, string> = { passed: "ok", failed: "FAILED", skipped: "skipped" };

class Usage extends Error {}

interface Order {
  jobs: number;
  list: boolean;
  names: string[];
}

function parse(args: readonly string[]): Order {
  const order: Order = { jobs: 2, list: false, names: [] };
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--list") order.list = true;
    else if (word === "--jobs") {
      const jobs = rest.shift() ?? "";
      if (!/^[1-9]\d?$/.test(jobs)) throw new Usage(`--jobs wants a number, not "${jobs}"`);
      order.jobs = Number(jobs);
    } else if (word.startsWith("-")) throw new Usage(`unknown option ${word}`);
    else if (!Object.hasOwn(STEPS, word)) throw new Usage(`there is no step ${word}: try --list`);
    else order.names.push(word);
  }
  if (order.names.length === 0) {
    order.names = Object.keys(STEPS).filter((name) => order.list || !STEPS[name].byName);
  }
  return order;
}

/** How many guests there is memory for; one is tried in any case. */
function guestsInMemory(): number {
  const [, free] = Deno.readTextFileSync("/proc/meminfo").match(/^MemAvailable: +(\d+) kB$/m)!;
  return Math.max(1, Math.floor(Number(free) / GUEST_KIB));
}

const seconds = (ended: Ended) => ended.seconds.toFixed(0).padStart(5) + " s";

function tell(ended: Ended): void {
  const { name, state, text, log } = ended;
  console.log(`${WORDS[state].padEnd(8)} ${name.padEnd(18)}${seconds(ended)}  ${text}`);
  if (state !== "failed" || log === undefined) return;
  for (const line of failures(ended)) console.log(line);
  const lines = Deno.readTextFileSync(log).trimEnd().split("\n");
  console.log(`--- the end of ${log} ---`);
  for (const line of lines.slice(-30)) console.log(line);
  console.log("---");
}

/** The lines of a step's log that say what failed. */
function failures({ log }: Ended): string[] {
  if (log === undefined) return [];
  const lines = Deno.readTextFileSync(log).split("\n");
  return lines.filter((line) => line.startsWith("FAILED")).slice(0, 20);
}

/** Once more at the end, where nobody has to look for them. */
function tellFailed(all: readonly Ended[]): void {
  for (const ended of all.filter(({ state }) => state === "failed")) {
    console.log(`\nfailed: ${ended.name}: ${ended.text}`);
    for (const line of failures(ended)) console.log(`  ${line}`);
  }
}

function tellSlowest(all: readonly Ended[]): void {
  const slowest = all.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  console.log(`\nthe slowest ${slowest.length} of ${all.length} steps`);
  for (const ended of slowest) console.log(`${seconds(ended)}  ${ended.name}`);
}

function keep(all: readonly Ended[]): void {
  const rows = all.map(({ name, state, seconds, counts: { passed, failed, skipped } }) =>
    [name, state, seconds.toFixed(1), passed, failed, skipped].join(",")
  );
  const lines = ["step,state,seconds,passed,failed,skipped", ...rows];
  Deno.writeTextFileSync(`${FOLDER}/steps.csv`, lines.join("\n") + "\n");
}

/** Runs the steps, tells of each as it ends, and returns all that are over. */
async function runAll({ jobs, names }: Order, processes: Processes): Promise<Ended[]> {
  const room = { steps: jobs, guests: Math.min(jobs, guestsInMemory()) };
  const schedule = new Schedule(STEPS, withNeeds(STEPS, names), room);
  const running = new Map<string, Promise<Ended>>();
  const all: Ended[] = [];
  const end = (ended: Ended) => {
    schedule.end(ended.name, ended.state);
    running.delete(ended.name);
    all.push(ended);
    tell(ended);
  };
  while (!processes.stopped) {
    for (let lost; (lost = schedule.nextLost()) !== undefined;) {
      const state = lost.state === "skipped" ? "skipped" : "failed";
      const counts = { passed: 0, failed: 0, skipped: 0, [state]: 1 };
      const text = `not run: ${lost.need} ${lost.state === "failed" ? "failed" : "was skipped"}`;
      end({ name: lost.name, state, seconds: 0, counts, log: undefined, text });
    }
    for (let name; (name = schedule.next()) !== undefined;) {
      schedule.begin(name);
      running.set(name, runStep(name, STEPS[name], processes));
    }
    if (running.size === 0) break;
    const ended = await Promise.race(running.values());
    if (!processes.stopped) end(ended);
  }
  await Promise.all(running.values());
  return all;
}

async function main(): Promise<number> {
  const order = parse(Deno.args);
  if (order.list) {
    for (const name of withNeeds(STEPS, order.names)) {
      const { needs, seconds, byName } = STEPS[name];
      const told = byName ? [...needs, "(by name)"] : needs;
      console.log(`${name.padEnd(18)}${String(seconds).padStart(5)} s  ${told.join(" ")}`);
    }
    return 0;
  }
  Deno.mkdirSync(FOLDER, { recursive: true });
  Deno.mkdirSync("build/guest", { recursive: true });
  const processes = new Processes();
  let status = 0;
  for (const [signal, number] of [["SIGHUP", 1], ["SIGINT", 2], ["SIGTERM", 15]] as const) {
    Deno.addSignalListener(signal, () => {
      status ||= 128 + number;
      processes.stop();
    });
  }
  const all = await runAll(order, processes);
  if (status !== 0) {
    console.error("tests/run: told to end before all was run");
    return status;
  }
  keep(all);
  tellSlowest(all);
  tellFailed(all);
  const sum = (of: (counts: Counts) => number) => all.reduce((n, { counts }) => n + of(counts), 0);
  const counts = {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
  };
  console.log(closing(counts));
  return counts.failed === 0 ? 0 : 1;
}

try {
  Deno.exit(await main());
} catch (error) {
  // Whoever read the list has seen enough of it.
  if (error instanceof Deno.errors.BrokenPipe) Deno.exit(1);
  if (!(error instanceof Usage)) throw error;
  console.error(`tests/run: ${error.message}\n${USAGE}`);
  Deno.exit(2);
}
