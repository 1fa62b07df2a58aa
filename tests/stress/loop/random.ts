/**
 * Several processes call both sides of the loopback node at random, two of them on the same open
 * file.
 *
 * @module
 */
import { callLoopAtRandom } from "../engine/random_worker.ts";
import { expect } from "../../harness/suite.ts";
import { expectLoopIdle, showMmap } from "./loop.ts";
import { type Conditions, NEVER_S } from "../engine/stage.ts";
import { expectDocumented, total } from "../engine/tally.ts";
import { Worker } from "../engine/workers.ts";
import { loop, loopNode, loopStats } from "../../harness/nodes.ts";

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
  await using leader = new Worker(callLoopAtRandom, longer);
  await using second = new Worker(callLoopAtRandom, order());
  await using third = new Worker(callLoopAtRandom, order());
  const [pid, fd] = (await leader.line() ?? "").split(" ").map(Number);
  await using follower = new Worker(callLoopAtRandom, { ...order(), join: { pid, fd } });
  const workers = [leader, second, third, follower];
  const patience = NEVER_S * (1 + 10 * amount);
  const sum = total(await Promise.all(workers.map((worker) => worker.result(patience))));
  await expectLoopIdle();
  const after = loopStats(loopNode());
  // Its controls are as they are at first.
  await loop.unload();
  await loop.load(module);
  const seen = expectDocumented(sum);
  const shared = after.shared - before.shared;
  expect(sum.results > 0, "no frame came out: the calls are not random enough");
  // A share of them may not come as far.
  expect(shared > 0 || amount < 1, "no frame reached a reader without a copy");
  return `4 processes, ${sum.calls} calls, ${sum.succeeded} successful; ` +
    `${after.frames - before.frames} frames written, ${sum.results} read, ${shared} of them ` +
    `without a copy; of ${seen}`;
}
