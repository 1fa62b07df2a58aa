/**
 * CLOCK_MONOTONIC in nanoseconds, as the kernel stamps its buffers.
 *
 * @module
 */
import { libc } from "./libc.ts";
import { n64, struct } from "./struct.ts";

/** linux/time.h */
export const CLOCK_MONOTONIC = 1;

export const timespec = struct("struct timespec", 16, {
  sec: n64(0, "tv_sec"),
  nsec: n64(8, "tv_nsec"),
});

const now = timespec.alloc();
const words = new Uint32Array(now.bytes.buffer);

libc.clock_gettime(CLOCK_MONOTONIC, now.bytes);

/**
 * The whole second of CLOCK_MONOTONIC in which the program started. Absolute nanoseconds outgrow a
 * number's 53 bits on a machine that has run for 104 days; counted from here they stay exact.
 */
export const epochSeconds: number = words[0];

/** CLOCK_MONOTONIC, in nanoseconds since `epochSeconds`. */
export function monotonicNs(): number {
  libc.clock_gettime(CLOCK_MONOTONIC, now.bytes);
  return (words[0] - epochSeconds) * 1e9 + words[2];
}

/** Absolute CLOCK_MONOTONIC in nanoseconds, in decimal, of a time from `monotonicNs`. */
export function absoluteNs(sinceEpoch: number): string {
  const seconds = Math.floor(sinceEpoch / 1e9);
  const nanoseconds = sinceEpoch - seconds * 1e9;
  return `${epochSeconds + seconds}${String(nanoseconds).padStart(9, "0")}`;
}
