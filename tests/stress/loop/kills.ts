/**
 * Writers and readers killed at every stage: those who go on reading have every frame whole, and the
 * next writer and reader work.
 *
 * @module
 */
import { readLoop } from "./reader_worker.ts";
import { expect } from "../../harness/suite.ts";
import { expectLoopIdle } from "./loop.ts";
import { expectFrames, LoopReader, LoopWriter, READER_IO, SIZES, WRITER_IO } from "./stream.ts";
import {
  beLoopVictim,
  type LoopVictimOrder,
  READER_STAGES,
  WRITER_STAGES,
} from "./victim_worker.ts";
import type { Random } from "../../harness/random.ts";
import { type Conditions, NEVER_MS } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { delay } from "../../harness/waiting.ts";
import { loop, loopNode } from "../../harness/nodes.ts";

type End = LoopVictimOrder["end"];

/** Every end of the node at every stage of its. */
function victims(random: Random): LoopVictimOrder[] {
  const node = loopNode();
  const size = () => random.pick(SIZES.slice(0, 5));
  const writers = WRITER_IO.flatMap((io) =>
    WRITER_STAGES.map((_, stage) => ({
      node,
      stage,
      end: { side: "writer", io, size: size() } as End,
    }))
  );
  const readers = READER_IO.flatMap((io) =>
    READER_STAGES.map((_, stage) => ({ node, stage, end: { side: "reader", io } as End }))
  );
  return random.shuffle([...writers, ...readers]);
}

/** With a writer beside it, where the victim needs one to get anywhere. */
async function kill(order: LoopVictimOrder, random: Random): Promise<void> {
  const { side } = order.end;
  using writer = side === "writer"
    ? undefined
    : new LoopWriter(order.node, random.pick(["mmap", "write"]));
  writer?.begin([320, 240]);
  {
    await using victim = new Worker(beLoopVictim, order);
    let said: string | undefined = "";
    victim.line().then((line) => said = line);
    const end = performance.now() + NEVER_MS;
    while (said === "") {
      expect(performance.now() < end, `${JSON.stringify(order)} does not get there`);
      writer?.frame();
      await delay(5);
    }
    // It ended, and says why.
    if (said === undefined) await victim.result();
    for (let frames = random.below(30); frames > 0; frames--) {
      writer?.frame();
      await delay(1);
    }
  }
}

export async function loopKills(
  { seconds, amount, random, module, step }: Conditions,
): Promise<string> {
  const node = loopNode();
  const orders = victims(random);
  const begin = performance.now();
  const killed = { writer: 0, reader: 0 };
  const limit = amount === 1 ? 600 : seconds;
  await using survivors = new AsyncDisposableStack();
  const readers = (["view", "read"] as const).map((io) =>
    survivors.use(new Worker(readLoop, { node, io, hold: 2 }))
  );
  for (const reader of readers) await reader.says("reading");
  let surviving = 0;
  // Those that end instead say why at the end.
  for (const reader of readers) reader.line().then(() => surviving++);
  for (const order of orders) {
    // However short the time is, each has read something.
    if (surviving === readers.length && performance.now() - begin > limit * 1000) break;
    await kill(order, random);
    killed[order.end.side]++;
    step();
    using writer = new LoopWriter(node, random.pick(WRITER_IO));
    using reader = new LoopReader(node, random.pick(["view", "read", "heap", "userptr"]));
    writer.begin(random.pick(SIZES));
    reader.begin();
    expectFrames(writer, reader, 5);
  }
  for (const reader of readers) reader.stop();
  const said = await Promise.all(readers.map((reader) => reader.result()));
  for (const { frames } of said) expect(frames > 0, "a survivor has read nothing");
  await expectLoopIdle();
  await loop.unload();
  await loop.load(module);
  const frames = said.reduce((sum, { frames }) => sum + frames, 0);
  const lives = said.reduce((sum, { lives }) => sum + lives, 0);
  return `${killed.writer} writers and ${killed.reader} readers killed, of ${orders.length} ` +
    `stages; ${said.length} readers had ${frames} whole frames meanwhile in ${lives} set-ups; ` +
    "the module unloads: no file is left open";
}
