/**
 * Clients killed at any moment while others decode beside them: nobody else notices.
 *
 * @module
 */
import { decodeExactly } from "./worker.ts";
import { expect } from "../../harness/suite.ts";
import { expectIdle } from "./decoder.ts";
import { Daemon, type Holdings, settled } from "./daemon.ts";
import { readFixtures } from "./decode.ts";
import type { Random } from "../../harness/random.ts";
import type { Conditions } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { delay } from "../../harness/waiting.ts";
import { decoder } from "../../harness/nodes.ts";

const VICTIMS = 3;
const MIN_ROUNDS = 2;

/** A stream of 30 frames takes about so long; a kill comes at any time in it. */
const STREAM_MS = 500;

/** What the daemon's runtime and allocator may keep while it serves ever new streams. */
const MORE = { fds: 4, maps: 150 };

/** Starts clients, kills each somewhere in its first streams; how many had begun to decode. */
async function killSome(random: Random, fixtures: string, names: string[]): Promise<number> {
  await using victims = new AsyncDisposableStack();
  const running = Array.from({ length: VICTIMS }, () => {
    const order = { seconds: 1000, fixtures, names: random.shuffle(names), announce: true };
    return victims.use(new Worker(decodeExactly, order));
  });
  // Some before they have a stream, most in one.
  const waits = running.map((worker) => random.chance(0.8) ? worker.line() : undefined);
  const begun = await Promise.all(waits);
  await delay(random.below(STREAM_MS));
  return begun.filter((line) => line !== undefined).length;
}

export async function decoderClients(
  { seconds, random, tools, fixtures }: Conditions,
): Promise<string> {
  const users = decoder.users();
  const names = readFixtures(fixtures).map(({ name }) => name);
  const long = names.filter((name) => /320x240/.test(name));
  const end = performance.now() + seconds * 1000;
  let killed = 0;
  let midway = 0;
  let before: Holdings;
  let after: Holdings;
  let streams = 0;
  {
    await using daemon = await Daemon.start(tools);
    const steady = () =>
      Array.from(
        { length: 2 },
        () =>
          new Worker(decodeExactly, {
            seconds: Math.max(end - performance.now(), 0) / 1000,
            fixtures,
            names: random.shuffle(names),
          }),
      );
    // So that it has as many threads as it will need.
    await killSome(random, fixtures, long);
    before = await settled(daemon);

    await using workers = new AsyncDisposableStack();
    const others = steady().map((worker) => workers.use(worker));
    for (let round = 0; round < MIN_ROUNDS || performance.now() < end; round++) {
      midway += await killSome(random, fixtures, long);
      killed += VICTIMS;
      await daemon.expectAlive();
    }
    for (const other of others) streams += (await other.result()).streams;
    after = await settled(daemon);
  }
  await expectIdle(users);
  expect(midway > 0, "no client had come as far as decoding");
  const text = ({ fds, maps, buffers }: Holdings) =>
    `${fds} files, ${maps} maps, ${buffers} buffers`;
  const change = `the daemon had ${text(before)} before, ${text(after)} after`;
  expect(after.buffers === 0 && before.buffers === 0, change);
  expect(after.fds <= before.fds + MORE.fds && after.maps <= before.maps + MORE.maps, change);
  return `${killed} clients killed, ${midway} of them in mid-stream, while two others decoded ` +
    `${streams} streams exactly; no stream and no user of the module is left; ${change}`;
}
