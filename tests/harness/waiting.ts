/**
 * Waiting for what the kernel, or another program, does in its own time.
 *
 * @module
 */
import { expect } from "./suite.ts";

const POLL_MS = 20;

/** Nothing takes long; a guest may stand still for a while. */
const WAIT_S = 60;

/** Waits this long, in milliseconds. */
export const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until `holds`; fails the running check after `seconds`, saying what did not come about. */
export async function until(what: string, holds: () => boolean, seconds = WAIT_S): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!holds()) {
    expect(performance.now() < end, `${what}: not within ${seconds} s`);
    await delay(POLL_MS);
  }
}
