/**
 * Readers that stand still: stopped between any two of their calls, or in one whose memory is never
 * there. The writer goes on however it uses its queue, and so does another reader.
 *
 * @module
 */
import { expect } from "../../harness/suite.ts";
import { expectLoopIdle, onOneProcessor, showMmap } from "./loop.ts";
import { LoopReader, LoopWriter, READER_IO, type ReaderIo, WRITER_IO } from "./stream.ts";
import {
  beBusy,
  beLoopVictim,
  keepFrame,
  MISSING,
  missMemory,
  READER_STAGES,
  takeIdly,
} from "./victim_worker.ts";
import type { Random } from "../../harness/random.ts";
import { isInCall } from "../engine/in_call.ts";
import { type Conditions, NEVER_MS, NEVER_S } from "../engine/stage.ts";
import { firstLine, Worker } from "../engine/workers.ts";
import { delay, until } from "../../harness/waiting.ts";
import { loopNode } from "../../harness/nodes.ts";

const FRAMES = 20;

/** Readers that nobody lets go on, how they read, and for how long that is looked at. */
const IDLERS = 9;
const IDLE_IO = ["read", "mmap", "shared"] as const;
const IDLE_MS = 15_000;

/** As many as frames can be lent, of a writer with four buffers. */
const KEEPERS = 2;

/** Places, however slow the guest is. */
const LEAST = 6;
const SIZE = [320, 240] as const;

/** Of the writer's buffers it uses all, or the first few. */
const USES = [1, 2, 3, Infinity];

/** Until `done`; fails where there is no progress for long. */
async function goOn(what: string, done: () => boolean, step: () => boolean): Promise<void> {
  let last = performance.now();
  while (!done()) {
    if (step()) last = performance.now();
    else await delay(0);
    expect(performance.now() - last < NEVER_MS, `${what}: nothing for ${NEVER_S} s`);
  }
}

/** Both go on for some frames. */
async function expectProgress(scene: string, writer: LoopWriter, io: ReaderIo): Promise<void> {
  const enough = writer.frames + FRAMES;
  await goOn(`${scene}: the writer`, () => writer.frames >= enough, () => writer.frame());
  using reader = new LoopReader(writer.device.path, io);
  reader.begin();
  await goOn(`${scene}: a reader by ${io}`, () => reader.frames >= FRAMES, () => {
    writer.frame();
    return reader.take();
  });
}

/** Brings a victim to its place, with frames for it. */
async function bring(
  scene: string,
  victim: Worker<Parameters<typeof beLoopVictim>[0], unknown>,
  writer: LoopWriter,
) {
  let said: string | undefined = "";
  victim.line().then((line) => said = line);
  for (let ms = 0; said === ""; ms += 5) {
    expect(ms < NEVER_MS, `${scene}: does not get there`);
    writer.frame();
    await delay(5);
  }
  if (said === undefined) await victim.result();
}

async function stop(random: Random, io: ReaderIo, stage: number): Promise<void> {
  const node = loopNode();
  const memory = WRITER_IO.filter((memory) => io !== "shared" || memory !== "userptr");
  using writer = new LoopWriter(node, random.pick(memory));
  const use = random.pick(USES);
  const scene = `${writer.io} with ${use} buffers, ${io} stopped at ${READER_STAGES[stage]}`;
  writer.begin(SIZE);
  await using victim = new Worker(beLoopVictim, { node, stage, end: { side: "reader", io } });
  await bring(scene, victim, writer);
  for (let frames = random.below(20); frames > 0; frames--) writer.frame();
  await victim.pause();
  writer.use = use;
  await expectProgress(scene, writer, random.pick(["read", "view", "mmap", "heap", "userptr"]));
}

/** Readers that keep all that can be lent, each no more than its share, leave another one its own. */
async function keepAll(): Promise<void> {
  const node = loopNode();
  using writer = new LoopWriter(node, "dmabuf");
  const scene = `${KEEPERS} readers that keep a lent frame each`;
  writer.begin(SIZE);
  for (let i = 0; i < 8; i++) writer.frame();
  await using victims = new AsyncDisposableStack();
  for (let i = 0; i < KEEPERS; i++) {
    await bring(scene, victims.use(new Worker(keepFrame, { node, io: "shared" })), writer);
  }
  await expectProgress(scene, writer, "shared");
}

/**
 * Readers that are kept from going on in the middle of a copy, or of a window's page fault, as others
 * want their processor.
 * Returns how long the writer waited for a buffer at most, in ms.
 */
async function idle(): Promise<number> {
  const node = loopNode();
  using writer = new LoopWriter(node, "mmap");
  writer.begin([1920, 1080]);
  await using victims = new AsyncDisposableStack();
  for (let i = 0; i < IDLERS; i++) {
    const io = IDLE_IO[i % IDLE_IO.length];
    await victims.use(new Worker(takeIdly, { node, io })).line();
  }
  await victims.use(new Worker(beBusy, {})).line();
  let longest = 0;
  let last = performance.now();
  const end = last + IDLE_MS;
  // The last time that it waits comes to an end, too.
  await goOn("the writer beside readers that cannot go on", () => last > end, () => {
    if (!writer.frame()) return false;
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    return true;
  });
  return longest;
}

/** Returns whether this kernel has such memory. */
async function miss(random: Random, call: typeof MISSING[number]): Promise<boolean> {
  const node = loopNode();
  const scene = `${call} of memory that is never there`;
  const io = random.pick(READER_IO.filter((io) => io !== "shared"));
  const writer = new LoopWriter(node, "mmap");
  try {
    writer.setFormat(SIZE);
    // One that writes wants the node for itself.
    if (call !== "write") writer.begin(SIZE);
    await using victim = new Worker(missMemory, { node, call });
    const line = await firstLine(victim);
    if (line === undefined) return false;
    const [pid, fd] = line.split(" ").slice(1).map(Number);
    const waits = () => isInCall(pid, call === "queue" ? "ioctl" : call, fd);
    await until(`${scene} waits`, waits);
    if (call !== "write") {
      await expectProgress(scene, writer, io);
    } else {
      using reader = new LoopReader(node, io);
      reader.begin();
      expect(!reader.take(), "a frame that was never written");
    }
  } finally {
    writer.close();
  }
  using next = new LoopWriter(node, "mmap");
  next.begin(SIZE);
  await expectProgress(`after ${scene}`, next, "view");
  return true;
}

export async function loopStopped({ seconds, amount, random }: Conditions): Promise<string> {
  const end = performance.now() + seconds * 1000;
  const scenes = random.shuffle(
    READER_IO.flatMap((io) => READER_STAGES.map((_, stage) => ({ io, stage }))),
  );
  const missed = [];
  const longest = await idle();
  showMmap(true);
  using _one = onOneProcessor();
  try {
    for (const call of MISSING) if (await miss(random, call)) missed.push(call);
    await keepAll();
    let stopped = 0;
    for (const { io, stage } of scenes) {
      if (amount < 1 && stopped >= LEAST && performance.now() > end) break;
      await stop(random, io, stage);
      stopped++;
    }
    await expectLoopIdle();
    return `beside ${IDLERS} readers that cannot go on the writer waited for ${
      longest.toFixed(0)
    } ms at most; readers stopped at ${stopped} of ${scenes.length} places, the writer and another ` +
      `reader went on for ${FRAMES} frames each; memory that is never there: ${
        missed.join(", ") || "not in this kernel"
      }`;
  } finally {
    showMmap(false);
  }
}
