/**
 * A process that streams one image and compares every frame that comes out.
 *
 * @module
 */
import { patterns } from "../../../lib/image/patterns.ts";
import { filter } from "../../harness/nodes.ts";
import { outlive } from "../engine/lives.ts";
import { CheckedStream } from "./stream.ts";

/** What the worker is to do. */
export interface StreamOrder {
  readonly seconds: number;
  readonly width: number;
  readonly height: number;
  readonly level: number;
  readonly buffers: number;
}

/** Streams until the time is over; `losses` says how often the device went away meanwhile. */
export async function streamFrames(
  { seconds, width, height, level, buffers }: StreamOrder,
): Promise<{ frames: number; losses: number }> {
  const image = patterns.noise(width, height);
  let frames = 0;
  const losses = await outlive(seconds, async (end) => {
    using stream = new CheckedStream(filter.videoNode(), image, level, buffers);
    for (; performance.now() < end; frames++) await stream.frame();
  });
  return { frames, losses };
}
