/**
 * A program that works is waited for, one that stands still is not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Patience, processorTicks } from "../harness/patience.ts";
import { run } from "../harness/processes.ts";
import { CheckFailure } from "../harness/suite.ts";
import { delay } from "../harness/waiting.ts";

Deno.test("a program that works for longer than its limit", async () => {
  const { status } = await run("bash", ["-c", "while [ $SECONDS -lt 15 ]; do :; done"], 5);
  assertEquals(status, 0);
});

Deno.test("a program that stands still", async () => {
  const failed = await run("sleep", ["1000"], 1).catch((error) => error);
  assert(failed instanceof CheckFailure, "it was waited for");
});

Deno.test("progress that never ends", async () => {
  let progress = 0;
  const patience = new Patience(0.01, () => progress++);
  assert(!patience.isOver);
  await delay(150);
  assert(patience.isOver);
});

Deno.test("processor time of a process that is not there", () => {
  assertEquals(processorTicks(1 << 30), undefined);
  assert(processorTicks(Deno.pid)! > 0);
});
