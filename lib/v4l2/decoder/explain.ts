/**
 * What a driver means by its errors, which its user knows and the error's name does not say.
 *
 * @module
 */
import { SysError } from "../../sys/errno.ts";
import type { Queue } from "../queue/queue.ts";

/**
 * The reason for an error of VIDIOC_STREAMON or VIDIOC_DQBUF, by its `code`; undefined where there
 * is nothing to add.
 *
 * @param codec of the stream
 */
export type Explain = (error: SysError, codec: string) => string | undefined;

/** The error with its reason behind it; as it is where there is none. */
export function explained(error: unknown, codec: string, explain: Explain | undefined): unknown {
  const reason = error instanceof SysError ? explain?.(error, codec) : undefined;
  return reason === undefined ? error : new Error(`${(error as Error).message}: ${reason}`);
}

/**
 * Starts queues of a decoder, in this order.
 *
 * @throws {SysError} as VIDIOC_STREAMON
 * @throws {Error} the same, with its reason
 */
export function startDecoding(
  codec: string,
  explain: Explain | undefined,
  ...queues: readonly Queue[]
): void {
  try {
    for (const queue of queues) queue.streamOn();
  } catch (error) {
    throw explained(error, codec, explain);
  }
}
