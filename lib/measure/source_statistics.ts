/**
 * What a source of numbered frames delivered.
 *
 * @module
 */
import { buffersPerFrame, type Field, missingFrames, SequenceSteps } from "./gaps.ts";
import { Histogram } from "./histogram.ts";

/**
 * Counts frames, or fields where these alternate, what is missing between them, and the time from one to the next.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const source = new SourceStatistics();
 * // Every 40 ms a frame, and number 7 never came.
 * [[0, 5], [40e6, 6], [120e6, 8]].forEach(([ns, sequence]) => source.record(ns, sequence, false));
 * assertEquals([source.frames, source.gaps, source.dropped], [3, 1, 1]);
 * assertEquals(source.rate?.toFixed(1), "16.7");
 * ```
 */
export class SourceStatistics {
  /** Frames, or fields, that were had, faulty ones included. */
  frames = 0;
  /** Frames that the sequence numbers say are missing; what was lost where one went backwards nobody knows. */
  dropped = 0;
  /** Places where frames are missing. */
  gaps = 0;
  /** How often a number was not above the one before: it stood still, or began anew. */
  backwards = 0;
  /** Frames that the driver flagged as faulty. */
  errors = 0;
  /** From one frame to the next, in ns. */
  readonly interval: Histogram = new Histogram();
  readonly #steps: SequenceSteps;
  #first = 0;
  #last = 0;

  /**
   * Nothing has come yet.
   *
   * @param alternating whether each buffer has one of a frame's two fields
   */
  constructor(alternating = false) {
    this.#steps = new SequenceSteps(alternating);
  }

  /**
   * Adds one frame; allocates nothing.
   *
   * @param now when it was had, in ns
   * @param sequence the driver's number of it, 32 bits
   * @param faulty whether it came with V4L2_BUF_FLAG_ERROR
   * @param field the driver's, of the frame's two; looked at where they alternate
   */
  record(now: number, sequence: number, faulty: boolean, field?: Field): void {
    if (this.frames++ === 0) this.#first = now;
    else this.interval.record(now - this.#last);
    const step = this.#steps.to(sequence, field);
    const missing = missingFrames(step);
    if (step <= 0) this.backwards++;
    if (missing > 0) this.gaps++;
    this.dropped += missing;
    this.#last = now;
    if (faulty) this.errors++;
  }

  /** Forgets all frames. */
  clear(): void {
    this.frames = 0;
    this.dropped = 0;
    this.gaps = 0;
    this.backwards = 0;
    this.errors = 0;
    this.interval.clear();
    this.#steps.begin();
  }

  /** Whole frames a second from the first to the last; undefined of fewer than two. */
  get rate(): number | undefined {
    const whole = (this.frames - 1) / buffersPerFrame(this.#steps.alternating);
    return this.frames < 2 ? undefined : whole * 1e9 / (this.#last - this.#first);
  }
}
