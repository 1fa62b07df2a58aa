/**
 * Streams that a client stops, frees and starts anew with frames in each state: queued, waiting for
 * their other half, waiting for the daemon, read by it, answered.
 *
 * @module
 */
import { constants } from "node:os";
import { EBUSY } from "../../../lib/sys/errno.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { CheckFailure, expect, expectEqual } from "../../harness/suite.ts";
import { expectIdle } from "./decoder.ts";
import { Answering } from "./answering.ts";
import { CAPTURE, DecoderClient, OUTPUT, type Side, SIDES } from "./client.ts";
import type { Random } from "../../harness/random.ts";
import type { Conditions } from "../engine/stage.ts";
import { decoder } from "../../harness/nodes.ts";

const { ESTALE } = constants.errno;

const BUFFERS = 4;
const ALL_BUFFERS = (1 << BUFFERS) - 1;

/** What the stage counts. */
interface Counts {
  ends: number;
  /** Frames by the state in which they were taken back. */
  incomplete: number;
  waiting: number;
  given: number;
  stale: number;
  pictures: number;
}

/** A client and its daemon, with some frames under way. */
class Scene {
  /** Cookies that the daemon has read and not answered. */
  readonly read: bigint[] = [];

  /** @param inParts whether pictures come in several OUTPUT buffers, now and then */
  constructor(
    readonly random: Random,
    readonly client: DecoderClient,
    readonly daemon: Answering,
    readonly counts: Counts,
    readonly inParts: boolean,
  ) {}

  /** Frames up to any state, from queues that do not stream. */
  advance(): void {
    const { random, client, daemon, counts } = this;
    const queued = { [OUTPUT]: random.between(0, BUFFERS), [CAPTURE]: random.between(0, BUFFERS) };
    for (let index = 0; index < queued[CAPTURE]; index++) client.capture.enqueue(index);
    const sendAll = () => {
      for (let index = 0; index < queued[OUTPUT]; index++) this.#sendPart(index);
    };
    const early = random.chance(0.3);
    if (early) sendAll();
    for (const side of random.shuffle(SIDES)) {
      expectEqual("STREAMON", Math.min(client.tryStart(side), 0), 0);
    }
    if (!early) sendAll();

    if (this.inParts && random.chance(0.3)) client.flush();
    // Of parts there may be fewer pictures, and more messages.
    const frames = Math.min(queued[OUTPUT], queued[CAPTURE]);
    daemon.accept();
    const stream = daemon.latest;
    const reads = random.between(0, frames);
    for (let i = 0; i < reads; i++) {
      const cookie = stream.next();
      expect(!!cookie, `no message about frame ${i} of ${frames}`);
      this.read.push(cookie);
    }
    counts.incomplete += Math.max(queued[OUTPUT], queued[CAPTURE]) - frames;
    counts.waiting += frames - reads;
    // Only what was read last can be decoded; so the answers are given without a picture.
    const answers = random.between(0, reads);
    for (const cookie of this.read.splice(0, answers)) {
      const result = stream.file.done(cookie, { status: random.below(5) });
      expect(result > 0, `DONE: errno ${-result}`);
    }
    counts.given += this.read.length;
    if (random.chance(0.3)) client.forgetRequests();
    if (random.chance(0.3)) client.drain();
  }

  /** A frame, or a part of one that may go on with the next. */
  #sendPart(index: number): void {
    const { random, client } = this;
    client.holds = this.inParts && random.chance(0.7);
    client.output.buffers[index].timestamp_usec = this.inParts ? random.below(2) : index;
    client.send(index, [index + 1, 7]);
    client.holds = false;
  }

  /** Answers come too late now. */
  answerLate(): void {
    for (const cookie of this.read.splice(0)) {
      expectEqual("late DONE", this.daemon.latest.file.done(cookie), -ESTALE);
      this.counts.stale++;
    }
  }

  /** A picture in three parts, which the last one, a flush or another picture ends. */
  async #decodeParts(): Promise<void> {
    const { client, daemon, counts, random } = this;
    const end = random.below(3);
    const time = random.below(1000);
    const bytes = [1, 2, 3].map(() => random.below(256));
    for (const index of [0, 1]) client.capture.enqueue(index);
    for (const [index, byte] of bytes.entries()) {
      client.holds = end > 0 || index < 2;
      client.output.buffers[index].timestamp_usec = time;
      client.send(index, [byte]);
      if (random.chance(0.5)) daemon.serve();
    }
    client.holds = false;
    if (end === 1) client.flush();
    client.output.buffers[3].timestamp_usec = time + 1;
    client.send(3, [9]);
    daemon.serve();
    // Whatever ends it afterwards has no bytes of its own.
    const values = [end > 0 ? 0 : bytes[2], 9];
    for (const value of values) {
      const picture = await client.picture();
      expect(picture.every((sample) => sample === value), "a picture in parts is another's");
      counts.pictures++;
    }
    for (const _part of [1, 2]) client.output.reclaim();
  }

  /** Frames one at a time, each with its picture; and a picture in parts. */
  async decode(): Promise<void> {
    if (this.inParts) await this.#decodeParts();
    const { client, daemon, counts } = this;
    for (const { index } of client.output.buffers) {
      const byte = this.random.below(256);
      client.capture.enqueue(index);
      client.send(index, [byte]);
      daemon.serve();
      const picture = await client.picture();
      expect(picture.every((sample) => sample === byte), "a picture is another frame's");
      counts.pictures++;
    }
  }
}

