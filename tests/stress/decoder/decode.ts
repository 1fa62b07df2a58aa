/**
 * A whole file through the decoder, and the checksum of its pictures as `fixtures/streams` has it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { FrameWaiter } from "../../../lib/frames/frame_waiter.ts";
import { type AccessUnit, readStream } from "../../../lib/codec/stream.ts";
import { DisplayOrder } from "../../../lib/image/display_order.ts";
import { StatelessDecoder } from "../../../lib/v4l2/decoder/stateless_stream.ts";
import { expectEqual } from "../../harness/suite.ts";
import { NEVER_S } from "../engine/stage.ts";

const BUFFERS = 6;
const DISPLAY_SPAN = 64;

/** A stream, and what it decodes to. */
export interface Fixture {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly frames: number;
  /** SHA-256 of all pictures in display order. */
  readonly digest: string;
}

/** Those of a folder, as its digests.txt lists them. */
export function readDigests(folder: string): Omit<Fixture, "bytes">[] {
  const lines = Deno.readTextFileSync(`${folder}/digests.txt`).trim().split("\n");
  return lines.map((line) => {
    const [name, frames, , digest] = line.split(" ");
    return { name, frames: Number(frames), digest };
  });
}

/** Those below `fixtures/streams` that both nodes take, by their path there. */
export function readFixtures(fixtures: string): Fixture[] {
  const folder = `${fixtures}/streams`;
  const others = readDigests(`${folder}/stateful`)
    .filter(({ name }) => /^(hevc|vp8|mpeg2)-/.test(name))
    .map((fixture) => ({ ...fixture, name: `stateful/${fixture.name}` }));
  return [...readDigests(folder), ...others].map((fixture) => ({
    ...fixture,
    bytes: Deno.readFileSync(`${folder}/${fixture.name}`),
  }));
}

/** A file's units by sequence. */
export function sequencesOf(bytes: Uint8Array<ArrayBuffer>): AccessUnit[][] {
  const parts: AccessUnit[][] = [];
  for (const unit of readStream(bytes)) {
    if (parts.at(-1)?.[0].sequence === unit.sequence) parts.at(-1)!.push(unit);
    else parts.push([unit]);
  }
  return parts;
}

/** Decodes a fixture, all of it as it should be, or fails. */
export async function expectExact(node: string, { name, bytes, frames, digest }: Fixture) {
  using decoder = new StatelessDecoder(node);
  const order = new DisplayOrder(0, DISPLAY_SPAN);
  const hash = createHash("sha256");
  let pictures = 0;
  for (const units of sequencesOf(bytes)) {
    const [{ sequence }] = units;
    const largest = units.reduce((size, { data }) => Math.max(size, data.length), 0);
    using stream = decoder.start(sequence, { buffers: BUFFERS, largest, format: undefined });
    const waiter = new FrameWaiter(stream.capture, NEVER_S, () => {});
    let submitted = 0;
    for (let collected = 0; collected < units.length; collected++) {
      while (submitted < units.length && !stream.isFull) stream.submit(units[submitted++].data);
      let index = stream.capture.dequeue();
      for (; index < 0; index = waiter.next()) await waiter.rest();
      const number = stream.collect();
      expectEqual(`${name}: frame ${number} is whole`, stream.decoded && !stream.damaged, true);
      const { displayIndex } = units[number];
      if (displayIndex >= 0) order.put(displayIndex, index);
      else stream.capture.enqueue(index);
      for (let picture = order.take(); picture >= 0; picture = order.take()) {
        for (const part of stream.pictures[picture].parts) hash.update(part);
        pictures++;
        stream.capture.enqueue(picture);
      }
    }
  }
  expectEqual(`${name}: pictures`, pictures, frames);
  expectEqual(`${name}: SHA-256`, hash.digest("hex"), digest);
}
