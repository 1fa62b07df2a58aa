/**
 * The writer's memory in many views while the writer is in a hurry and comes and goes: what a reader
 * has in hand stays as it is.
 *
 * @module
 */
import { churnViews } from "./views_worker.ts";
import { readLoop } from "./reader_worker.ts";
import { writeLoop } from "./writer_worker.ts";
import { expectLoopIdle, onOneProcessor, showMmap } from "./loop.ts";
import type { Conditions } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { loopNode, loopStats } from "../../harness/nodes.ts";
import { delay, until } from "../../harness/waiting.ts";

export async function loopViews({ seconds, random }: Conditions): Promise<string> {
  const node = loopNode();
  const before = loopStats(node);
  using _one = onOneProcessor();
  showMmap(true);
  using _ = { [Symbol.dispose]: () => showMmap(false) };
  await using writer = new Worker(writeLoop, {
    node,
    seed: random.next(),
    shared: true,
    io: ["mmap", "mmap", "write", "dmabuf"],
    sizes: [[320, 240], [320, 240], [320, 240], [200, 77]],
  });
  await using greedy = new Worker(readLoop, { node, io: "view", hold: 3 });
  await using brief = new Worker(readLoop, { node, io: "view", hold: 1, frames: 10 });
  await using sharing = new Worker(readLoop, { node, io: "shared", hold: 1, frames: 50 });
  await using churn = new Worker(churnViews, { node, seed: random.next() });
  const readers = [greedy, brief, sharing];
  await writer.says("writing");
  for (const reader of [...readers, churn]) await reader.says("reading");
  // Their time is from when all of them are at it.
  const isShared = () => loopStats(node).shared > before.shared;
  await until("a frame is seen in the writer's memory", isShared);
  await delay(seconds * 1000);
  for (const worker of [writer, churn, ...readers]) worker.stop();
  const [{ frames, lives }, views, ...read] = await Promise.all([
    writer.result(),
    churn.result(),
    ...readers.map((reader) => reader.result()),
  ]);
  await expectLoopIdle();
  const after = loopStats(node);
  const shared = after.shared - before.shared;
  const copies = after.copies - before.copies;
  const whole = read.reduce((sum, { frames }) => sum + frames, views.frames);
  return `${frames} frames of a writer in ${lives} lives, 4 readers had ${whole} whole ones, ` +
    `${shared} in the writer's memory and ${copies} copies; ${views.mapped} views mapped, ` +
    `${views.moved} moved, ${views.cut} cut, ${views.forked} forks`;
}
