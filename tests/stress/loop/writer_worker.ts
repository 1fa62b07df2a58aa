/**
 * A process that writes to the loopback node as fast as it can, and begins anew every now and then.
 *
 * @module
 */
import { LoopWriter, type Size, type WriterIo } from "./stream.ts";
import { Random } from "../../harness/random.ts";
import { delay } from "../../harness/waiting.ts";

/** What the worker is to do. */
export interface LoopWriterOrder {
  readonly node: string;
  readonly seed: number;
  readonly io: readonly WriterIo[];
  readonly sizes: readonly Size[];
  /** A reader has this writer's buffers for its own: they are not to be filled anew after a stop. */
  readonly shared?: boolean;
}

/** Most frames between a start and a stop. */
const FRAMES = 200;

/** Writes until SIGTERM, and says when it begins; `lives` says how often it opened the node. */
export async function writeLoop(
  { node, seed, io, sizes, shared }: LoopWriterOrder,
): Promise<{ frames: number; lives: number }> {
  const random = new Random(seed);
  const sum = { frames: 0, lives: 0 };
  let stopped = false;
  Deno.addSignalListener("SIGTERM", () => stopped = true);
  while (!stopped) {
    using writer = new LoopWriter(node, random.pick(io));
    writer.begin(random.pick(sizes));
    if (sum.lives++ === 0) console.log("writing");
    for (let starts = random.between(1, 3); starts > 0; starts--) {
      for (let frames = random.below(FRAMES); frames > 0 && !stopped; frames--) {
        if (!writer.frame()) await delay(0);
      }
      if (starts === 1 || writer.io === "write" || shared) break;
      writer.stop();
      writer.start();
    }
    sum.frames += writer.frames;
    if (random.chance(0.3)) writer.abandon();
    await delay(0);
  }
  return sum;
}
