/**
 * check: the validation suite, on the machine it is started on.
 *
 * @module
 */
import { choice, type Parameter, path } from "../lib/cli/parameters.ts";
import { main } from "../lib/cli/tool.ts";
import { badInputChecks } from "../tests/check/bad_input.ts";
import { benchChecks } from "../tests/check/bench.ts";
import { captureChecks } from "../tests/check/capture.ts";
import { Context } from "../tests/check/context.ts";
import { decoderChecks } from "../tests/check/decoder.ts";
import { fenceChecks } from "../tests/check/fence.ts";
import { fixtureChecks } from "../tests/check/fixtures.ts";
import { loopChecks } from "../tests/check/loop.ts";
import { metadataChecks } from "../tests/check/metadata.ts";
import { moduleChecks } from "../tests/check/module.ts";
import { sharingChecks } from "../tests/check/sharing.ts";
import { Suite } from "../tests/check/suite.ts";
import { unitChecks } from "../tests/check/unit.ts";
import { vividChecks } from "../tests/check/vivid.ts";

/** What checks the machine, and loads what the other groups need. */
const FIRST = [moduleChecks, vividChecks];

/** What can be left out, in its order. */
const GROUPS = {
  unit: unitChecks,
  fixtures: fixtureChecks,
  metadata: metadataChecks,
  capture: captureChecks,
  sharing: sharingChecks,
  "bad-input": badInputChecks,
  bench: benchChecks,
  decoder: decoderChecks,
  loop: loopChecks,
};

type Group = keyof typeof GROUPS;

const groups: Parameter<readonly Group[]> = {
  metavar: "GROUP,...",
  help: `only these, of ${Object.keys(GROUPS).join(", ")}`,
  fallback: Object.keys(GROUPS) as Group[],
  parse(text) {
    const one = choice("GROUP", "", Object.keys(GROUPS) as Group[]);
    return text.split(",").map(one.parse);
  },
};

const folder = (help: string, fallback: string) => ({ ...path("FOLDER", help), fallback });

main({
  name: "check",
  summary: "Checks modules and tools on this machine, as root: loads and unloads vpipe, sends " +
    "fixtures through it, compares every byte.",
  positionals: {},
  options: {
    tools: folder("the tools to check", Deno.execPath().replace(/\/[^/]*$/, "")),
    module: {
      ...path("FILE", "the module to load"),
      fallback: `build/kmod/${Deno.osRelease()}/vpipe.ko`,
    },
    header: {
      ...path("FILE", "this kernel's videodev2.h, where it is not below /lib/modules"),
      fallback: "",
    },
    fixtures: folder("the fixtures", "fixtures"),
    scripts: folder("the bench scripts", "scripts"),
    only: groups,
    artifacts: folder("where to put images and CSVs for the reader", "bench"),
  },
  async run({ tools, module, header, fixtures, scripts, artifacts, only }) {
    if (Deno.uid() !== 0) throw new Error("must be started as root: it loads kernel modules");
    for (const needed of [module, fixtures, scripts, `${tools}/fixture-feed`]) {
      Deno.statSync(needed);
    }
    using context = new Context(tools, module, fixtures, scripts, artifacts);
    const suite = new Suite();
    await fenceChecks(suite, header);
    for (const checks of FIRST) await checks(suite, context);
    for (const [name, checks] of Object.entries(GROUPS)) {
      if (only.includes(name as Group)) await checks(suite, context);
    }
    return {
      text: [`artifacts are in ${artifacts}/`, suite.closing],
      json: { passed: suite.passed, failed: suite.failed, skipped: suite.skipped },
      status: suite.failed === 0 ? 0 : 1,
    };
  },
});
