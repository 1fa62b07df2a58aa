/**
 * stress: a module under everything that programs, users and a short memory can do to it,
 * as root on a guest that may crash.
 *
 * @module
 */
import { choice, integer, number, path } from "../../lib/cli/parameters.ts";
import { main } from "../../lib/cli/tool.ts";
import { expectNothingLeft, held } from "../harness/left_behind.ts";
import { CheckFailure, Suite } from "../harness/suite.ts";
import { junit } from "../harness/junit.ts";
import { type Group, GROUPS, STAGE_NAMES } from "./engine/groups.ts";
import { Random } from "../harness/random.ts";
import { WORKER } from "./engine/workers.ts";
import { work } from "./worker_table.ts";

/** What a stage may take beyond its time, or for a step: longer than what it waits for itself, which says more. */
const GRACE_S = 900;

/** And for all of what it counts. */
const AMOUNT_S = 3600;

/** A stage that does not end: whatever comes after it would hang too. */
class Hang extends CheckFailure {}

/**
 * Fails if the stage hangs, and has the kernel log what each task that cannot be killed waits for. Each
 * step that it tells of has the time anew.
 */
async function within(
  seconds: number,
  run: (step: () => void) => string | Promise<string>,
): Promise<string> {
  const timeout = Promise.withResolvers<never>();
  let timer = 0;
  const step = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      Deno.writeTextFileSync("/proc/sysrq-trigger", "w");
      timeout.reject(new Hang("hangs; the kernel log has where"));
    }, seconds * 1000);
  };
  step();
  try {
    return await Promise.race([run(step), timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

if (Deno.args[0] === WORKER) {
  await work(Deno.args.slice(1));
  Deno.exit();
}

main({
  name: "stress",
  summary: "Stresses a loaded module, as root: random calls, kills, unplugging, reloads, failing " +
    "allocations, and the decoder with hostile daemons and streams. Leaves the module loaded.",
  positionals: {
    group: {
      ...choice("MODULE", `which one: ${Object.keys(GROUPS).join(" ")}`, [
        ...Object.keys(GROUPS) as (keyof typeof GROUPS)[],
      ]),
      fallback: "filter",
    },
  },
  options: {
    seconds: number("SECONDS", "about how long to take", { min: 10, max: 1e6, fallback: 90 }),
    seed: integer("N", "repeat the run that printed this seed; 0: a new one", { fallback: 0 }),
    only: {
      ...choice("STAGE", `one stage: ${STAGE_NAMES.join(" ")}`, ["all", ...STAGE_NAMES]),
      fallback: "all",
    },
    tools: { ...path("FOLDER", "the tools to kill"), fallback: "build/bin" },
    amount: number("FRACTION", "of the streams, messages and calls that a stage counts: 1 is all", {
      min: 0.001,
      max: 1,
      fallback: 0.005,
    }),
    modules: {
      ...path("FOLDER", "the modules"),
      fallback: `build/kmod/${Deno.osRelease()}`,
    },
    fixtures: { ...path("FOLDER", "the fixtures"), fallback: "fixtures" },
    junit: { ...path("FILE", "keep the results there as JUnit XML as well"), fallback: "" },
  },
  async run({ group, seconds, seed: wantedSeed, only, amount, tools, modules, fixtures, ...more }) {
    if (Deno.uid() !== 0) throw new Error("must be started as root: it loads kernel modules");
    const seed = wantedSeed || crypto.getRandomValues(new Uint32Array(1))[0];
    console.log(`stress ${group}: seed ${seed}`);
    const { driver, stages, expectWorking }: Group = GROUPS[group as keyof typeof GROUPS];
    const module = `${modules}/${driver.name}.ko`;
    const suite = new Suite();
    suite.begin(`stress ${group}`);
    let hung = false;
    for (const [i, [name, { share, run }]] of Object.entries(stages).entries()) {
      if (hung || (only !== "all" && only !== name)) continue;
      // Of its own, so that a stage alone does what it does among the others.
      const random = new Random(seed + i);
      const conditions = { seconds: share * seconds, amount, random, tools, module, fixtures };
      await suite.check(`stress ${group}: ${name}`, async () => {
        const before = held();
        try {
          const done = await within(
            conditions.seconds + GRACE_S + amount * AMOUNT_S,
            (step) => run({ ...conditions, step }),
          );
          await expectWorking();
          await expectNothingLeft(before);
          return done;
        } catch (error) {
          hung = error instanceof Hang;
          if (!hung) await driver.restore(module);
          throw error;
        }
      });
    }
    if (more.junit !== "") Deno.writeTextFileSync(more.junit, junit(suite.groups));
    return {
      text: [suite.closing],
      json: { seed, ...suite.counts },
      status: suite.counts.failed === 0 ? 0 : 1,
    };
  },
});
