/**
 * What is wrong with a stream, and where.
 *
 * @module
 */

/** Bad input; the message says what is wrong and at which frame or byte offset. */
export class StreamError extends Error {
  override name = "StreamError";
}

/**
 * Told of each unit that is left out, as nobody can decode it.
 *
 * @param error what is wrong with it, and where
 * @param number of the unit in decoding order, counted from 0 with those that are left out
 */
export type Lost = (error: StreamError, number: number) => void;

/**
 * Runs `parse`, and puts the place in front of what it finds wrong.
 *
 * @param where gives for example `frame 3 at byte 1024`; called only then
 * @throws {StreamError}
 */
export function at<T>(where: () => string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof StreamError) throw new StreamError(`${where()}: ${error.message}`);
    throw error;
  }
}

/**
 * Runs `parse` for a unit, and tells of one that is broken.
 *
 * @returns undefined where it is
 * @throws {StreamError} the same, where nobody is to be told
 */
export function passedOver<T>(
  lost: Lost | undefined,
  number: number,
  parse: () => T,
): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!lost || !(error instanceof StreamError)) throw error;
    lost(error, number);
    return undefined;
  }
}
