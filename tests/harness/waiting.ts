/**
 * Waiting for what the kernel, or another program, does in its own time.
 *
 * @module
 */
import { Patience } from "./patience.ts";
import { expect } from "./suite.ts";

const POLL_MS = 20;

/** Nothing takes long; a guest may stand still for a while. */
const WAIT_S = 60;

/** Waits this long, in milliseconds. */
export const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until `holds`; fails the running check once patience is over, saying what did not come about. */
export async function until(
  what: string,
  holds: () => boolean,
  patience: Patience = new Patience(WAIT_S, () => 0),
): Promise<void> {
  while (!holds()) {
    expect(!patience.isOver, `${what}: waited ${patience.seconds} s in vain`);
    await delay(POLL_MS);
  }
}
