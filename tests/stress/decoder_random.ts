/**
 * Several processes call the decoder's node at random, two of them on the same open file: first
 * without a daemon, then with one that answers everything, then with the real one.
 *
 * @module
 */
import { constants } from "node:os";
import { expect } from "../check/suite.ts";
import { decoder, expectIdle } from "./decoder.ts";
import { Daemon } from "./decoder_daemon.ts";
import { DOCUMENTED as GENERAL } from "./random_calls.ts";
import type { Random } from "./random.ts";
import type { Conditions } from "./stage.ts";
import { Worker } from "./workers.ts";

/** Beside what any node gives: of STREAMON without a daemon, or its codec, and of compound controls. */
const DOCUMENTED = new Map([
  ...GENERAL,
  ...(["ENOTCONN", "EOPNOTSUPP", "ENOSPC"] as const)
    .map((name) => [constants.errno[name], name] as const),
]);

/** A daemon, if it is there, has so long for a frame. */
const WAIT_S = 60;

/** What a process may take to start, on a slow guest. */
const START_S = 3;

async function callers(random: Random, seconds: number) {
  const order = () => ({ seed: random.next(), seconds });
  // Still there when the follower has started.
  const longer = { ...order(), seconds: seconds + START_S, announce: true };
  await using leader = new Worker("callDecoderAtRandom", longer);
  await using other = new Worker("callDecoderAtRandom", order());
  const [pid, fd] = (await leader.line() ?? "").split(" ").map(Number);
  await using follower = new Worker("callDecoderAtRandom", { ...order(), join: { pid, fd } });
  const sum = { calls: 0, succeeded: 0, results: 0, errnos: {} as Record<number, string> };
  const results = [leader, other, follower].map((worker) => worker.result(seconds + WAIT_S));
  for (const { calls, succeeded, results: pictures, errnos } of await Promise.all(results)) {
    sum.calls += calls;
    sum.succeeded += succeeded;
    sum.results += pictures;
    Object.assign(sum.errnos, errnos);
  }
  for (const [code, call] of Object.entries(sum.errnos)) {
    expect(DOCUMENTED.has(Number(code)), `${call} failed with errno ${code}`);
  }
  return sum;
}

export async function decoderRandom({ seconds, random, tools }: Conditions): Promise<string> {
  const users = decoder.users();
  const alone = await callers(random, seconds * 0.3);
  expect(alone.results === 0, `${alone.results} pictures without a daemon`);
  await expectIdle(users);
  let answered;
  {
    await using daemon = new Worker("answerAnything", {});
    await daemon.line();
    answered = await callers(random, seconds * 0.4);
    daemon.stop();
    await daemon.result(WAIT_S);
  }
  await expectIdle(users);
  let served;
  {
    await using daemon = await Daemon.start(tools);
    served = await callers(random, seconds * 0.3);
    await daemon.expectAlive();
  }
  await expectIdle(users);
  const codes = Object.keys({ ...alone.errnos, ...answered.errnos, ...served.errnos });
  const seen = codes.map((code) => DOCUMENTED.get(Number(code)));
  expect(answered.results > 20, `only ${answered.results} pictures came out`);
  const succeeded = alone.succeeded + answered.succeeded + served.succeeded;
  return `3 processes: ${alone.calls} calls without a daemon, ${answered.calls} with one that ` +
    `answered with ${answered.results} pictures, ${served.calls} with the real one, of all calls ` +
    `${succeeded} successful, else ${seen.join(" ")}`;
}
