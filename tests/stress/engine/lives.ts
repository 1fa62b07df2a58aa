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

/** How often the device went away while it was open, and was not there to be opened. */
export interface Losses {
  readonly losses: number;
  readonly absences: number;
}

/**
 * Uses the device again and again until the time is over, or SIGTERM.
 *
 * @param use returns or throws when the device goes away, and returns when it is over; says when it has
 * the device open
 */
export async function outlive(
  seconds: number,
  use: (isOver: () => boolean, opened: () => void) => void | Promise<void>,
): Promise<Losses> {
  let told = false;
  Deno.addSignalListener("SIGTERM", () => void (told = true));
  const end = performance.now() + seconds * 1000;
  const isOver = () => told || performance.now() >= end;
  const done = { losses: 0, absences: 0 };
  while (!isOver()) {
    let open = false;
    try {
      await use(isOver, () => void (open = true));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    if (isOver()) break;
    done[open ? "losses" : "absences"]++;
    await delay(5);
  }
  return done;
}
