/**
 * Waiting for a frame without becoming deaf to signals.
 *
 * @module
 */
import { EAGAIN } from "../sys/errno.ts";
import { Poller, POLLIN } from "../sys/poll.ts";
import { DeviceError } from "../v4l2/device.ts";
import type { Queue } from "../v4l2/queue/queue.ts";
import { PollErrors } from "./poll_errors.ts";
import { BREATH_MS, breathe } from "../cli/stop.ts";

/** A queue, or what can be asked like one: `dequeue` gives a number or -EAGAIN. */
export type FrameSource = Pick<Queue, "device" | "dequeue">;

// A rest costs a context switch, and a signal ends a poll at once: a loop that polls needs few.
export const POLLING_REST_MS = 1000;

/**
 * Waits for the frames of one queue, or of whatever else hands out numbered frames. A loop rests
 * where `next` has no frame, and where `restIsDue` after one: `runFrameLoop` in
 * `lib/frames/frame_loop.ts` is one.
 */
export class FrameWaiter {
  readonly #queue: FrameSource;
  readonly #poller: Poller;
  readonly #errors: PollErrors;
  readonly #events: number;
  readonly #timeout: number;
  readonly #idle: () => void;
  /** performance.now() of the first wait in vain, 0 after a frame. */
  #waitingSince = 0;
  #rested = 0;
  #restAfter = BREATH_MS;
  readonly #pollingRest: number;

  /**
   * @param timeout give up after so many seconds without a frame
   * @param idle called when there is time between two frames: write rows, show progress
   * @param events POLL* after which the queue is asked
   * @param pollingRest how long frames may come one after the other without a rest, in ms
   */
  constructor(
    queue: FrameSource,
    timeout: number,
    idle: () => void,
    events = POLLIN,
    pollingRest = POLLING_REST_MS,
  ) {
    this.#queue = queue;
    this.#poller = new Poller(queue.device, events);
    this.#errors = new PollErrors(queue.device.path);
    this.#pollingRest = pollingRest;
    this.#events = events;
    this.#timeout = timeout;
    this.#idle = idle;
  }

  /**
   * Dequeues the next finished buffer, or waits for one a moment; allocates nothing.
   *
   * @returns its index, or -EAGAIN for none yet: rest, then call again
   * @throws {DeviceError} no frame in time, or the stream or the device is gone
   */
  next(): number {
    this.#restAfter = this.#pollingRest;
    const events = this.#poller.wait(BREATH_MS);
    if (events & this.#events) {
      this.#errors.forget();
      const index = this.#queue.dequeue();
      if (index >= 0) this.#waitingSince = 0;
      return index;
    }
    if (this.#errors.check(events)) return -EAGAIN;
    const now = performance.now();
    this.#waitingSince ||= now;
    if (now - this.#waitingSince >= this.#timeout * 1000) {
      throw new DeviceError(this.#queue.device.path, `no frame within ${this.#timeout} s`);
    }
    return -EAGAIN;
  }

  /** Whether a loop that never had to wait should rest now. `now` is from `monotonicNs`. */
  restIsDue(now: number): boolean {
    if (now - this.#rested < this.#restAfter * 1e6) return false;
    this.#rested = now;
    return true;
  }

  /** Does what waited for a quiet moment and turns the event loop. */
  rest(): Promise<void> {
    this.#idle();
    return breathe();
  }
}
