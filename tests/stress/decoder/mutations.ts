/**
 * Ways to break a compressed stream, frame by frame.
 *
 * @module
 */
import { joined } from "../../harness/bytes.ts";
import { EDGES } from "../engine/caller.ts";
import type { Random } from "../../harness/random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Changes a frame that may be written to. */
type InPlace = (frame: Bytes, random: Random) => void;

/** Headers are where the first bytes are: half of the changes are there. */
function position(frame: Bytes, random: Random): number {
  const end = random.chance(0.5) ? Math.min(frame.length, 24) : frame.length;
  return random.below(end);
}

const IN_PLACE: readonly InPlace[] = [
  function flipBits(frame, random) {
    for (let i = random.between(1, 8); i > 0; i--) {
      frame[position(frame, random)] ^= 1 << random.below(8);
    }
  },
  function setBytes(frame, random) {
    for (let i = random.between(1, 4); i > 0; i--) {
      frame[position(frame, random)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    }
  },
  function setWord(frame, random) {
    const at = position(frame, random);
    const value = random.pick(EDGES);
    for (let i = 0; i < 4 && at + i < frame.length; i++) frame[at + i] = value >>> 8 * i;
  },
  function noise(frame, random) {
    const at = position(frame, random);
    for (let i = at; i < Math.min(frame.length, at + 64); i++) frame[i] = random.below(256);
  },
];

/** Gives another frame of another length. */
const RESHAPING: readonly ((frame: Bytes, random: Random) => Bytes)[] = [
  function cut(frame, random) {
    return frame.slice(0, random.between(1, frame.length));
  },
  function behead(frame, random) {
    return frame.slice(random.below(frame.length));
  },
  function insert(frame, random) {
    const at = position(frame, random);
    const piece = frame.slice(random.below(frame.length)).slice(0, random.between(1, 200));
    return joined(frame.subarray(0, at), piece, frame.subarray(at));
  },
  function twice(frame) {
    return joined(frame, frame);
  },
];

/** The frames in another order, or some of them. */
const REORDERING: readonly ((frames: Bytes[], random: Random) => Bytes[])[] = [
  function swap(frames, random) {
    const [a, b] = [random.below(frames.length), random.below(frames.length)];
    [frames[a], frames[b]] = [frames[b], frames[a]];
    return frames;
  },
  function drop(frames, random) {
    if (frames.length > 1) frames.splice(random.below(frames.length), 1);
    return frames;
  },
  function repeat(frames, random) {
    const at = random.below(frames.length);
    frames.splice(at, 0, frames[at]);
    return frames;
  },
  function shuffle(frames, random) {
    return random.shuffle(frames);
  },
];

/** A copy of a stream with one to four mutations; the same seed gives the same. */
export function mutate(stream: readonly Bytes[], random: Random): Bytes[] {
  let frames = stream.map((frame) => frame.slice());
  for (let i = random.between(1, 4); i > 0; i--) {
    // The first frame is the one that all others need.
    const at = random.chance(0.4) ? 0 : random.below(frames.length);
    if (frames[at].length === 0) continue;
    const kind = random.below(8);
    if (kind < 5) random.pick(IN_PLACE)(frames[at], random);
    else if (kind < 7) frames[at] = random.pick(RESHAPING)(frames[at], random);
    else frames = random.pick(REORDERING)(frames, random);
  }
  return frames.map((frame) => frame.length > 0 ? frame : new Uint8Array(1));
}
