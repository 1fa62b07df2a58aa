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
import { expectDocumented, type Tally, total } from "../engine/tally.ts";
import { Worker } from "../engine/workers.ts";
import { loop, loopNode, loopStats } from "../../harness/nodes.ts";

/** Of all processes, where all are wanted. */
const CALLS = 100_000;

/** However slow the guest is, one of them reads a frame. */
const LEAST = 1;

/** The tallies of four processes, two of them on the same open file. */
async function callTogether({ seconds, amount, random }: Conditions): Promise<Tally> {
  const order = () => ({ seed: random.next(), seconds, calls: CALLS * amount / 4 });
  // Until it is stopped: who joins it may be slow to start.
  await using leader = new Worker(callLoopAtRandom, { seed: random.next(), announce: true });
  await using second = new Worker(callLoopAtRandom, { ...order(), results: LEAST });
  await using third = new Worker(callLoopAtRandom, order());
  const [pid, fd] = (await leader.said()).split(" ").map(Number);
  await using follower = new Worker(callLoopAtRandom, { ...order(), join: { pid, fd } });
  const patience = NEVER_S * (2 + 10 * amount);
  const bounded = [second, third, follower].map((worker) => worker.result(patience));
  const tallies = await Promise.all(bounded);
  leader.stop();
  return total([await leader.result(), ...tallies]);
}

export async function loopRandom(conditions: Conditions): Promise<string> {
  const before = loopStats(loopNode());
  let after;
  let sum;
  // Until the module is loaded anew.
  showMmap(true);
  try {
    sum = await callTogether(conditions);
    await expectLoopIdle();
    after = loopStats(loopNode());
  } finally {
    // Its controls are as they are at first.
    await loop.unload();
    await loop.load(conditions.module);
  }
  const seen = expectDocumented(sum);
  const shared = after.shared - before.shared;
  // A share of them may not come as far.
  expect(shared > 0 || conditions.amount < 1, "no frame reached a reader without a copy");
  return `4 processes, ${sum.calls} calls, ${sum.succeeded} successful; ` +
    `${after.frames - before.frames} frames written, ${sum.results} read, ${shared} of them ` +
    `without a copy; of ${seen}`;
}
