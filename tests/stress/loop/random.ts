/**
 * Several processes call both sides of the loopback node at random, two of them on the same open
 * file.
 *
 * @module
 */
import { expect } from "../../harness/suite.ts";
import { expectLoopIdle, loop, loopNode, loopStats, showMmap } from "./loop.ts";
import { DOCUMENTED } from "../filter/random_calls.ts";
import { type Conditions, NEVER_S } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";

/** Of all processes, where all are wanted. */
const CALLS = 100_000;

/** What a process may take to start, on a slow guest. */
const START_S = 3;

export async function loopRandom(
  { seconds, amount, random, module }: Conditions,
): Promise<string> {
  const before = loopStats(loopNode());
  const calls = CALLS * amount / 4;
  // Until the module is loaded anew.
  showMmap(true);
  const order = () => ({ seed: random.next(), seconds, calls });
  // Still there when the follower has started.
  const longer = { ...order(), seconds: seconds + START_S, announce: true };
  await using leader = new Worker("callLoopAtRandom", longer);
  await using second = new Worker("callLoopAtRandom", order());
  await using third = new Worker("callLoopAtRandom", order());
  const [pid, fd] = (await leader.line() ?? "").split(" ").map(Number);
  await using follower = new Worker("callLoopAtRandom", { ...order(), join: { pid, fd } });
  const workers = [leader, second, third, follower];
  const sum = { calls: 0, succeeded: 0, results: 0, errnos: {} as Record<number, string> };
  for (
    const tally of await Promise.all(
      workers.map((worker) => worker.result(NEVER_S * (1 + 10 * amount))),
    )
  ) {
    sum.calls += tally.calls;
    sum.succeeded += tally.succeeded;
    sum.results += tally.results;
    Object.assign(sum.errnos, tally.errnos);
  }
  await expectLoopIdle();
  const after = loopStats(loopNode());
  // Its controls are as they are at first.
  await loop.unload();
  await loop.load(module);
  for (const [code, call] of Object.entries(sum.errnos)) {
    expect(DOCUMENTED.has(Number(code)), `${call} failed with errno ${code}`);
  }
  const shared = after.shared - before.shared;
  expect(sum.results > 0, "no frame came out: the calls are not random enough");
  // A share of them may not come as far.
  expect(shared > 0 || amount < 1, "no frame reached a reader without a copy");
  const seen = Object.keys(sum.errnos).map((code) => DOCUMENTED.get(Number(code)));
  return `4 processes, ${sum.calls} calls, ${sum.succeeded} successful; ` +
    `${after.frames - before.frames} frames written, ${sum.results} read, ${shared} of them ` +
    `without a copy; else ${seen.join(" ")}`;
}
