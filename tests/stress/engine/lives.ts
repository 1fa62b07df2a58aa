/**
 * Using a device that may go away at any moment and come back.
 *
 * @module
 */
import { EIO, ENODEV, ENOENT, ENXIO, SysError } from "../../../lib/sys/errno.ts";
import { DeviceError } from "../../../lib/v4l2/device.ts";
import { delay } from "../../harness/waiting.ts";

/**
 * Whether an error is what a device that went away has to give: ENODEV; EIO for a call that was
 * already waiting; ENOENT or ENXIO while there is no node.
 */
function isGone(error: unknown): boolean {
  if (error instanceof SysError) return [ENODEV, ENOENT, ENXIO, EIO].includes(error.code);
  return error instanceof DeviceError && / is gone| stopped the stream/.test(error.message);
}

/**
 * Uses the device again and again until the time is over.
 *
 * @param use returns or throws when the device goes away, and returns at `end`, a time of
 * `performance.now()`
 * @returns how often the device went away
 */
export async function outlive(
  seconds: number,
  use: (end: number) => void | Promise<void>,
): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let losses = 0;
  while (performance.now() < end) {
    try {
      await use(end);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    if (performance.now() < end) {
      losses++;
      await delay(5);
    }
  }
  return losses;
}
