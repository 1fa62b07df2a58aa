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
