/**
 * Processes that are clients of the decoder.
 *
 * @module
 */
import { decoder } from "../../harness/nodes.ts";
import { expectExact, readFixtures } from "./decode.ts";
import { expectDisplayed, readCodedFixtures } from "./display.ts";
import { Random } from "../../harness/random.ts";

/** What the worker is to do. */
export interface DecodeOrder {
  /** Until then, or at least once. */
  readonly seconds: number;
  readonly fixtures: string;
  /** Names of the streams, decoded in turns. */
  readonly names: readonly string[];
  /** Print a line for each stream that was decoded. */
  readonly announce?: boolean;
}

/** Decodes streams again and again, and compares each with its digest. */
export async function decodeExactly(
  { seconds, fixtures, names, announce }: DecodeOrder,
): Promise<{ streams: number; frames: number }> {
  const all = readFixtures(fixtures).filter(({ name }) => names.includes(name));
  const end = performance.now() + seconds * 1000;
  const node = decoder.videoNode();
  let frames = 0;
  let streams = 0;
  do {
    const fixture = all[streams % all.length];
    await expectExact(node, fixture);
    streams++;
    frames += fixture.frames;
    if (announce) console.log(streams);
  } while (performance.now() < end);
  return { streams, frames };
}

/**
 * Shows streams on the stateful node, and compares each with its digest, until SIGTERM. Prints a
 * line for each: before the first one it does not hear a signal.
 */
export async function displayExactly(
  { seed, fixtures }: { readonly seed: number; readonly fixtures: string },
): Promise<{ streams: number }> {
  const random = new Random(seed);
  const all = readCodedFixtures(fixtures);
  let told = false;
  Deno.addSignalListener("SIGTERM", () => void (told = true));
  let streams = 0;
  do {
    await expectDisplayed(random.pick(all));
    console.log(++streams);
  } while (!told);
  return { streams };
}
