/**
 * What streams of both kinds have in common for the thread that serves them.
 *
 * @module
 */

/** The part of a stream's service that depends on its kind. */
export interface Service extends Disposable {
  /** Whether `step` has something to do now. */
  readonly ready: boolean;

  /**
   * Takes in the message that was read.
   *
   * @param type VPIPE_DEC_MSG_*
   * @returns whether this kind of stream has such messages
   * @throws {ProtocolError} the kernel does not keep to vpipe-dec.h
   * @throws {SysError} of the stream's file
   */
  handle(type: number): boolean;

  /**
   * Does the next piece of what was taken in.
   *
   * @throws {SysError} of the stream's file
   */
  step(): void;

  /** CAPTURE buffers are gone. */
  forget(): void;
}
