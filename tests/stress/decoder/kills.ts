/**
 * The daemon killed with frames in flight: its client has them all back at once, and the next daemon
 * decodes as if nothing had been.
 *
 * @module
 */
import { expect } from "../../harness/suite.ts";
import { expectIdle, TIMEOUT_MS } from "./decoder.ts";
import { Daemon } from "./daemon.ts";
import { expectExact, type Fixture, readFixtures } from "./decode.ts";
import { DecodingLoop } from "./loop.ts";
import type { Random } from "../../harness/random.ts";
import type { Conditions } from "../engine/stage.ts";
import { decoder } from "../../harness/nodes.ts";

const MIN_KILLS = 2;

/** So long that nothing but the daemon's death gives a buffer back. */
const LONG_TIMEOUT_MS = 600_000;

/** Milliseconds from the kill to the last buffer, and how many there were. */
async function killInFlight(
  daemon: Daemon,
  fixture: Fixture,
  random: Random,
  stop: boolean,
): Promise<{ ms: number; lost: number; whole: number }> {
  using loop = new DecodingLoop(decoder.videoNode(), fixture);
  await loop.run(random.below(60));
  // A stopped daemon has answered nothing of it for sure.
  if (stop) {
    await daemon.stop();
    loop.take(0);
    loop.fill();
  }
  const { failed } = loop;
  const begin = performance.now();
  daemon.kill("SIGKILL");
  loop.takeAll();
  return { ms: performance.now() - begin, lost: loop.failed - failed, whole: loop.whole };
}

export async function decoderKills(
  { seconds, random, tools, fixtures, amount }: Conditions,
): Promise<string> {
  const all = readFixtures(fixtures);
  const long = all.filter(({ frames }) => frames >= 30);
  const end = performance.now() + seconds * 1000;
  const times: number[] = [];
  let lost = 0;
  let whole = 0;
  let exact = 0;
  while (times.length < MIN_KILLS || performance.now() < end) {
    {
      await using daemon = await Daemon.start(tools);
      decoder.setParameter("timeout_ms", LONG_TIMEOUT_MS);
      using _ = { [Symbol.dispose]: () => decoder.setParameter("timeout_ms", TIMEOUT_MS) };
      const killed = await killInFlight(
        ...[daemon, random.pick(long), random] as const,
        times.length === 0 || random.chance(0.5),
      );
      times.push(killed.ms);
      lost += killed.lost;
      whole += killed.whole;
    }
    await using _next = await Daemon.start(tools);
    const some = amount === 1 ? all : [random.pick(all)];
    for (const fixture of some) await expectExact(decoder.videoNode(), fixture);
    exact += some.length;
  }
  await expectIdle(0);
  expect(lost > 0, "no daemon had a frame when it was killed");
  const slowest = Math.max(...times);
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1].toFixed(1);
  return `${times.length} daemons killed after ${whole} frames, ${lost} frames came back with the ` +
    `error flag, all within ${slowest.toFixed(1)} ms (median ${median}), by no time-out; ` +
    `${exact} streams decoded exactly by the next daemon`;
}
