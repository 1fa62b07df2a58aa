/**
 * The device unplugged under the real daemon and its clients: the daemon ends, the next one serves
 * the next device.
 *
 * @module
 */
import { streamAnything } from "./anything_worker.ts";
import { delay, until } from "../../harness/waiting.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { expectIdle, streams } from "./decoder.ts";
import { Daemon } from "./daemon.ts";
import { expectExact, readFixtures } from "./decode.ts";
import { type Conditions, NEVER_S } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { decoder } from "../../harness/nodes.ts";

const CLIENTS = 2;
const MIN_TIMES = 2;

export async function decoderHotplug(
  { seconds, random, tools, fixtures }: Conditions,
): Promise<string> {
  const users = decoder.users();
  const all = readFixtures(fixtures);
  const end = performance.now() + seconds * 1000;
  let times = 0;
  let midway = 0;
  let slowest = 0;
  const sum = { frames: 0, errors: 0, streams: 0 };
  {
    await using workers = new AsyncDisposableStack();
    const clients = Array.from(
      { length: CLIENTS },
      () => workers.use(new Worker(streamAnything, { seed: random.next() })),
    );
    for (; times < MIN_TIMES || performance.now() < end; times++) {
      await using daemon = await Daemon.start(tools);
      await expectExact(decoder.videoNode(), random.pick(all));
      // At least once in mid-stream, otherwise at any moment.
      const isStreaming = () => streams().open.length > 0;
      if (midway > 0) await delay(random.below(100));
      else await until("a client's stream", isStreaming);
      if (midway === 0 || isStreaming()) midway++;
      const begin = performance.now();
      decoder.unbind();
      try {
        const { status, stderr } = await daemon.end(NEVER_S);
        expectEqual("status of a daemon without a device", status, 1);
        expect(/the device is gone/.test(stderr), `the daemon said: ${stderr}`);
        slowest = Math.max(slowest, performance.now() - begin);
      } finally {
        decoder.bind();
      }
    }
    for (const client of clients) client.stop();
    for (const client of clients) {
      const { frames, errors, streams } = await client.result();
      sum.frames += frames;
      sum.errors += errors;
      sum.streams += streams;
    }
  }
  await expectIdle(users);
  return `${times} times, ${midway} in mid-stream: the daemon ended within ` +
    `${slowest.toFixed(0)} ms, the next one decoded exactly; ${CLIENTS} clients had ` +
    `${sum.streams} streams with ${sum.frames + sum.errors} answers, none waited for ever`;
}
