/**
 * The decoder as a whole: what debugfs says of it, and whether it works.
 *
 * @module
 */
import { expect, expectEqual } from "../../harness/suite.ts";
import { Answering } from "./answering.ts";
import { DecoderClient, OUTPUT } from "./client.ts";
import { StatefulClient } from "./stateful_client.ts";
import { decoder, statefulNode } from "../../harness/nodes.ts";
import { NEVER_MS } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";

const DEBUG = "/sys/kernel/debug/vpipe-dec";

/** Decodes what is written to it. */
export const INJECT = `${DEBUG}/inject`;

/** Default of the parameter timeout_ms. */
export const TIMEOUT_MS = 10_000;

/** Numbers of the streams that have not been freed. */
export function streams(): { open: number[]; over: number[] } {
  const text = Deno.readTextFileSync(`${DEBUG}/stats`);
  const ids = (state: string) =>
    [...text.matchAll(RegExp(`^stream (\\d+) .* ${state} frames`, "gm"))].map(([, id]) =>
      Number(id)
    );
  return { open: ids("open"), over: ids("over") };
}

/** Whether a daemon has said HELLO and answers. */
export function daemonAnswers(): boolean {
  try {
    return Number(Deno.readTextFileSync(`${DEBUG}/ping`)) > 0;
  } catch {
    return false;
  }
}

/** Waits until nobody but `users` has the module in use and no stream is left. */
export async function expectIdle(users: number, ms = NEVER_MS): Promise<void> {
  const end = performance.now() + ms;
  for (;;) {
    const { open, over } = streams();
    const left = open.length + over.length;
    if (left === 0 && decoder.users() === users) return;
    if (performance.now() > end) {
      expectEqual("streams left", left, 0);
      expectEqual("users of the module", decoder.users(), users);
    }
    await delay(20);
  }
}

/** Fails unless a frame goes through each node, with this program as its daemon. */
export async function expectWorking(): Promise<void> {
  using daemon = new Answering();
  const serve = () => daemon.serve();
  {
    using client = new DecoderClient(decoder.videoNode());
    client.start();
    client.send(0, [1, 2, 3]);
    serve();
    const picture = await client.picture();
    expect(picture.every((byte) => byte === 6), "the picture is not the daemon's");
  }
  {
    using client = new StatefulClient(statefulNode(), 2);
    client.begin(OUTPUT);
    await client.decode(1, serve);
    await client.finish(serve);
  }
  serve();
  daemon[Symbol.dispose]();
  await expectIdle(0);
}
