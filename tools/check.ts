/**
 * check: the validation suite, on the machine it is started on.
 *
 * @module
 */
import { choice, flag, type Parameter, path } from "../lib/cli/parameters.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { File, O_RDONLY } from "../lib/sys/file.ts";
import { badInputChecks } from "../tests/check/bad_input.ts";
import { benchChecks } from "../tests/check/bench/bench.ts";
import { captureChecks } from "../tests/check/camera/capture.ts";
import { Context, heap } from "../tests/harness/context.ts";
import { codecChecks, decoderChecks } from "../tests/check/decoder/decoder.ts";
import { fenceChecks } from "../tests/check/filter/fence.ts";
import { fixtureChecks } from "../tests/check/filter/fixtures.ts";
import { expectNothingLeft, held } from "../tests/harness/left_behind.ts";
import { loopChecks } from "../tests/check/loop/loop.ts";
import { metadataChecks } from "../tests/check/filter/metadata.ts";
import { moduleChecks } from "../tests/check/filter/module.ts";
import { sharingChecks } from "../tests/check/filter/sharing.ts";
import { readable, Suite } from "../tests/harness/suite.ts";
import { unitChecks } from "../tests/check/unit.ts";
import { vividChecks } from "../tests/check/camera/enumeration.ts";
import { junit } from "../tests/harness/junit.ts";
import { ktapBegin, ktapGroup } from "../tests/harness/ktap.ts";

/** A group of checks. */
interface Checks {
  readonly run: (suite: Suite, context: Context) => Promise<void>;
  /** Whether the short set has checks of it. */
  readonly short: boolean;
}

/**
 * What can be left out, in its order. The short set has what may differ from kernel to kernel: symbols
 * and loading, page tables and mappings, dma-bufs, poll, signals, and devices that go away. What a
 * frame's content becomes, and what a tool says of its arguments, does not; those checks are made by
 * `suite.whole`.
 */
const GROUPS = {
  unit: { run: unitChecks, short: false },
  fixtures: { run: fixtureChecks, short: true },
  metadata: { run: metadataChecks, short: true },
  capture: { run: captureChecks, short: true },
  sharing: { run: sharingChecks, short: true },
  "bad-input": { run: badInputChecks, short: true },
  bench: { run: benchChecks, short: false },
  decoder: { run: decoderChecks, short: true },
  codecs: { run: codecChecks, short: false },
  loop: { run: loopChecks, short: true },
} satisfies Record<string, Checks>;

type Group = keyof typeof GROUPS;

const NAMES = Object.keys(GROUPS) as Group[];

const groups = (help: string, fallback: readonly Group[]): Parameter<readonly Group[]> => ({
  ...{ metavar: "GROUP,...", help, fallback },
  parse: (text) => text.split(",").map(choice("GROUP", "", NAMES).parse),
});

const folder = (help: string, fallback: string) => ({ ...path("FOLDER", help), fallback });

/** Runs a group, and then looks whether it gave everything back. */
async function cleanly(name: Group, suite: Suite, context: Context): Promise<void> {
  const before = held();
  await GROUPS[name].run(suite, context);
  await suite.check(`${name}: nothing left behind`, () => expectNothingLeft(before));
}

export const tool = declareTool({
  name: "check",
  summary: "Checks modules and tools on this machine, as root: loads and unloads vpipe, sends " +
    "fixtures through it, compares every byte.",
  positionals: {},
  options: {
    // A tool that is a launcher runs in ../lib/vpipe/deno.
    tools: folder(
      "the tools to check",
      Deno.execPath().replace(/\/lib\/vpipe\/deno$/, "/bin/").replace(/\/[^/]*$/, ""),
    ),
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
    only: groups(`only these, of ${NAMES.join(", ")}`, NAMES),
    without: groups("all but these", []),
    short: flag("only what differs from kernel to kernel: minutes on an emulated machine"),
    artifacts: folder("where to put images and CSVs for the reader", "bench"),
    tap: flag("print KTAP, a group as it ends, instead of a line a check"),
    junit: { ...path("FILE", "keep the results there as JUnit XML as well"), fallback: "" },
  },
  async run({ tools, module, header, fixtures, scripts, artifacts, ...order }) {
    if (Deno.uid() !== 0) throw new Error("must be started as root: it loads kernel modules");
    for (const needed of [module, fixtures, scripts, `${tools}/fixture-feed`]) {
      File.open(needed, O_RDONLY).close();
    }
    const keep = (groups: Parameters<typeof junit>[0]) =>
      order.junit === "" || Deno.writeTextFileSync(order.junit, junit(groups));
    // Before the first group, so that a place where it cannot be is told at once.
    keep([]);
    using context = new Context(tools, module, fixtures, scripts, artifacts);
    const { short, tap } = order;
    const suite = new Suite(short, (result) => tap || console.log(readable(result)));
    const chosen = NAMES.filter((name) =>
      order.only.includes(name) && !order.without.includes(name) && (GROUPS[name].short || !short)
    );
    const all: Record<string, () => Promise<void>> = {
      headers: async () => {
        await fenceChecks(suite, header);
        await suite.check("a source of dma-bufs", () => `they come from ${heap()}`);
      },
      module: () => moduleChecks(suite, context),
      camera: () => vividChecks(suite, context),
    };
    for (const name of chosen) all[name] = () => cleanly(name, suite, context);

    const print = (lines: readonly string[]) => tap && console.log(lines.join("\n"));
    print(ktapBegin(Object.keys(all).length));
    for (const [i, [name, run]] of Object.entries(all).entries()) {
      await suite.group(name, run);
      print(ktapGroup(i + 1, suite.groups[i]));
      // The groups that are over are known even where one takes the machine down.
      keep(suite.groups);
    }
    return {
      text: tap ? [] : [`artifacts are in ${artifacts}/`, suite.closing],
      json: { ...suite.counts },
      status: suite.counts.failed === 0 ? 0 : 1,
    };
  },
});

if (import.meta.main) await main(tool);
