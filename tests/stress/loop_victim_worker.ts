/**
 * A process that goes so far with the loopback node, says so, and stays there to be killed.
 *
 * @module
 */
import { O_NONBLOCK } from "../../lib/sys/file.ts";
import { raw } from "./libc.ts";
import { LoopReader, LoopWriter, type ReaderIo, type Size, type WriterIo } from "./loop_stream.ts";
import { delay } from "./stage.ts";
import { F_SETFL } from "./uapi.ts";

/** `write` and `take` go on until the end, the latter with frames in hand. */
export const WRITER_STAGES = ["open", "format", "request", "queue", "start", "write"] as const;
export const READER_STAGES = ["open", "request", "queue", "block", "hold", "take"] as const;

/** What the worker is to do. */
export interface LoopVictimOrder {
  readonly node: string;
  readonly end:
    | { readonly side: "writer"; readonly io: WriterIo; readonly size: Size }
    | { readonly side: "reader"; readonly io: ReaderIo };
  /** Index of its last stage. */
  readonly stage: number;
}

const block = (fd: number) => raw.fcntl(fd, F_SETFL, O_NONBLOCK & 0);

async function write(node: string, io: WriterIo, size: Size, stage: number): Promise<never> {
  const writer = new LoopWriter(node, io);
  if (stage > 0) writer.setFormat(size);
  if (stage > 1) writer.request();
  if (stage > 2) writer.frame();
  if (stage > 3) writer.start();
  console.log("there");
  for (;;) {
    if (stage < 5 || !writer.frame()) await delay(1);
  }
}

async function read(node: string, io: ReaderIo, stage: number): Promise<never> {
  const reader = new LoopReader(node, io);
  // Whoever keeps all that the writer can spare gets no more.
  const hold = io === "shared" ? 1 : 2;
  if (stage > 0) reader.request();
  if (stage > 1) reader.enqueue();
  if (stage > 2) reader.start();
  if (stage > 3) { while (reader.frames < 3) if (!reader.take(hold)) await delay(1); }
  console.log("there");
  if (stage === 3) block(reader.device.fd);
  for (;;) {
    if (stage === 3) reader.take();
    else if (stage !== 5 || !reader.take(hold)) await delay(1);
  }
}

export function beLoopVictim({ node, end, stage }: LoopVictimOrder): Promise<never> {
  return end.side === "writer" ? write(node, end.io, end.size, stage) : read(node, end.io, stage);
}
