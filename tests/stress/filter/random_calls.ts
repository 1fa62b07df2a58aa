/**
 * Several processes call the nodes at random, two of them on the same open file.
 *
 * @module
 */
import { callMetaAtRandom } from "./meta_worker.ts";
import { callVideoAtRandom } from "../engine/random_worker.ts";
import { expect } from "../../harness/suite.ts";
import type { Conditions } from "../engine/stage.ts";
import { expectDocumented, total } from "../engine/tally.ts";
import { Worker } from "../engine/workers.ts";

export async function randomCalls({ seconds, random }: Conditions): Promise<string> {
  const order = () => ({ seed: random.next(), seconds });
  // Until it is stopped: who joins it may be slow to start.
  await using leader = new Worker(callVideoAtRandom, { seed: random.next(), announce: true });
  await using other = new Worker(callVideoAtRandom, order());
  await using meta = new Worker(callMetaAtRandom, order());
  const [pid, fd] = (await leader.line() ?? "").split(" ").map(Number);
  await using follower = new Worker(callVideoAtRandom, { ...order(), join: { pid, fd } });

  const bounded = await Promise.all([other, follower].map((worker) => worker.result()));
  leader.stop();
  const frames = total([await leader.result(), ...bounded]);
  const entries = await meta.result();
  const sum = total([frames, entries]);
  const seen = expectDocumented(sum);
  expect(
    frames.results > 100,
    `${frames.results} frames came out: the calls are not random enough`,
  );
  expect(entries.results > 100, `only ${entries.results} metadata entries were read`);
  return `4 processes, ${sum.calls} calls, ${sum.succeeded} successful, ${frames.results} frames, ` +
    `${entries.results} metadata entries in sequence; of ${seen}`;
}
