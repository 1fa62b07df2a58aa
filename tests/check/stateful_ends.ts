/**
 * What ends in the middle of a stateful stream: the daemon, or the client.
 *
 * @module
 */
import { readCodedFrames } from "../../lib/ffmpeg/coded_frames.ts";
import { Poller, POLLIN, POLLOUT, POLLPRI } from "../../lib/sys/poll.ts";
import { StatefulStream } from "../../lib/vpipe/stateful_path.ts";
import type { Context } from "./context.ts";
import { Daemon } from "./decoder_daemon.ts";
import { Decoding, digestsIn } from "./decoder_file.ts";
import { expectError } from "./expectations.ts";
import { Client, statefulNode } from "./stateful_client.ts";
import { expectDigest } from "./stateful_streams.ts";
import { expect, type Suite } from "./suite.ts";

const STREAM = "vp9-320x240.ivf";
const CLIENTS = 8;

/** Decodes frames over and over until the decoder gives up; what it says then. */
function untilItGivesUp(stream: StatefulStream, frames: readonly Uint8Array[], kill: () => void) {
  const poller = new Poller(stream.device, POLLIN | POLLOUT | POLLPRI);
  let pictures = 0;
  try {
    for (let submitted = 0; pictures < 100_000;) {
      while (!stream.isFull) stream.submit(frames[submitted++ % frames.length]);
      const index = stream.dequeue();
      if (index < 0) {
        expect(poller.wait(20_000) !== 0, "nothing happens");
        continue;
      }
      stream.release(index);
      if (++pictures === 10) kill();
    }
  } catch (error) {
    return { pictures, message: (error as Error).message };
  }
  return { pictures, message: "nothing" };
}

/** Without a daemon, or with one of their own. */
export async function statefulEndChecks(suite: Suite, context: Context): Promise<void> {
  const folder = `${context.fixtures}/streams`;
  const [digest] = digestsIn(folder, STREAM);

  await suite.check("stateful: no daemon", async () => {
    await using decoding = new Decoding(context, `${folder}/${STREAM}`, [
      "--device",
      statefulNode(),
    ]);
    const reason = "VIDIOC_STREAMON: Transport endpoint is not connected (ENOTCONN): " +
      "no decoder-daemon is running";
    return expectError(await decoding.end(), "decode-file", 1, reason);
  });

  await suite.check(
    "stateful: SIGKILL to the daemon while it decodes, and another one",
    async () => {
      await using daemon = await Daemon.start(context);
      const { codec, frames } = readCodedFrames(`${folder}/${STREAM}`);
      const largest = Math.max(...frames.map(({ length }) => length));
      const settings = { codec, buffers: 4, largest, format: undefined };
      using stream = new StatefulStream(statefulNode(), settings);
      const { pictures, message } = untilItGivesUp(stream, frames, () => daemon.kill("SIGKILL"));
      const lost = /: Input\/output error \(EIO\): the decoder-daemon is gone, or gave no answer$/;
      expect(lost.test(message), `after ${pictures} pictures: "${message}"`);
      await daemon[Symbol.asyncDispose]();
      await using _next = await Daemon.start(context);
      expectDigest(folder, digest);
      return `"${message}" after ${pictures} pictures; the next one decodes ${STREAM}`;
    },
  );

  await suite.check("stateful: clients that end in mid-stream", async () => {
    await using _daemon = await Daemon.start(context);
    const { codec, frames } = readCodedFrames(`${folder}/${STREAM}`);
    for (let moment = 0; moment < CLIENTS; moment++) {
      using client = new Client(codec, { outputs: 8, size: [320, 240] });
      if (moment % 2 === 1) client.setUp();
      for (let number = 0; number <= moment; number++) client.send(frames[number], number);
      if (moment === CLIENTS - 1) client.stop();
    }
    expectDigest(folder, digest);
    return `${CLIENTS} at different moments, then a whole stream: the same SHA-256`;
  });
}
