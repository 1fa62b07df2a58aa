/**
 * Many clients at once, again and again: what the daemon keeps of them does not grow.
 *
 * @module
 */
import { expect } from "../check/suite.ts";
import { decoder, expectIdle, streams } from "./decoder.ts";
import { DecoderClient } from "./decoder_client.ts";
import { Daemon, type Holdings, settled } from "./decoder_daemon.ts";
import type { Conditions } from "./stage.ts";

const CLIENTS = 8;
const MIN_CROWDS = 4;

/** What a daemon may have more after a crowd than after an earlier one. */
const MORE = { fds: 4, maps: 150 };

/** All of them streaming at the same time, each with a frame under way. */
async function crowd(daemon: Daemon): Promise<Holdings> {
  {
    using clients = new DisposableStack();
    const all = Array.from(
      { length: CLIENTS },
      () => clients.use(new DecoderClient(decoder.videoNode())),
    );
    for (const client of all) {
      client.start();
      client.send(0, [1, 2, 3]);
    }
    for (const client of all) expect(await client.wait(), "a frame does not come back");
    expect(streams().open.length === CLIENTS, `only ${streams().open.length} streams are open`);
  }
  return settled(daemon);
}

export async function decoderCrowd({ seconds, tools }: Conditions): Promise<string> {
  const end = performance.now() + seconds * 1000;
  const held: Holdings[] = [];
  {
    await using daemon = await Daemon.start(tools);
    while (held.length < MIN_CROWDS || performance.now() < end) held.push(await crowd(daemon));
  }
  await expectIdle(0);
  const text = held.map(({ fds, maps, megabytes }) => `${fds}/${maps}/${megabytes}`).join(" ");
  const said = `files/maps/MiB of the daemon after each crowd of ${CLIENTS}: ${text}`;
  // The first one may have found it without the threads that it keeps.
  const [, second] = held;
  const last = held.at(-1)!;
  expect(last.fds <= second.fds + MORE.fds && last.maps <= second.maps + MORE.maps, said);
  return said;
}
