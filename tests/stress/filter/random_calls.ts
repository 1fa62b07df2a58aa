/**
 * Several processes call the nodes at random, two of them on the same open file.
 *
 * @module
 */
import { constants } from "node:os";
import { expect } from "../../harness/suite.ts";
import type { Conditions } from "../engine/stage.ts";
import { EBADR } from "../../../lib/sys/errno.ts";
import { Worker } from "../engine/workers.ts";

/** What the V4L2 core, media requests and vpipe.h give; a number inside the kernel is not one. */
export const DOCUMENTED = new Map([
  ...([
    ...["EINVAL", "EBUSY", "EAGAIN", "EFAULT", "ENOTTY", "ENODEV", "EIO", "ENOMEM", "EBADF"],
    ...["ENOENT", "EACCES", "ERANGE", "EPERM", "EPIPE", "ENXIO", "ENOBUFS", "EOVERFLOW", "E2BIG"],
  ] as (keyof typeof constants.errno)[]).map((name) => [constants.errno[name], name] as const),
  [EBADR, "EBADR"],
]);

export async function randomCalls({ seconds, random }: Conditions): Promise<string> {
  const order = () => ({ seed: random.next(), seconds });
  await using leader = new Worker("callVideoAtRandom", { ...order(), announce: true });
  await using other = new Worker("callVideoAtRandom", order());
  await using meta = new Worker("callMetaAtRandom", order());
  const [pid, fd] = (await leader.line() ?? "").split(" ").map(Number);
  await using follower = new Worker("callVideoAtRandom", { ...order(), join: { pid, fd } });

  const tallies = [leader, other, follower, meta].map((worker) => worker.result());
  const sums = { calls: 0, succeeded: 0, frames: 0, entries: 0 };
  const errnos: Record<number, string> = {};
  for (const [i, tally] of (await Promise.all(tallies)).entries()) {
    const { calls, succeeded, results } = tally;
    sums.calls += calls;
    sums.succeeded += succeeded;
    sums[i < 3 ? "frames" : "entries"] += results;
    Object.assign(errnos, tally.errnos);
  }
  for (const [code, call] of Object.entries(errnos)) {
    expect(DOCUMENTED.has(Number(code)), `${call} failed with errno ${code}`);
  }
  expect(sums.frames > 100, `only ${sums.frames} frames came out: the calls are not random enough`);
  expect(sums.entries > 100, `only ${sums.entries} metadata entries were read`);
  const seen = Object.keys(errnos).map((code) => DOCUMENTED.get(Number(code)));
  return `4 processes, ${sums.calls} calls, ${sums.succeeded} successful, ${sums.frames} frames, ` +
    `${sums.entries} metadata entries in sequence, else ${seen.join(" ")}`;
}
