/**
 * KTAP and JUnit, as parsers that nobody here wrote read them; what groups leave behind.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { parse as readJunit } from "npm:junit2json@4.0.0";
import { type FinalResults, Parser } from "npm:tap-parser@18.3.4";
import { expectNothingLeft, held, leftBehind } from "../harness/left_behind.ts";
import { whyNotLoaded } from "../harness/modules.ts";
import { CheckFailure, Skip, Suite } from "../harness/suite.ts";
import { junit } from "../harness/junit.ts";
import { ktapBegin, ktapGroup } from "../harness/ktap.ts";

const AWKWARD = 'a < b & "c" # d\x1b[0m \ud800';

/** Two groups, in which everything happens that can. */
async function suite(): Promise<Suite> {
  const suite = new Suite(false, () => {});
  suite.begin("first");
  await suite.check("good", () => "all 4 bytes");
  await suite.check(AWKWARD, () => {
    throw new CheckFailure(`one line\nand ${AWKWARD}`);
  });
  suite.begin("second");
  await suite.check("not here", () => {
    throw new Skip("no such device");
  });
  return suite;
}

Deno.test("KTAP: plans, results, reasons", async () => {
  const { groups } = await suite();
  const lines = [...ktapBegin(groups.length), ...groups.flatMap((g, i) => ktapGroup(i + 1, g))];
  // KTAP indents what is inside by two, where TAP 14 wants four: each level by itself.
  const isInside = (line: string) => line.startsWith("  ");
  const inside = lines.filter(isInside).map((line) => line.slice(2));
  const second = inside.lastIndexOf("KTAP version 1");
  const levels = [
    lines.filter((line) => !isInside(line)),
    inside.slice(0, second),
    inside.slice(second),
  ].map(([version, ...rest]) => {
    assertEquals(version, "KTAP version 1");
    const events = Parser.parse(rest.join("\n"));
    const results = events.filter(([kind]) => kind === "assert")
      .map(([, result]) => result as { ok: boolean; id: number; skip: string | boolean });
    const { plan } = events.find(([kind]) => kind === "complete")![1] as FinalResults;
    assertEquals([plan.start, plan.end], [1, results.length]);
    return results.map(({ ok, id, skip }) => [ok, id, skip || false]);
  });
  assertEquals(levels, [
    [[false, 1, false], [true, 2, "none of it could be checked"]],
    [[true, 1, false], [false, 2, false]],
    [[true, 1, "no such device"]],
  ]);
});

Deno.test("JUnit: counts, messages, what XML cannot hold", async () => {
  const xml = junit((await suite()).groups);
  const report = await readJunit(xml);
  assert(report !== null && report !== undefined && "testsuite" in report);
  const [first, second] = report.testsuite!;
  assertEquals([report.tests, report.failures], [3, 1]);
  assertEquals([first.name, first.tests, first.failures, first.skipped], ["first", 2, 1, 0]);
  assertEquals([second.name, second.tests, second.skipped], ["second", 1, 1]);
  const [good, bad] = first.testcase!;
  assertEquals(good.name, "good");
  assertEquals(bad.name, 'a < b & "c" # d\ufffd[0m \ufffd');
  assertEquals(bad.failure?.[0].message, "one line");
  assertEquals(second.testcase?.[0].skipped?.[0].message, "no such device");
});

Deno.test("what is left behind fails the check, and is named", async () => {
  const before = held();
  const path = Deno.makeTempFileSync();
  {
    using _file = Deno.openSync(path);
    const said = await expectNothingLeft(before, { waitMs: 100 }).catch(({ message }) => message);
    assert(said.includes(`open files ${path}: 1, 0 before`), said);
  }
  await expectNothingLeft(before, { waitMs: 100 });
  Deno.removeSync(path);
  const few = new Map([["dma-bufs", 2], ["users of module vivid", 1]]);
  const more = new Map([["dma-bufs", 3], ["users of module vivid", 1]]);
  assertEquals(leftBehind(few, more), ["dma-bufs: 3, 2 before"]);
  assertEquals(leftBehind(more, few), []);
});

Deno.test("a module that is not signed: what to do is said", () => {
  const of = (error: string) => `insmod: ERROR: could not insert module vpipe.ko: ${error}\n`;
  for (
    const error of [
      "Key was rejected by service",
      "Required key not available",
      "Operation not permitted",
    ]
  ) assert(whyNotLoaded(of(error)).endsWith("see Secure Boot in README.md"), error);
  assert(whyNotLoaded(of("File exists")).endsWith("File exists"));
});
