/**
 * A process that streams anything through the decoder, whoever is the daemon and whether there is
 * one, and looks that nothing keeps it waiting.
 *
 * @module
 */
import {
  EAGAIN,
  EINVAL,
  EIO,
  ENODEV,
  ENOENT,
  ENOTCONN,
  ENXIO,
  EOPNOTSUPP,
  SysError,
} from "../../../lib/sys/errno.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { expect } from "../../harness/suite.ts";
import { STATELESS } from "../../../lib/codec/codecs.ts";
import { decoder } from "../../harness/nodes.ts";
import { CAPTURE, DecoderClient, SIDES } from "./client.ts";
import { AnythingClient } from "./anything_client.ts";
import { NEVER_MS } from "../engine/stage.ts";
import { Random } from "../../harness/random.ts";
import { delay } from "../../harness/waiting.ts";

/** What the worker is to do: until SIGTERM. */
export interface AnythingOrder {
  readonly seed: number;
}

/** No daemon, one without the codec, or a device that goes away meanwhile. */
const EXPECTED = [ENOTCONN, EOPNOTSUPP, ENODEV, ENOENT, ENXIO, EIO, EINVAL];

const BUFFERS = 4;
const FORMATS = Object.values(STATELESS);

const tally = { frames: 0, errors: 0, streams: 0, longest: 0 };

/** Waits until `count` frames are back, in whatever way. */
async function collect(count: number, take: () => number): Promise<void> {
  const begin = performance.now();
  for (let back = 0; back < count;) {
    const taken = take();
    back += taken;
    if (taken === 0) await delay(0);
    const waited = performance.now() - begin;
    expect(waited < NEVER_MS, `no answer within ${NEVER_MS} ms`);
    tally.longest = Math.max(tally.longest, waited);
  }
}

async function streamStateful(random: Random, over: () => boolean): Promise<void> {
  using client = new AnythingClient(random);
  tally.streams++;
  for (let round = random.between(1, 20); round > 0 && !over(); round--) {
    const frames = random.between(1, BUFFERS);
    for (let index = 0; index < frames; index++) client.send(index, [index, random.below(256)]);
    if (random.chance(0.2)) client.command(v4l2.V4L2_DEC_CMD_STOP);
    if (random.chance(0.2)) return;
    await collect(frames, () => client.take(tally));
  }
}

async function streamStateless(random: Random, over: () => boolean): Promise<void> {
  const pixelformat = random.pick(FORMATS);
  using client = new DecoderClient(decoder.videoNode(), {
    pixelformat,
    width: random.between(1, 100),
    height: random.between(1, 100),
    buffers: BUFFERS,
    requests: random.chance(0.3),
  });
  client.start();
  tally.streams++;
  for (let round = random.between(1, 20); round > 0 && !over(); round--) {
    const frames = random.between(1, BUFFERS);
    for (let index = 0; index < frames; index++) client.send(index, [index, random.below(256)]);
    if (random.chance(0.2)) break;
    await collect(frames, () => {
      const index = client.capture.dequeue();
      if (index === -EAGAIN) return 0;
      const bad = client.capture.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR;
      tally[bad ? "errors" : "frames"]++;
      client.output.reclaim();
      client.capture.enqueue(index);
      return 1;
    });
  }
  if (random.chance(0.5)) return;
  for (const side of random.shuffle(SIDES)) {
    client.stop(side);
    if (random.chance(0.7)) client.tryFree(side);
    else if (side === CAPTURE) client.tryStart(side);
  }
}

/** Whether it has been answered in both ways that there are. */
const isAnswered = () => tally.frames > 0 && tally.errors > 0;

/** Streams until it is told to end; says when it has had pictures and errors. */
export async function streamAnything({ seed }: AnythingOrder): Promise<typeof tally> {
  const random = new Random(seed);
  let told = false;
  Deno.addSignalListener("SIGTERM", () => void (told = true));
  for (let said = false; !told;) {
    try {
      const stream = random.chance(0.5) ? streamStateful : streamStateless;
      await stream(random, () => told);
    } catch (error) {
      if (!(error instanceof SysError && EXPECTED.includes(error.code))) throw error;
      await delay(2);
    }
    if (!said && isAnswered()) console.log("answered");
    said ||= isAnswered();
    await delay(0);
  }
  return tally;
}
