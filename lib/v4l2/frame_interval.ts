/**
 * Frame rates as V4L2 has them: fractions of a second.
 *
 * @module
 */

/** Seconds from one frame to the next: `numerator / denominator`. */
export interface FrameInterval {
  /** Seconds; V4L2 has 32 bits for it. */
  readonly numerator: number;
  /** Frames in so many seconds; the frame rate where `numerator` is 1. */
  readonly denominator: number;
}

/**
 * The interval of so many frames a second, as the simplest fraction.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(intervalOf(25), { numerator: 1, denominator: 25 });
 * assertEquals(intervalOf(29.97002997), { numerator: 1001, denominator: 30000 });
 * ```
 */
export function intervalOf(fps: number): FrameInterval {
  // By continued fractions, each of which is nearer than all with a smaller numerator.
  let [numerator, denominator] = [0, 1];
  let [before, beforeThat] = [1, 0];
  for (let rest = fps; numerator < 1e6; rest = 1 / (rest - Math.floor(rest))) {
    const whole = Math.floor(rest);
    [denominator, beforeThat] = [whole * denominator + beforeThat, denominator];
    [numerator, before] = [whole * numerator + before, numerator];
    if (Math.abs(denominator / numerator / fps - 1) < 1e-9) break;
  }
  return { numerator, denominator };
}
