/**
 * Many clients at once, again and again: what the daemon keeps of them does not grow.
 *
 * @module
 */
import { EBUSY } from "../../../lib/sys/errno.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { expectIdle, streams } from "./decoder.ts";
import { CAPTURE, DecoderClient } from "./client.ts";
import { Daemon, type Holdings, settled } from "./daemon.ts";
import { type Conditions, NEVER_MS } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";
import { decoder } from "../../harness/nodes.ts";

const CLIENTS = 6;
const MIN_CROWDS = 3;

/** More than the daemon serves at a time. */
const TOO_MANY = 36;
const SERVED = 32;

const LOOK_MS = 100;

/** What a daemon may have more after a crowd than after an earlier one. */
const MORE = { fds: 4, maps: 150 };

/** Whether it has more than after the second crowd; the first finds it without threads that it keeps. */
function isMore(held: readonly Holdings[]): boolean {
  const [, second] = held;
  const last = held.at(-1)!;
  return last.fds > second.fds + MORE.fds || last.maps > second.maps + MORE.maps;
}

/** All of them streaming at the same time, each with a frame under way; so many have a stream. */
async function crowd(daemon: Daemon, size: number, served = size): Promise<Holdings> {
  {
    using clients = new DisposableStack();
    const all = Array.from(
      { length: size },
      () => clients.use(new DecoderClient(decoder.videoNode(), { buffers: 1 })),
    );
    let started = 0;
    for (const client of all) {
      const result = client.tryStart(CAPTURE);
      if (result < 0) expectEqual("errno of STREAMON with so many", -result, EBUSY);
      else if (started++ < served) client.start();
    }
    expectEqual("clients that may start", started, served);
    for (const client of all.slice(0, served)) client.send(0, [1, 2, 3]);
    for (const client of all.slice(0, served)) {
      expect(await client.wait(), "a frame does not come back");
    }
    expectEqual("streams that are open", streams().open.length, served);
  }
  return settled(daemon);
}

export async function decoderCrowd({ seconds, tools, amount }: Conditions): Promise<string> {
  const end = performance.now() + seconds * 1000;
  const held: Holdings[] = [];
  let refused = "";
  let crowds = 0;
  {
    await using daemon = await Daemon.start(tools);
    while (held.length < MIN_CROWDS || performance.now() < end) {
      held.push(await crowd(daemon, CLIENTS));
    }
    crowds = held.length;
    // What grows stays; a thread that ends does so when it has a processor.
    for (let ms = 0; isMore(held) && ms < NEVER_MS; ms += LOOK_MS) {
      await delay(LOOK_MS);
      held.push(daemon.holdings());
    }
    // Each of so many takes a moment to start.
    if (amount === 1) {
      await crowd(daemon, TOO_MANY, SERVED);
      await daemon.expectAlive();
      refused = `; of ${TOO_MANY} at once ${SERVED} are served`;
    }
  }
  await expectIdle(0);
  const [, second] = held;
  const last = held.at(-1)!;
  const text = ({ fds, maps, megabytes }: Holdings) =>
    `${fds} files, ${maps} maps, ${megabytes} MiB`;
  const said = `the daemon had ${text(second)} after the second crowd of ${CLIENTS} clients, ` +
    `${text(last)} after ${crowds}`;
  expect(!isMore(held), said);
  return said + refused;
}
