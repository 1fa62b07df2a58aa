/**
 * tests/run: what comes first, and what a log says.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { closingCounts, plain, resultsIn } from "../runner/log.ts";
import { Schedule, withNeeds } from "../runner/schedule.ts";
import { type Step, STEPS } from "../runner/steps.ts";

const step = (seconds: number, needs: string[] = [], guest = false): Step => (
  { needs, seconds, guest, commands: [] }
);

const SOME = {
  style: step(50),
  build: step(10),
  quick: step(5, ["build"], true),
  slow: step(100, ["build"], true),
};

Deno.test("the longest chain begins first, and its end does not wait for the rest", () => {
  const schedule = new Schedule(SOME, Object.keys(SOME), { steps: 2, guests: 2 });
  const begin = () => {
    const name = schedule.next();
    if (name !== undefined) schedule.begin(name);
    return name;
  };
  assertEquals([begin(), begin(), begin()], ["build", "style", undefined]);
  schedule.end("build", "passed");
  assertEquals([begin(), begin()], ["slow", undefined]);
  schedule.end("style", "failed");
  assertEquals([begin(), begin()], ["quick", undefined]);
});

Deno.test("guests are as many as there is memory for", () => {
  const schedule = new Schedule(SOME, ["style", "quick", "slow"], { steps: 3, guests: 1 });
  schedule.end("build", "passed");
  schedule.begin("slow");
  assertEquals(schedule.next(), "style");
  schedule.begin("style");
  assertEquals(schedule.next(), undefined);
  schedule.end("slow", "passed");
  assertEquals(schedule.next(), "quick");
});

Deno.test("what cannot be run is named with the reason", () => {
  const schedule = new Schedule(SOME, Object.keys(SOME), { steps: 2, guests: 2 });
  schedule.begin("build");
  assertEquals(schedule.nextLost(), undefined);
  schedule.end("build", "skipped");
  assertEquals(schedule.nextLost(), { name: "quick", need: "build", state: "skipped" });
  schedule.end("quick", "skipped");
  assertEquals(schedule.nextLost()?.name, "slow");
});

Deno.test("steps come with all that they need", () => {
  assertEquals(withNeeds(SOME, ["slow"]), ["build", "slow"]);
  const all = Object.keys(STEPS);
  // Throws where a step needs one that is not there.
  assertEquals(withNeeds(STEPS, all), all);
  for (const name of all) {
    assert(/^[\w.-]+$/.test(name), name);
    assert(STEPS[name].commands.length > 0, `${name} runs nothing`);
  }
  const schedule = new Schedule(STEPS, all, { steps: 1, guests: 1 });
  for (let left = all.length; left > 0; left--) {
    const name = schedule.next();
    assert(name !== undefined, "steps need each other");
    schedule.begin(name);
    schedule.end(name, "passed");
  }
});

Deno.test("no step of `make test` waits for one that is run by name", () => {
  const all = Object.keys(STEPS).filter((name) => !STEPS[name].byName);
  assertEquals(withNeeds(STEPS, all), all);
});

Deno.test("a log says how its checks ended", () => {
  assertEquals(closingCounts("12 passed, 3 failed, 1 skipped\n"), {
    ...{ passed: 12, failed: 3, skipped: 1 },
  });
  assertEquals(closingCounts("1 passed, 1 failed\nlast words\n2 passed, 0 failed\n"), {
    ...{ passed: 3, failed: 1, skipped: 0 },
  });
  const deno = plain("\x1b[32mok\x1b[0m | 7 passed (2 steps) | 0 failed | 1 ignored (3s)\n");
  assertEquals(closingCounts(deno), { passed: 7, failed: 0, skipped: 1 });
  assertEquals(closingCounts("all is well\n"), undefined);
  const log = [
    "ok        0.5 s  module: load: it gives /dev/video7",
    "FAILED  interop: loop: ffmpeg reads: nothing",
    "skipped   1.0 s  leaks: none",
    "ok: uml: stderr: to stderr",
    "okay, but no result",
  ].join("\n");
  assertEquals(resultsIn(log), [
    { name: "module: load", state: "passed", seconds: 0.5, text: "it gives /dev/video7" },
    { name: "interop: loop: ffmpeg reads", state: "failed", seconds: 0, text: "nothing" },
    { name: "leaks", state: "skipped", seconds: 1, text: "none" },
    { name: "uml: stderr", state: "passed", seconds: 0, text: "to stderr" },
  ]);
  const untimed = resultsIn(log, true).map(({ name }) => name);
  assertEquals(untimed, ["interop: loop: ffmpeg reads", "uml: stderr"]);
});
