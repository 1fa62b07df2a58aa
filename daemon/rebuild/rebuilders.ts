/**
 * What a client of a stateless decoder leaves out of its bitstream, put back from the controls that
 * come with each frame: FFmpeg reads headers, and nothing else.
 *
 * @module
 */
import type { CodecName } from "../../lib/ffmpeg/codecs.ts";
import type { Assembly } from "./access_unit_buffer.ts";
import { Av1Rebuilder } from "./av1.ts";
import { H264Rebuilder } from "./h264.ts";

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
   * @throws {StreamError} no header can say what the controls do
   */
  add(to: Assembly, bytes: Uint8Array, controls: FrameControls): void;
  /** The next frame stands alone. */
  flush(): void;
}

/** VP9's frames lack nothing, whoever sends them. */
const WHOLE: Rebuilder = {
  isWhole: () => true,
  add: (to, bytes) => to.add(bytes),
  flush: () => {},
};

/** A rebuilder for one stream. */
export function rebuilder(codec: CodecName): Rebuilder {
  switch (codec) {
    case "av1":
      return new Av1Rebuilder();
    case "h264":
      return new H264Rebuilder();
    default:
      return WHOLE;
  }
}
