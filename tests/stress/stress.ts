/**
 * stress: the filter module under everything that programs, users and a short memory can do to it,
 * as root on a guest that may crash.
 *
 * @module
 */
import { choice, integer, number, path } from "../../lib/cli/parameters.ts";
import { main } from "../../lib/cli/tool.ts";
import { CheckFailure, Suite } from "../check/suite.ts";
import { expectWorking, restore } from "./filter.ts";
import { faults } from "./faults.ts";
import { hotplug } from "./hotplug.ts";
import { kills } from "./kills.ts";
import { leaks } from "./leaks.ts";
import { Random } from "./random.ts";
import { randomCalls } from "./random_calls.ts";
import { reloads } from "./reloads.ts";
import type { Stage } from "./stage.ts";
import { states } from "./states.ts";
import { streams } from "./streams.ts";
import { work, WORKER } from "./workers.ts";

/** In this order, each with its share of the time. */
const STAGES = {
  "random-calls": { share: 0.25, run: randomCalls },
  kills: { share: 0.18, run: kills },
  states: { share: 0.05, run: states },
  hotplug: { share: 0.15, run: hotplug },
  streams: { share: 0.08, run: streams },
  reloads: { share: 0.1, run: reloads },
  leaks: { share: 0.08, run: leaks },
  faults: { share: 0.12, run: faults },
} as const satisfies Record<string, { share: number; run: Stage }>;

/** What a stage may take beyond its time to end its processes, on a slow guest. */
const GRACE_S = 120;

/** A stage that does not end: whatever comes after it would hang too. */
class Hang extends CheckFailure {}

/** Fails if `stage` hangs, and has the kernel log what each task that cannot be killed waits for. */
async function within(seconds: number, stage: string | Promise<string>): Promise<string> {
  let timer = 0;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      Deno.writeTextFileSync("/proc/sysrq-trigger", "w");
      reject(new Hang("hangs; the kernel log has where"));
    }, seconds * 1000);
  });
  try {
    return await Promise.race([stage, timeout]);
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
  summary:
    "Stresses the loaded filter module, as root: random calls, kills, unplugging, reloads, " +
    "failing allocations. Leaves the module loaded.",
  positionals: {},
  options: {
    seconds: number("SECONDS", "about how long to take", { min: 10, max: 1e6, fallback: 90 }),
    seed: integer("N", "repeat the run that printed this seed; 0: a new one", { fallback: 0 }),
    only: {
      ...choice("STAGE", `one stage: ${Object.keys(STAGES).join(" ")}`, [
        "all",
        ...Object.keys(STAGES),
      ]),
      fallback: "all",
    },
    tools: { ...path("FOLDER", "the tools to kill"), fallback: "build/bin" },
    module: {
      ...path("FILE", "the module"),
      fallback: `build/kmod/${Deno.osRelease()}/vpipe.ko`,
    },
    fixtures: { ...path("FOLDER", "the fixtures"), fallback: "fixtures" },
  },
  async run({ seconds, seed: wantedSeed, only, tools, module, fixtures }) {
    if (Deno.uid() !== 0) throw new Error("must be started as root: it loads kernel modules");
    const seed = wantedSeed || crypto.getRandomValues(new Uint32Array(1))[0];
    console.log(`stress: seed ${seed}`);
    const suite = new Suite();
    let hung = false;
    for (const [i, [name, { share, run }]] of Object.entries(STAGES).entries()) {
      if (hung || (only !== "all" && only !== name)) continue;
      // Of its own, so that a stage alone does what it does among the others.
      const random = new Random(seed + i);
      const conditions = { seconds: share * seconds, random, tools, module, fixtures };
      await suite.check(`stress: ${name}`, async () => {
        try {
          const done = await within(conditions.seconds + GRACE_S, run(conditions));
          await expectWorking();
          return done;
        } catch (error) {
          hung = error instanceof Hang;
          if (!hung) await restore(module);
          throw error;
        }
      });
    }
    return {
      text: [suite.closing],
      json: { seed, passed: suite.passed, failed: suite.failed, skipped: suite.skipped },
      status: suite.failed === 0 ? 0 : 1,
    };
  },
});
