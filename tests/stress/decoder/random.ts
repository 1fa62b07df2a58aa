/**
 * Several processes call the decoder's nodes at random, two of them on the same open file, while
 * daemons come and go: none, one that answers everything, one that says anything, and the real one.
 *
 * @module
 */
import { answerAnything } from "./random_worker.ts";
import { beHostile } from "./hostile_worker.ts";
import { callDecoderAtRandom } from "../engine/random_worker.ts";
import { expectEqual } from "../../harness/suite.ts";
import { expectIdle } from "./decoder.ts";
import { Daemon } from "./daemon.ts";
import type { Random } from "../../harness/random.ts";
import type { Conditions } from "../engine/stage.ts";
import { expectDocumented, type Tally, total } from "../engine/tally.ts";
import { Worker } from "../engine/workers.ts";
import { delay } from "../../harness/waiting.ts";
import { decoder } from "../../harness/nodes.ts";

/** Of STREAMON without a daemon, or its codec, and of compound controls. */
const ERRNOS = ["ENOTCONN", "EOPNOTSUPP", "ENOSPC"] as const;

/** Daemons, or none, in the time that there is. */
const PARTS = 4;

/** One daemon after the other, each for so long; the pictures of the one that answers everything. */
async function daemons(random: Random, tools: string, ms: number): Promise<number> {
  await delay(ms);
  let pictures;
  {
    await using daemon = new Worker(answerAnything, {});
    for (const said of ["ready", "picture"]) {
      expectEqual("the daemon's line", await daemon.line(), said);
    }
    await delay(ms);
    daemon.stop();
    pictures = (await daemon.result()).frames;
  }
  {
    // Of the results of its calls the hostile stage takes care.
    const messages = Number.MAX_SAFE_INTEGER;
    await using _daemon = new Worker(beHostile, { seed: random.next(), messages });
    await delay(ms);
  }
  await using daemon = await Daemon.start(tools);
  await delay(ms);
  await daemon.expectAlive();
  return pictures;
}

export async function decoderRandom({ seconds, random, tools }: Conditions): Promise<string> {
  const users = decoder.users();
  const order = () => ({ seed: random.next() });
  let sum: Tally;
  let answered;
  {
    await using leader = new Worker(callDecoderAtRandom, { ...order(), announce: true });
    await using other = new Worker(callDecoderAtRandom, order());
    const [pid, fd] = (await leader.line() ?? "").split(" ").map(Number);
    await using follower = new Worker(callDecoderAtRandom, { ...order(), join: { pid, fd } });
    const callers = [leader, other, follower];
    answered = await daemons(random, tools, seconds * 1000 / PARTS);
    for (const caller of callers) caller.stop();
    sum = total(await Promise.all(callers.map((caller) => caller.result())));
  }
  await expectIdle(users);
  const seen = expectDocumented(sum, ERRNOS);
  return `3 processes, ${sum.calls} calls without a daemon, with one that gave ${answered} pictures, ` +
    `one that said anything, and the real one: ${sum.succeeded} successful, ${sum.results} pictures ` +
    `dequeued; of ${seen}`;
}
