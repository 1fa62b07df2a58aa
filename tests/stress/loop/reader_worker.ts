/**
 * A process that reads whatever is written to the loopback node: writers, formats and time-out
 * images come and go.
 *
 * @module
 */
import { EAGAIN, EINVAL, EIO, SysError } from "../../../lib/sys/errno.ts";
import { LoopReader, type ReaderIo } from "./stream.ts";
import { delay } from "../../harness/waiting.ts";

/** What the worker is to do. */
export interface LoopReaderOrder {
  readonly node: string;
  readonly io: ReaderIo;
  /** How many buffers it keeps while it takes the next ones. */
  readonly hold?: number;
  /** Whether there are time-out images. */
  readonly mayRepeat?: boolean;
  /** Open anew after so many frames. */
  readonly frames?: number;
}

const POLL_MS = 50;

/** Frames after which signals are looked at. */
const BATCH = 32;

/**
 * Whether to set up anew: the format changed during a stream, or during the set-up, so that the
 * memory is too small; or there is no writer yet whose buffers could be had.
 */
const isChange = (error: unknown) =>
  error instanceof SysError && [EIO, EINVAL, EAGAIN].includes(error.code);

/**
 * Reads until SIGTERM, and says when it first streams, and when it first has a frame; `lives` says how
 * often it opened the node.
 */
export async function readLoop(
  { node, io, hold, mayRepeat, frames: most = Infinity }: LoopReaderOrder,
): Promise<{ frames: number; repeated: number; lives: number }> {
  const sum = { frames: 0, repeated: 0, lives: 0 };
  const news = ["reading", "frame"];
  let stopped = false;
  Deno.addSignalListener("SIGTERM", () => stopped = true);
  while (!stopped) {
    using reader = new LoopReader(node, io, mayRepeat);
    sum.lives++;
    try {
      reader.begin();
      if (news[0] === "reading") console.log(news.shift());
      while (!stopped && reader.frames < most) {
        const taken = reader.take(hold);
        if (taken && news[0] === "frame") console.log(news.shift());
        if (!taken) reader.wait(POLL_MS);
        if (!taken || reader.frames % BATCH === 0) await delay(0);
      }
    } catch (error) {
      if (!isChange(error)) throw error;
      reader.touch();
    }
    sum.frames += reader.frames;
    sum.repeated += reader.repeated;
    await delay(1);
  }
  return sum;
}
