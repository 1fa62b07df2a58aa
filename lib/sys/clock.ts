/**
 * CLOCK_MONOTONIC in nanoseconds, as the kernel stamps its buffers.
 *
 * @module
 */
import { libc } from "./libc.ts";
import { n64, struct } from "../uapi/struct.ts";

/** linux/time.h */
export const CLOCK_MONOTONIC = 1;
export const TIMER_ABSTIME = 1;

export const timespec = struct("struct timespec", 16, {
  tv_sec: n64(0),
  tv_nsec: n64(8),
});

const now = timespec.alloc();
const words = new Uint32Array(now.bytes.buffer);

libc.clock_gettime(CLOCK_MONOTONIC, now.bytes);

// V8 keeps integers below 2^31 apart from all other numbers, and code that it made for them is thrown
// away when the first larger one comes: every time is a larger one.
const HEAD_START_SECONDS = 8;

/**
 * The whole second that times are counted from, some before the program started. Absolute
 * nanoseconds outgrow a number's 53 bits on a machine that has run for 104 days; these stay exact.
 */
export const epochSeconds: number = words[0] - HEAD_START_SECONDS;

/** CLOCK_MONOTONIC by clock_gettime(2), in nanoseconds since `epochSeconds`; allocates nothing. */
export function monotonicNs(): number {
  libc.clock_gettime(CLOCK_MONOTONIC, now.bytes);
  return (words[0] - epochSeconds) * 1e9 + words[2];
}

const wake = timespec.alloc();

/**
 * Sleeps until a time from `monotonicNs`, or until a signal. It blocks the event loop and so the
 * signal handlers: keep it to a tenth of a second, then yield.
 *
 * @param sinceEpoch in nanoseconds; one that is over returns at once
 */
export function sleepUntil(sinceEpoch: number): void {
  const whole = Math.ceil(sinceEpoch);
  const seconds = Math.floor(whole / 1e9);
  wake.tv_sec = epochSeconds + seconds;
  wake.tv_nsec = whole - seconds * 1e9;
  libc.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, wake.bytes, null);
}

/** Absolute CLOCK_MONOTONIC in nanoseconds, in decimal, of a time from `monotonicNs`. */
export function absoluteNs(sinceEpoch: number): string {
  const seconds = Math.floor(sinceEpoch / 1e9);
  const nanoseconds = sinceEpoch - seconds * 1e9;
  return `${epochSeconds + seconds}${String(nanoseconds).padStart(9, "0")}`;
}
