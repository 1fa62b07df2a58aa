/**
 * What every frame loop does between its frames: end when told to, rest, and keep what was recorded
 * when something fails.
 *
 * @module
 */
import { counted } from "../measure/format.ts";
import { EAGAIN } from "../sys/errno.ts";
import { POLLIN } from "../sys/poll.ts";
import { type FrameSource, FrameWaiter, POLLING_REST_MS } from "./frame_waiter.ts";
import { Progress } from "../cli/progress.ts";
import { BREATH_MS } from "../cli/stop.ts";
import type { ToolSession } from "../cli/tool.ts";

/** What the command line says of a loop. */
export interface LoopSettings {
  /** For the progress line. */
  readonly tool: string;
  /** Frames to record, or Infinity. */
  readonly frames: number;
  /** Seconds after the first recorded frame with which the loop ends; without, `frames` ends it alone. */
  readonly seconds?: number;
  /** Frames to record and forget before. */
  readonly "warm-up": number;
  /** Seconds without a frame after which the source has stopped. */
  readonly timeout: number;
}

/** A loop over the frames of one source. */
export interface FrameLoop {
  readonly settings: LoopSettings;
  readonly source: FrameSource;
  /**
   * Waits up to a tenth of a second for the next frame, where polling `source` for one is not the
   * way: its number, -EAGAIN for none yet, another negative one for none any more.
   */
  readonly next?: () => number;
  /** The rows; written when there are many, or when there is time. */
  readonly log: { readonly isFull: boolean; flush(): void; clear(): void };
  /** Somebody looks at the rows as they are written: the loop rests as often as a tenth of a second allows. */
  readonly watched?: boolean;
  /** What else `take` records. */
  readonly statistics: readonly { clear(): void }[];
  /**
   * Takes what `source` gave; synchronous, so that it is compiled early, and allocates nothing. A
   * frame to warm up is recorded like any other: code that it does not run is compiled later, in
   * threads that the measured frames would wait for.
   *
   * @param frame its number among those recorded, from 0; negative while warming up
   * @returns when the frame was had, in ns
   */
  readonly take: (index: number, frame: number) => number;
  /** Begins a turn; returns a frame that is there already, or -EAGAIN to wait for one. */
  readonly turn: () => number;
  /** Looks at a frame that was taken; allocates nothing. True ends the loop. */
  readonly look?: (frame: number) => boolean;
  /** The turn is over, and the next one does not follow at once. */
  readonly settle: () => void;
}

/**
 * Runs a loop to its end, to the first signal, or to what fails.
 *
 * @returns what ended it early, or that rows could not be written
 */
export async function runFrameLoop(
  loop: FrameLoop,
  { quiet, stop }: ToolSession,
): Promise<Error | undefined> {
  const { source, log, statistics, take, turn, settle, look = () => false } = loop;
  const { tool, frames, seconds = Infinity, "warm-up": warmUp, timeout } = loop.settings;
  using progress = new Progress(tool, frames, "frames", quiet);
  let frame = -warmUp;
  let end = Infinity;
  const keep = () => {
    if (frame > 0) return log.flush();
    log.clear();
    for (const each of statistics) each.clear();
  };
  const idle = () => {
    keep();
    progress.update(Math.max(0, frame));
  };
  const waiter = new FrameWaiter(
    source,
    timeout,
    idle,
    POLLIN,
    loop.watched ? BREATH_MS : POLLING_REST_MS,
  );
  const next = loop.next ?? (() => waiter.next());
  let failure: Error | undefined;
  try {
    while (frame < frames && !stop.requested) {
      let index = turn();
      if (index < 0) index = next();
      for (; index === -EAGAIN && !stop.requested; index = next()) await waiter.rest();
      if (index < 0) break;
      const now = take(index, frame);
      if (frame === 0) end = now + seconds * 1e9;
      if (look(frame++) || now >= end) break;
      if (log.isFull || waiter.restIsDue(now) || frame === 0) {
        settle();
        await waiter.rest();
      }
    }
  } catch (error) {
    const got = frame < 0
      ? "while warming up"
      : frames === Infinity
      ? `after ${counted(frame, "frame")}`
      : `after ${frame} of ${counted(frames, "frame")}`;
    failure = new Error(`${(error as Error).message}, ${got}`, { cause: error });
  }
  settle();
  try {
    keep();
  } catch (error) {
    // The figures are there, whatever became of the last rows.
    failure ??= error as Error;
  }
  return failure;
}
