/**
 * A writer and a reader who do everything right, beside others who do anything at random: both go on,
 * the reader's frames are whole, and nobody sees what the writer draws before it is a frame.
 *
 * @module
 */
import { callLoopBeside } from "../engine/random_worker.ts";
import { expect } from "../../harness/suite.ts";
import { expectLoopIdle, onOneProcessor, showMmap } from "./loop.ts";
import { LoopReader, LoopWriter, type ReaderIo } from "./stream.ts";
import type { Conditions } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { delay } from "../../harness/waiting.ts";
import { loop, loopNode, loopStats } from "../../harness/nodes.ts";

const STUCK_MS = 20_000;
const END_S = 120;
const OTHERS = 3;

/** Frames between two set-ups of the reader. */
const FRAMES = 50;

/** Goes on until `isOver`; returns how many frames the reader had. */
async function witness(
  writer: LoopWriter,
  io: ReaderIo,
  isOver: () => boolean,
): Promise<number> {
  // Others set time-outs, and have the last frame kept.
  using reader = new LoopReader(writer.device.path, io, true);
  reader.begin();
  let [wrote, read] = [performance.now(), performance.now()];
  while (!isOver() && reader.frames < FRAMES) {
    if (writer.frame()) wrote = performance.now();
    if (reader.take(1)) read = performance.now();
    else await delay(0);
    const now = performance.now();
    expect(now - wrote < STUCK_MS, `the writer has no buffer for ${STUCK_MS / 1000} s`);
    expect(now - read < STUCK_MS, `a reader by ${io} has no frame for ${STUCK_MS / 1000} s`);
  }
  return reader.frames;
}

export async function loopWitnesses({ seconds, random, module }: Conditions): Promise<string> {
  const node = loopNode();
  const before = loopStats(node);
  showMmap(true);
  using _one = onOneProcessor();
  await using others = new AsyncDisposableStack();
  let frames = 0;
  let calls = 0;
  {
    using writer = new LoopWriter(node, "mmap");
    writer.secret = true;
    writer.begin([320, 240]);
    const order = () => ({ seed: random.next(), seconds });
    const workers = Array.from(
      { length: OTHERS },
      () => others.use(new Worker(callLoopBeside, order())),
    );
    let over = false;
    const end = Promise.all(workers.map((worker) => worker.result(seconds + END_S)))
      .finally(() => over = true);
    // A failure of theirs is told below; until then nobody waits for it.
    end.catch(() => {});
    while (!over) {
      const io = random.pick(["read", "view", "mmap", "userptr", "heap", "shared"] as const);
      frames += await witness(writer, io, () => over);
      // Where there always is a frame nobody else would be heard.
      await delay(0);
    }
    for (const tally of await end) calls += tally.calls;
  }
  await expectLoopIdle();
  const shared = loopStats(node).shared - before.shared;
  // Its controls are as they are at first.
  await loop.unload();
  await loop.load(module);
  expect(frames > 0, "the reader had no frame");
  return `${OTHERS} programs made ${calls} calls at random; a reader beside them had ${frames} ` +
    `whole frames, ${shared} were seen in the writer's memory, and nothing else of it`;
}
