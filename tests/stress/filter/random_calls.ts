/**
 * Several processes call the nodes at random, two of them on the same open file.
 *
 * @module
 */
import { callMetaAtRandom } from "./meta_worker.ts";
import { callVideoAtRandom } from "../engine/random_worker.ts";
import { type Conditions, NEVER_S } from "../engine/stage.ts";
import { expectDocumented, total } from "../engine/tally.ts";
import { Worker } from "../engine/workers.ts";

/** Frames of one process, and metadata entries: however slow the guest is, the calls come to so many. */
const LEAST = 100;

export async function randomCalls({ seconds, random }: Conditions): Promise<string> {
  const order = () => ({ seed: random.next(), seconds });
  // Until it is stopped: who joins it may be slow to start.
  await using leader = new Worker(callVideoAtRandom, { seed: random.next(), announce: true });
  await using other = new Worker(callVideoAtRandom, { ...order(), results: LEAST });
  await using meta = new Worker(callMetaAtRandom, { ...order(), results: LEAST });
  const [pid, fd] = (await leader.said()).split(" ").map(Number);
  await using follower = new Worker(callVideoAtRandom, { ...order(), join: { pid, fd } });

  const [entries, ...bounded] = await Promise.all(
    [meta, other, follower].map((worker) => worker.result(2 * NEVER_S)),
  );
  leader.stop();
  const frames = total([await leader.result(), ...bounded]);
  const sum = total([frames, entries]);
  const seen = expectDocumented(sum);
  return `4 processes, ${sum.calls} calls, ${sum.succeeded} successful, ${frames.results} frames, ` +
    `${entries.results} metadata entries in sequence; of ${seen}`;
}
