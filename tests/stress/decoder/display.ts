/**
 * A whole file through the stateful node: any frames, or a fixture, whose pictures are compared with
 * its checksum.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { FrameWaiter } from "../../../lib/frames/frame_waiter.ts";
import { readCodedFrames } from "../../../lib/ffmpeg/coded_frames.ts";
import { POLLIN, POLLOUT, POLLPRI } from "../../../lib/sys/poll.ts";
import type { GatherBuffer } from "../../../lib/sys/gather.ts";
import type { CodecName } from "../../../lib/codec/codecs.ts";
import { StatefulStream } from "../../../lib/v4l2/decoder/stateful_stream.ts";
import { expectEqual } from "../../harness/suite.ts";
import { NEVER_S } from "../engine/stage.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { type Fixture, readDigests } from "./decode.ts";
import { delay } from "../../harness/waiting.ts";

const BUFFERS = 6;
/** Coded frames of a stream, in decoding order. */
export interface CodedStream {
  readonly codec: CodecName;
  readonly frames: readonly Uint8Array<ArrayBuffer>[];
}

/** A fixture, taken apart. */
export interface CodedFixture extends CodedStream {
  readonly fixture: Omit<Fixture, "bytes">;
}

/** Those for the stateful node alone, and those for both. */
export function readCodedFixtures(fixtures: string): CodedFixture[] {
  return [`${fixtures}/streams`, `${fixtures}/streams/stateful`].flatMap((folder) =>
    readDigests(folder).map((fixture) => ({
      fixture,
      ...readCodedFrames(`${folder}/${fixture.name}`),
    }))
  );
}

/** What became of a stream. */
export interface Displayed {
  pictures: number;
  /** Frames that came back with the error flag. */
  errors: number;
}

/**
 * Sends all frames and takes all pictures.
 *
 * @throws {DeviceError} where nothing comes for long, or the stream ends
 */
export async function display(
  { codec, frames }: CodedStream,
  take: (picture: GatherBuffer) => void,
): Promise<Displayed> {
  const largest = frames.reduce((size, { length }) => Math.max(size, length), 0);
  const settings = { codec, buffers: BUFFERS, largest, format: undefined };
  using stream = new StatefulStream(statefulNode(), settings);
  const waiter = new FrameWaiter(stream, NEVER_S, () => {}, POLLIN | POLLOUT | POLLPRI);
  let sent = 0;
  let pictures = 0;
  while (!stream.isOver) {
    while (sent < frames.length && !stream.isFull) stream.submit(frames[sent++]);
    if (sent === frames.length) stream.end();
    let index = stream.dequeue();
    if (index < 0 && !stream.isOver) index = waiter.next();
    if (index < 0) {
      await delay(0);
      continue;
    }
    take(stream.pictures[index]);
    stream.release(index);
    pictures++;
  }
  return { pictures, errors: stream.errors };
}

/** Decodes a fixture, all of it as it should be, or fails. */
export async function expectDisplayed(coded: CodedFixture): Promise<void> {
  const { name, frames, digest } = coded.fixture;
  const hash = createHash("sha256");
  const { pictures } = await display(coded, ({ parts }) => {
    for (const part of parts) hash.update(part);
  });
  expectEqual(`${name}: pictures of the stateful node`, pictures, frames);
  expectEqual(`${name}: SHA-256`, hash.digest("hex"), digest);
}
