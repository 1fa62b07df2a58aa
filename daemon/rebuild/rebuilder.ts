/**
 * What puts a codec's headers back, and what it is told of a frame.
 *
 * @module
 */
import type { Assembly } from "./access_unit_buffer.ts";

/** The controls of a frame, as `Controls` has them. */
export interface FrameControls {
  /** The payload of V4L2_CID_STATELESS_*; undefined where the frame came without it. */
  find(id: number): Uint8Array<ArrayBuffer> | undefined;
  /** Of the OUTPUT buffer's timestamp in nanoseconds, the lower and the upper 32 bits. */
  readonly timestampLow: number;
  readonly timestampHigh: number;
}

/** Puts the headers of one codec back. */
export interface Rebuilder {
  /** Whether FFmpeg can have an OUTPUT buffer's content as it is. */
  isWhole(bytes: Uint8Array, controls: FrameControls): boolean;
  /**
   * Adds an OUTPUT buffer's content, and before it what it lacks.
   *
   * @throws {StreamError} no header can say what the controls do, or a reference is not there without
   * which there is nothing to decode
   */
  add(to: Assembly, bytes: Uint8Array, controls: FrameControls): void;
  /** Whether the picture that was added last may refer to one that is not there, for which FFmpeg has another. */
  readonly doubtful?: boolean;
  /**
   * FFmpeg rejected what was added last: it has no such frame to refer to, as most of its decoders keep only
   * what is whole.
   *
   * @param begun there is a picture with what came before the damage
   */
  reject?(begun: boolean): void;
  /** Of the picture that was added last nothing is sent. */
  giveUp(): void;
  /** The next frame stands alone. */
  flush(): void;
}
