/**
 * What ends, or stands still, in the middle of a stateful stream: the daemon, or a client.
 *
 * @module
 */
import { constants } from "node:os";
import type { VideoDevice } from "../../../lib/v4l2/device.ts";
import { V4L2_EVENT_SOURCE_CHANGE, V4L2_PIX_FMT_H264 } from "../../../lib/uapi/videodev2.ts";
import type { Context } from "../../harness/context.ts";
import { Daemon, statistics } from "../decoder/daemon.ts";
import { Decoding } from "../decoder/file.ts";
import { errnoOf, expectError } from "../../harness/expectations.ts";
import { Client, OUTPUT } from "./client.ts";
import { referenceOf } from "./streams.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { delay, until } from "../../harness/waiting.ts";
import { decoder, statefulNode } from "../../harness/nodes.ts";

const { EIO } = constants.errno;

const STREAM = "vp9-320x240.ivf";
const SIZE = [320, 240] as const;
const FRAMES = 30;
const CLIENTS = 8;

/** Of H.264: filler data, which is as long as one likes and no picture. */
const NAL_FILLER = 12;
const FILLER_BYTES = 4 << 20;
const FILLERS = 24;
/** After these the daemon has what it copies a frame of that length to. */
const FIRST_FILLERS = 6;
const MORE_MIB = 24;

/** A daemon's time for a frame: what a loaded guest takes is less. */
const SHORT_MS = 8000;
const LONG_MS = 9000;

async function daemonEnds(suite: Suite, context: Context): Promise<void> {
  const input = `${context.fixtures}/streams/${STREAM}`;

  await suite.whole?.check("stateful: no daemon", async () => {
    await using decoding = new Decoding(context, input, ["--device", statefulNode()]);
    const reason = "VIDIOC_STREAMON: Transport endpoint is not connected (ENOTCONN): " +
      "no decoder-daemon is running";
    return expectError(await decoding.end(), "decode-file", 1, reason);
  });

  await suite.whole?.check("stateful: SIGKILL to the daemon while it decodes", async () => {
    await using daemon = await Daemon.start(context);
    const reference = referenceOf(context, STREAM);
    using client = new Client(reference.codec, { outputs: FRAMES, size: SIZE });
    client.setUp();
    client.sendAll(reference, 0, 20);
    client.next();
    daemon.kill("SIGKILL");
    const says = (call: () => unknown) => errnoOf(call) === EIO;
    const { output, capture } = client;
    client.wait("EIO from DQBUF of CAPTURE", () => says(() => capture!.dequeue()));
    client.wait("EIO from DQBUF of OUTPUT", () => says(() => output.dequeue()));
    expect(says(() => client.stop()), "V4L2_DEC_CMD_STOP is not EIO");
    expect(says(() => client.start()), "V4L2_DEC_CMD_START is not EIO");
    await daemon[Symbol.asyncDispose]();
    await using _next = await Daemon.start(context);
    capture!.streamOff();
    expect(says(() => output.dequeue()), "OUTPUT works again before it was stopped");
    expect(says(() => capture!.streamOn()), "STREAMON of CAPTURE before OUTPUT was stopped");
    client.seek();
    client.setUp();
    client.sendAll(reference);
    client.stop();
    expectEqual("pictures by the next daemon", client.expectPictures(reference).length, FRAMES);
    return "EIO from DQBUF, STOP and START until both queues are stopped; the next daemon decodes for the same file";
  });
}

async function clientEnds(suite: Suite, context: Context, daemon: Daemon): Promise<void> {
  const expectServed = () => referenceOf(context, STREAM).pictures.size;

  await suite.whole?.check("stateful: SIGKILL to decode-file", async () => {
    const args = [`${context.fixtures}/streams/${STREAM}`, "-", "--device", statefulNode()];
    const before = statistics();
    const command = new Deno.Command(context.tool("decode-file"), {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    });
    await using child = command.spawn();
    // It waits until somebody reads what does not fit into the pipe.
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    expect(value !== undefined, "decode-file wrote nothing");
    // A picture is shown before its frame is done.
    await until("the end of a frame", () => statistics().frames > before.frames);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    const { ok } = await daemon.streamOver(1);
    expect(ok > 0 && ok < FRAMES, `it was killed after ${ok} of ${FRAMES} frames`);
    return `after ${ok} of ${FRAMES} frames; then ${expectServed()} right pictures`;
  });

  await suite.check("stateful: clients that close in mid-stream", () => {
    const reference = referenceOf(context, STREAM);
    for (let moment = 0; moment < CLIENTS; moment++) {
      using client = new Client(reference.codec, { outputs: CLIENTS, size: SIZE });
      if (moment % 2 === 1) client.setUp();
      client.sendAll(reference, 0, moment + 1);
      if (moment === CLIENTS - 1) client.stop();
    }
    return `${CLIENTS} at different moments, then ${expectServed()} right pictures`;
  });

  await suite.check("stateful: frames that are long headers alone", () => {
    const size = { width: 64, height: 48, pixelformat: V4L2_PIX_FMT_H264 };
    const prepare = (device: VideoDevice) =>
      void device.setFormat(OUTPUT, { ...size, sizeimage: FILLER_BYTES }, "at least");
    using client = new Client("h264", { outputs: 1, prepare });
    const filler = new Uint8Array(FILLER_BYTES).fill(0xff);
    filler.set([0, 0, 0, 1, NAL_FILLER]);
    filler[FILLER_BYTES - 1] = 0x80;
    let before = 0;
    for (let number = 0; number < FILLERS; number++) {
      client.send(filler, number);
      client.wait("the end of a frame", () => client.isUsedUp);
      if (number === FIRST_FILLERS) before = daemon.resident;
    }
    const more = Math.round(daemon.resident - before);
    expect(more < MORE_MIB, `the daemon takes ${more} MiB more than after ${FIRST_FILLERS} frames`);
    return `${FILLERS} of ${FILLER_BYTES >> 20} MiB each: the daemon takes ${more} MiB more`;
  });

  await suite.whole?.check("stateful: a client that takes its time", async () => {
    const reference = referenceOf(context, STREAM);
    using _time = decoder.withParameter("timeout_ms", SHORT_MS);
    using clients = new DisposableStack();
    const begin = () => {
      const client = clients.use(new Client(reference.codec, { outputs: FRAMES }));
      client.sendAll(reference);
      client.expectEvent(V4L2_EVENT_SOURCE_CHANGE);
      return client;
    };
    const [full, draining] = [begin(), begin()];
    // First without CAPTURE, then with all of its buffers full, and one of them in a drain.
    await delay(LONG_MS);
    for (const client of [full, draining]) client.setUp(2);
    draining.stop();
    await delay(LONG_MS);
    full.stop();
    for (const client of [full, draining]) {
      expectEqual("pictures", client.expectPictures(reference).length, FRAMES);
    }
    return `twice ${LONG_MS} ms with timeout_ms at ${SHORT_MS}, with and without a drain: all ${FRAMES} pictures`;
  });
}

/** Without a daemon, or with one of their own. */
export async function statefulEndChecks(suite: Suite, context: Context): Promise<void> {
  await daemonEnds(suite, context);
  let started: Daemon | undefined;
  await suite.whole?.check("stateful: a daemon whose clients end", async () => {
    started = await Daemon.start(context);
    return started.log.at(-1)!;
  });
  if (started === undefined) return;
  await using daemon = started;
  await clientEnds(suite, context, daemon);
}