function expectUnqueued(client: DecoderClient, side: Side): void {
  for (const buffer of client.queue(side).buffers) {
    ioctl(client.device, v4l2.VIDIOC_QUERYBUF, buffer.bytes);
    const busy = buffer.flags & (v4l2.V4L2_BUF_FLAG_QUEUED | v4l2.V4L2_BUF_FLAG_DONE);
    expectEqual(`QUEUED and DONE of buffer ${buffer.index}`, busy, 0);
  }
}

/** STREAMOFF of both, one after the other, and the same buffers again. */
async function restart(scene: Scene): Promise<void> {
  const { client, random } = scene;
  for (const side of random.shuffle(SIDES)) {
    client.stop(side);
    if (random.chance(0.5)) scene.answerLate();
    expectUnqueued(client, side);
  }
  scene.answerLate();
  for (const side of random.shuffle(SIDES)) client.tryStart(side);
  await scene.decode();
}

/** STREAMOFF and STREAMON of one queue, under the other one. */
async function restartOne(scene: Scene): Promise<void> {
  const { client, random } = scene;
  const side = random.pick(SIDES);
  client.stop(side);
  expectUnqueued(client, side);
  scene.answerLate();
  client.tryStart(side);
  // What the other queue still has would be paired with what comes now.
  const other = side === OUTPUT ? CAPTURE : OUTPUT;
  client.stop(other);
  client.tryStart(other);
  await scene.decode();
}

/** REQBUFS(0), refused while the queue streams; the daemon is told of what it has mapped. */
async function reallocate(scene: Scene): Promise<void> {
  const { client, daemon, random } = scene;
  for (const side of random.shuffle(SIDES)) {
    expectEqual("REQBUFS(0) of a stream", refuse(client, side), -EBUSY);
  }
  for (const side of SIDES) client.stop(side);
  scene.answerLate();
  for (const side of SIDES) client.tryStart(side);
  await scene.decode();
  const stream = daemon.latest;
  stream.gone.fill(0);
  for (const side of random.shuffle(SIDES)) {
    client.stop(side);
    expectEqual("REQBUFS(0)", Math.min(client.tryFree(side), 0), 0);
  }
  expectEqual("message after REQBUFS(0)", stream.next(), 0n);
  for (const gone of stream.gone) expectEqual("buffers the daemon is to unmap", gone, ALL_BUFFERS);
  for (const side of SIDES) client.allocate(side);
  for (const side of SIDES) client.tryStart(side);
  await scene.decode();
}

function refuse({ device }: DecoderClient, type: Side): number {
  const argument = v4l2.v4l2_requestbuffers.alloc({ type, memory: v4l2.V4L2_MEMORY_MMAP }).bytes;
  try {
    return ioctl(device, v4l2.VIDIOC_REQBUFS, argument);
  } catch (error) {
    return -(error as { code: number }).code;
  }
}

/** The daemon closes its file of the stream; the next STREAMON begins another one. */
async function abandon(scene: Scene): Promise<void> {
  const { client, daemon, random } = scene;
  const { latest } = daemon;
  latest[Symbol.dispose]();
  daemon.streams.delete(latest.file.id);
  scene.read.length = 0;
  for (const side of random.shuffle(SIDES)) client.stop(side);
  for (const side of random.shuffle(SIDES)) client.tryStart(side);
  await scene.decode();
}

/** The client closes everything. */
function close(scene: Scene): Promise<void> {
  scene.client.close();
  return Promise.resolve();
}

const ENDINGS = { restart, restartOne, reallocate, abandon, close };

async function round(daemon: Answering, random: Random, counts: Counts): Promise<void> {
  const requests = random.chance(0.5);
  using client = new DecoderClient(decoder.videoNode(), { buffers: BUFFERS, requests });
  const inParts = !requests && random.chance(0.5);
  const scene = new Scene(random, client, daemon, counts, inParts);
  const [name, end] = random.pick(Object.entries(ENDINGS));
  try {
    scene.advance();
    await end(scene);
  } catch (error) {
    const { message } = error as Error;
    throw new CheckFailure(
      `${name}${requests ? ", with requests" : inParts ? ", in parts" : ""}: ${message}`,
    );
  }
  client.close();
  daemon.serve();
  counts.ends++;
}

/** How many times as long it may take until there was each thing that is looked for. */
const PATIENCE = 20;

export async function decoderStates({ seconds, random }: Conditions): Promise<string> {
  const counts = { ends: 0, incomplete: 0, waiting: 0, given: 0, stale: 0, pictures: 0 };
  const begin = performance.now();
  const timeIsLeft = (times: number) => performance.now() < begin + times * seconds * 1000;
  const allSeen = () => counts.stale > 0 && counts.pictures > 0;
  {
    using daemon = new Answering();
    while (timeIsLeft(1) || (!allSeen() && timeIsLeft(PATIENCE))) {
      await round(daemon, random, counts);
    }
  }
  await expectIdle(0);
  expect(allSeen(), "nothing was answered late, or nothing decoded");
  const { ends, incomplete, waiting, given, stale, pictures } = counts;
  return `${ends} ends in ${Object.keys(ENDINGS).length} ways, with ${incomplete} half frames, ` +
    `${waiting} unread and ${given} unanswered ones; ${stale} late answers were ESTALE, ` +
    `${pictures} pictures after it as they should be`;
}
