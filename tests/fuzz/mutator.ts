/**
 * Inputs that are nearly those that are known.
 *
 * @module
 */
import { joined } from "../harness/bytes.ts";
import type { Random } from "../harness/random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Longest input in bytes. */
const LONGEST = 1 << 16;
const MOST_CHANGES = 6;
/** What lengths, counts and start codes are made of. */
const EDGES = [0, 1, 2, 3, 0x7f, 0x80, 0xfe, 0xff];

/** One change to an input; `other` is another known one. */
type Change = (random: Random, input: Bytes, other: Bytes) => Bytes;

/** An offset, more often one near the beginning, where headers are. */
const place = (random: Random, { length }: Bytes): number =>
  random.below(random.chance(0.5) ? Math.min(length, 64) : length);

const CHANGES: readonly Change[] = [
  (random, input) => {
    input[place(random, input)] ^= 1 << random.below(8);
    return input;
  },
  (random, input) => {
    input[place(random, input)] = random.chance(0.5) ? random.below(256) : random.pick(EDGES);
    return input;
  },
  (random, input) => {
    const at = place(random, input);
    input[at] += random.between(-4, 4);
    return input;
  },
  (random, input) => {
    const at = place(random, input);
    const end = at + random.below(16);
    return joined(input.subarray(0, at), input.subarray(end));
  },
  (random, input) => {
    const at = place(random, input);
    const added = Uint8Array.from({ length: 1 + random.below(8) }, () => random.pick(EDGES));
    return joined(input.subarray(0, at), added, input.subarray(at));
  },
  (random, input) => {
    const from = place(random, input);
    const part = input.slice(from, from + random.below(64));
    const at = place(random, input);
    return joined(input.subarray(0, at), part, input.subarray(at));
  },
  (random, input) => input.slice(0, place(random, input) + 1),
  (random, input, other) =>
    other.length === 0
      ? input
      : joined(input.subarray(0, place(random, input)), other.subarray(place(random, other))),
];

/** A copy of an input with a few changes. */
export function mutate(random: Random, input: Bytes, other: Bytes): Bytes {
  let changed = input.slice();
  for (let left = random.between(1, MOST_CHANGES); left > 0; left--) {
    if (changed.length === 0) changed = Uint8Array.of(random.below(256));
    changed = random.pick(CHANGES)(random, changed, other);
  }
  return changed.slice(0, LONGEST);
}
