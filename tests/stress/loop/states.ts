/**
 * A writer and a reader that end in every state in each way, with each kind of memory, on one node:
 * the next two find it as if nothing had been.
 *
 * @module
 */
import { EAGAIN, EIO, SysError } from "../../../lib/sys/errno.ts";
import { CheckFailure } from "../../harness/suite.ts";
import { expectLoopIdle } from "./loop.ts";
import {
  expectFrames,
  LoopReader,
  LoopWriter,
  READER_IO,
  type ReaderIo,
  SIZES,
  WRITER_IO,
  type WriterIo,
} from "./stream.ts";
import type { Random } from "../../harness/random.ts";
import type { Conditions } from "../engine/stage.ts";
import { loopNode } from "../../harness/nodes.ts";

/** How far each goes, by what it does last. */
const WRITER_STEPS = ["open", "format", "request", "queue", "start", "write"] as const;
const READER_STEPS = ["open", "request", "queue", "start", "take", "hold"] as const;
const WRITER_ENDS = ["stop", "stop and go on", "close", "abandon"] as const;
const READER_ENDS = [...WRITER_ENDS, "another format"] as const;

/** Takes each as far as is wanted, in a random order as far as one does not need the other. */
function advance(
  writer: LoopWriter,
  reader: LoopReader,
  write: number,
  read: number,
  random: Random,
): void {
  const size = random.pick(SIZES.slice(0, 4));
  const writing = [
    () => writer.setFormat(size),
    () => writer.request(),
    () => void writer.frame(),
    () => writer.start(),
    () => [1, 2, 3].forEach(() => writer.frame()),
  ].slice(0, write);
  const reading = [
    () => reader.request(),
    () => reader.enqueue(),
    () => reader.start(),
    () => void reader.take(),
    () => [1, 2].forEach(() => reader.take(2)),
  ].slice(0, read);
  // A format that changes under a reader is another stage's.
  const formatFirst = Math.min(1, writing.length);
  for (let i = 0; i < formatFirst; i++) writing.shift()!();
  // A writer's buffers have to be there before they are shared.
  const first = reader.io === "shared" ? writing.splice(0, writing.length) : [];
  for (const step of first) step();
  while (writing.length + reading.length > 0) {
    const steps = reading.length === 0 || (writing.length > 0 && random.chance(0.5))
      ? writing
      : reading;
    steps.shift()!();
  }
}

/** Whether an error is what a state has to give: there is no writer, or another format. */
const isRefusal = (error: unknown) =>
  error instanceof SysError && [EAGAIN, EIO].includes(error.code);

function end(
  writer: LoopWriter,
  reader: LoopReader,
  write: number,
  read: number,
  random: Random,
): string {
  const writerEnd = random.pick(WRITER_ENDS);
  const readerEnd = random.pick(READER_ENDS);
  const ends = [
    () => {
      if (writerEnd.startsWith("stop") && write > 1) writer.stop();
      if (writerEnd === "stop and go on" && write > 3 && writer.io !== "write") {
        writer.start();
        writer.frame();
      }
      if (writerEnd === "close") writer.close();
      if (writerEnd === "abandon") writer.abandon();
    },
    () => {
      if (readerEnd.startsWith("stop") && read > 0) reader.stop();
      if (readerEnd === "stop and go on" && read > 2) {
        reader.enqueue();
        reader.start();
        reader.take();
      }
      if (readerEnd === "close") reader.close();
      if (readerEnd === "abandon") reader.abandon();
    },
  ];
  for (const one of random.shuffle(ends)) one();
  if (readerEnd.startsWith("stop")) reader.touch();
  if (readerEnd === "another format") changeFormat(writer, reader, random);
  return `writer: ${writerEnd}, reader: ${readerEnd}`;
}

/** The next writer has another format: a reader's memory stays, and it is told. */
function changeFormat(writer: LoopWriter, reader: LoopReader, random: Random): void {
  writer.close();
  using next = new LoopWriter(loopNode(), random.pick(WRITER_IO));
  next.begin([33, random.between(1, 99)]);
  for (let i = 0; i < 5; i++) next.frame();
  reader.touch();
}

/** Returns in words what ended how. */
function play(random: Random, writerIo: WriterIo, readerIo: ReaderIo): string {
  const write = random.below(WRITER_STEPS.length);
  const read = random.below(READER_STEPS.length);
  const scene = `${WRITER_STEPS[write]} by ${writerIo}, ${READER_STEPS[read]} by ${readerIo}`;
  try {
    using writer = new LoopWriter(loopNode(), writerIo);
    using reader = new LoopReader(loopNode(), readerIo);
    advance(writer, reader, write, read, random);
    return `${scene}, ${end(writer, reader, write, read, random)}`;
  } catch (error) {
    if (isRefusal(error)) return scene;
    throw new CheckFailure(`${scene}: ${(error as Error).message}`);
  }
}

export async function loopStates({ seconds, random }: Conditions): Promise<string> {
  const until = performance.now() + seconds * 1000;
  let scenes = 0;
  let streams = 0;
  const seen = new Set<string>();
  while (performance.now() < until) {
    for (const writerIo of WRITER_IO) {
      for (const readerIo of READER_IO) {
        if (readerIo === "shared" && writerIo === "userptr") continue;
        seen.add(play(random, writerIo, readerIo));
        scenes++;
      }
    }
    const io = random.pick(READER_IO.filter((io) => io !== "shared"));
    using writer = new LoopWriter(loopNode(), random.pick(WRITER_IO));
    using reader = new LoopReader(loopNode(), io);
    writer.begin(random.pick(SIZES));
    reader.begin();
    expectFrames(writer, reader, 8);
    streams++;
  }
  await expectLoopIdle();
  return `${scenes} scenes, ${seen.size} different ones, of a writer and a reader that ended in ` +
    `the middle; ${streams} streams after them were whole`;
}
