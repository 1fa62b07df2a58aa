/**
 * A daemon that does everything wrong, while clients stream: nobody hangs, and the kernel has nothing
 * to say.
 *
 * @module
 */
import { beHostile } from "./hostile_worker.ts";
import { streamAnything } from "./anything_worker.ts";
import { constants } from "node:os";
import { expect } from "../../harness/suite.ts";
import { expectIdle, TIMEOUT_MS } from "./decoder.ts";
import { type Conditions, NEVER_S } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { decoder } from "../../harness/nodes.ts";

const MESSAGES = 100_000;
const MIN_MESSAGES = 10_000;
const CLIENTS = 3;
const SHORT_TIMEOUT_MS = 200;

/** What vpipe-dec.h gives, beside what any call gives that is handed nonsense. */
const DOCUMENTED = [
  ...["EINVAL", "ESTALE", "EPIPE", "EAGAIN", "EMSGSIZE", "EFAULT", "ENOENT", "EBUSY", "ENOTTY"],
  ...["E2BIG", "EOPNOTSUPP"],
] as const;

export async function decoderHostile(
  { random, amount }: Conditions,
): Promise<string> {
  const messages = Math.max(MESSAGES * amount, MIN_MESSAGES);
  decoder.setParameter("timeout_ms", SHORT_TIMEOUT_MS);
  try {
    await using workers = new AsyncDisposableStack();
    const order = () => ({ seed: random.next() });
    const clients = Array.from(
      { length: CLIENTS },
      () => workers.use(new Worker(streamAnything, order())),
    );
    const hostile = workers.use(new Worker(beHostile, { ...order(), messages }));
    // What counts is what it says to clients that are there.
    for (const client of clients) await client.says("answered");
    hostile.stop();
    const done = await hostile.result(NEVER_S * (1 + 10 * amount));
    const ends = await Promise.all(clients.map(async (client) => {
      client.stop();
      return await client.result();
    }));
    const sum = { frames: 0, errors: 0, streams: 0 };
    for (const { frames, errors, streams } of ends) {
      sum.frames += frames;
      sum.errors += errors;
      sum.streams += streams;
    }
    const names = new Map(DOCUMENTED.map((name) => [constants.errno[name], name as string]));
    for (const [code, call] of Object.entries(done.errnos)) {
      expect(names.has(Number(code)), `${call} failed with errno ${code}`);
    }
    expect(done.accepted > 0, "no message was accepted: they are not random enough");
    await expectIdle(0);
    const codes = Object.keys(done.errnos).map((code) => names.get(Number(code)));
    return `${done.messages} messages, ${done.accepted} accepted, else ${codes.join(" ")}; ` +
      `${done.sessions} sessions, ${done.streams} stream files, ${done.buffers} buffers exported; ` +
      `${CLIENTS} clients had ${sum.frames} pictures and ${sum.errors} errors in ` +
      `${sum.streams} streams, none waited for ever`;
  } finally {
    decoder.setParameter("timeout_ms", TIMEOUT_MS);
  }
}
