/**
 * Several processes call the decoder's nodes at random, two of them on the same open file, while
 * daemons come and go: none, one that answers everything, one that says anything, and the real one.
 *
 * @module
 */
import { constants } from "node:os";
import { expect, expectEqual } from "../../harness/suite.ts";
import { decoder, expectIdle } from "./decoder.ts";
import { Daemon } from "./daemon.ts";
import { DOCUMENTED as GENERAL } from "../filter/random_calls.ts";
import type { Random } from "../engine/random.ts";
import { type Conditions, delay } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";

/** Beside what any node gives: of STREAMON without a daemon, or its codec, and of compound controls. */
const DOCUMENTED = new Map([
  ...GENERAL,
  ...(["ENOTCONN", "EOPNOTSUPP", "ENOSPC"] as const)
    .map((name) => [constants.errno[name], name] as const),
]);

/** Daemons, or none, in the time that there is. */
const PARTS = 4;

/** One daemon after the other, each for so long; the pictures of the one that answers everything. */
async function daemons(random: Random, tools: string, ms: number): Promise<number> {
  await delay(ms);
  let pictures;
  {
    await using daemon = new Worker("answerAnything", {});
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
    await using _daemon = new Worker("beHostile", { seed: random.next(), messages });
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
  const sum = { calls: 0, succeeded: 0, results: 0, errnos: {} as Record<number, string> };
  let answered;
  {
    await using leader = new Worker("callDecoderAtRandom", { ...order(), announce: true });
    await using other = new Worker("callDecoderAtRandom", order());
    const [pid, fd] = (await leader.line() ?? "").split(" ").map(Number);
    await using follower = new Worker("callDecoderAtRandom", { ...order(), join: { pid, fd } });
    const callers = [leader, other, follower];
    answered = await daemons(random, tools, seconds * 1000 / PARTS);
    for (const caller of callers) caller.stop();
    for (const tally of await Promise.all(callers.map((caller) => caller.result()))) {
      const { calls, succeeded, results, errnos } = tally;
      sum.calls += calls;
      sum.succeeded += succeeded;
      sum.results += results;
      Object.assign(sum.errnos, errnos);
    }
  }
  await expectIdle(users);
  for (const [code, call] of Object.entries(sum.errnos)) {
    expect(DOCUMENTED.has(Number(code)), `${call} failed with errno ${code}`);
  }
  const seen = Object.keys(sum.errnos).map((code) => DOCUMENTED.get(Number(code)));
  return `3 processes, ${sum.calls} calls without a daemon, with one that gave ${answered} pictures, ` +
    `one that said anything, and the real one: ${sum.succeeded} successful, ${sum.results} pictures ` +
    `dequeued, else ${seen.join(" ")}`;
}
