/**
 * The real daemon stopped in its tracks: its client has its frames back when the time is over, and
 * when the daemon goes on it serves the next stream as if nothing had been. Beside it, a second
 * daemon.
 *
 * @module
 */
import { run } from "../../harness/processes.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { expectIdle, TIMEOUT_MS } from "./decoder.ts";
import { Daemon } from "./daemon.ts";
import { expectExact, readFixtures } from "./decode.ts";
import { DecodingLoop } from "./loop.ts";
import type { Conditions } from "../engine/stage.ts";
import { decoder } from "../../harness/nodes.ts";

/** Of a daemon that stands still: one that works has the usual one, which is on its way until it is over. */
const SHORT_TIMEOUT_MS = 1000;
const MIN_STALLS = 2;

export async function decoderStalls(
  { seconds, random, tools, fixtures }: Conditions,
): Promise<string> {
  const end = performance.now() + seconds * 1000;
  const all = readFixtures(fixtures);
  const long = all.filter(({ frames }) => frames >= 30);
  let stalls = 0;
  let lost = 0;
  let slowest = 0;
  try {
    await using daemon = await Daemon.start(tools);
    const second = await run(`${tools}/decoder-daemon`, []);
    expectEqual("status of a second daemon", second.status, 1);
    expect(/EBUSY/.test(second.stderr), `a second daemon said: ${second.stderr}`);
    while (stalls < MIN_STALLS || performance.now() < end) {
      using loop = new DecodingLoop(decoder.videoNode(), random.pick(long));
      await loop.run(random.below(30));
      await daemon.stop();
      decoder.setParameter("timeout_ms", SHORT_TIMEOUT_MS);
      loop.take(20);
      loop.fill();
      const { failed } = loop;
      const begin = performance.now();
      loop.takeAll();
      slowest = Math.max(slowest, performance.now() - begin);
      lost += loop.failed - failed;
      decoder.setParameter("timeout_ms", TIMEOUT_MS);
      daemon.kill("SIGCONT");
      await expectExact(decoder.videoNode(), random.pick(all));
      stalls++;
    }
    await daemon.expectAlive();
  } finally {
    decoder.setParameter("timeout_ms", TIMEOUT_MS);
  }
  await expectIdle(0);
  expect(lost > 0, "no frame was in flight when the daemon stopped");
  return `${stalls} times stopped: ${lost} frames came back by time-out, with the error flag, after ` +
    `${slowest.toFixed(0)} ms at most, the daemon then decoded exactly; a second daemon got EBUSY`;
}
