/**
 * Starting a decoder's queues, and what it means where they do not start.
 *
 * @module
 */
import { EBUSY, EDQUOT, ENOTCONN, EOPNOTSUPP, SysError } from "../../sys/errno.ts";
import type { Queue } from "../queue/queue.ts";

/**
 * Starts queues of a decoder, in this order.
 *
 * @param codec for the message
 * @throws {SysError} as VIDIOC_STREAMON
 * @throws {Error} the same, with the reason, where the decoder has no daemon or that has no codec
 */
export function startDecoding(codec: string, ...queues: readonly Queue[]): void {
  try {
    for (const queue of queues) queue.streamOn();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    const reason = new Map([
      [ENOTCONN, "no decoder-daemon is running"],
      [EBUSY, "the decoder-daemon serves no more streams"],
      [EDQUOT, "this user has as many streams as the module's user_streams lets one have"],
      [EOPNOTSUPP, `the decoder-daemon's FFmpeg does not decode ${codec}`],
    ]).get(error.code);
    throw reason === undefined ? error : new Error(`${error.message}: ${reason}`);
  }
}
