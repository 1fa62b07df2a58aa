/**
 * Broken streams through the real daemon, which gives each frame of them to FFmpeg: whatever they
 * are, every frame is answered, and the next whole stream is decoded exactly.
 *
 * @module
 */
import type { Sequence } from "../../../lib/codec/stream.ts";
import { Poller, POLLERR, POLLIN } from "../../../lib/sys/poll.ts";
import { SysError } from "../../../lib/sys/errno.ts";
import {
  type DecoderStream,
  StatelessDecoder,
} from "../../../lib/v4l2/decoder/stateless_stream.ts";
import { expect } from "../../harness/suite.ts";
import { expectIdle } from "./decoder.ts";
import { Daemon } from "./daemon.ts";
import { expectExact, type Fixture, readFixtures, sequencesOf } from "./decode.ts";
import { mutate } from "./mutations.ts";
import { Random } from "../../harness/random.ts";
import { type Conditions, NEVER_MS } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";
import { decoder } from "../../harness/nodes.ts";

/** Of each fixture, in a full run. */
const MUTATIONS = 700;
const MIN_MUTATIONS = 3;

/** Frames of a mutated stream: what is behind them is not broken in another way. */
const FRAMES = 12;
const BUFFERS = 4;
/** The beginning of a sequence, as a decoder is sent it. */
interface Subject {
  readonly name: string;
  readonly sequence: Sequence;
  readonly frames: readonly Uint8Array<ArrayBuffer>[];
}

function subjectsOf({ name, bytes }: Fixture): Subject[] {
  return sequencesOf(bytes).map((units) => ({
    name,
    sequence: units[0].sequence,
    frames: units.slice(0, FRAMES).map(({ data }) => data),
  }));
}

const counts = { streams: 0, frames: 0, pictures: 0, failed: 0, refused: 0, slowest: 0 };

/** Sends all frames and has each answered. */
async function decodeAnything(
  stream: DecoderStream,
  frames: readonly Uint8Array<ArrayBuffer>[],
): Promise<void> {
  const poller = new Poller(stream.capture.device, POLLIN);
  let submitted = 0;
  let waiting = performance.now();
  for (let collected = 0; collected < frames.length;) {
    while (submitted < frames.length && !stream.isFull) stream.submit(frames[submitted++]);
    if (!(poller.wait(10) & (POLLIN | POLLERR))) {
      expect(performance.now() - waiting < NEVER_MS, `no answer within ${NEVER_MS} ms`);
      await delay(0);
      continue;
    }
    const index = stream.capture.dequeue();
    if (index < 0) continue;
    stream.collect();
    stream.capture.enqueue(index);
    counts[stream.damaged ? "failed" : "pictures"]++;
    counts.frames++;
    collected++;
    const now = performance.now();
    counts.slowest = Math.max(counts.slowest, now - waiting);
    waiting = now;
  }
}

/** One mutated stream, on a file of its own. */
async function decodeMutated(subject: Subject, seed: number): Promise<void> {
  const frames = mutate(subject.frames, new Random(seed));
  using node = new StatelessDecoder(decoder.videoNode());
  const largest = frames.reduce((size, { length }) => Math.max(size, length), 0);
  try {
    using stream = node.start(subject.sequence, { buffers: BUFFERS, largest, format: undefined });
    await decodeAnything(stream, frames);
  } catch (error) {
    // The kernel looks at no bitstream: there is nothing that it may refuse.
    if (!(error instanceof SysError)) throw error;
    counts.refused++;
    throw error;
  }
  counts.streams++;
}

export async function decoderFuzz(conditions: Conditions): Promise<string> {
  const { random, tools, fixtures, amount } = conditions;
  const all = readFixtures(fixtures);
  const mutations = Math.max(Math.round(MUTATIONS * amount), MIN_MUTATIONS);
  {
    await using daemon = await Daemon.start(tools);
    for (const fixture of all) {
      const subjects = subjectsOf(fixture);
      for (let i = 0; i < mutations; i++) {
        const subject = random.pick(subjects);
        const seed = random.next();
        try {
          await decodeMutated(subject, seed);
        } catch (error) {
          const { message } = error as Error;
          await daemon.expectAlive();
          expect(false, `${fixture.name}, mutation of seed ${seed}: ${message}`);
        }
      }
      await daemon.expectAlive();
    }
    await expectExact(decoder.videoNode(), random.pick(all));
  }
  await expectIdle(0);
  const { streams, frames, pictures, failed, slowest } = counts;
  expect(failed > 0 && pictures > 0, `${failed} frames failed, ${pictures} did not`);
  return `${streams} broken streams of ${all.length} fixtures, ${frames} frames: ${pictures} with a ` +
    `picture, ${failed} with the error flag, the slowest after ${
      slowest.toFixed(0)
    } ms; the daemon ` +
    "then decodes a whole stream exactly";
}
