/**
 * A process that streams one image and compares every frame that comes out.
 *
 * @module
 */
import { patterns } from "../../../lib/image/patterns.ts";
import { filter } from "../../harness/nodes.ts";
import { delay } from "../../harness/waiting.ts";
import { outlive } from "../engine/lives.ts";
import { CheckedStream } from "./stream.ts";

/** What the worker is to do. */
export interface StreamOrder {
  /** Until SIGTERM where there is none. */
  readonly seconds?: number;
  /** At least so many frames, however long they take. */
  readonly least?: number;
  readonly width: number;
  readonly height: number;
  readonly level: number;
  readonly buffers: number;
}

/** Frames after which signals are looked at. */
const BATCH = 32;

/** Streams until the time is over; `ends` says how often the device was not there meanwhile. */
export async function streamFrames(
  { seconds = Infinity, least = 0, width, height, level, buffers }: StreamOrder,
): Promise<{ frames: number; ends: number }> {
  const image = patterns.noise(width, height);
  let frames = 0;
  const { losses, absences } = await outlive(seconds, async (isOver, opened) => {
    using stream = new CheckedStream(filter.videoNode(), image, level, buffers);
    opened();
    while (!isOver() || frames < least) {
      await stream.frame();
      if (++frames % BATCH === 0) await delay(0);
    }
  });
  return { frames, ends: losses + absences };
}
