/**
 * What a client of a stateless decoder leaves out of its bitstream, put back from the controls that
 * come with each frame: FFmpeg reads headers, and nothing else.
 *
 * @module
 */
import type { CodecName } from "../../lib/codec/codecs.ts";
import { Av1Rebuilder } from "./av1.ts";
import { H264Rebuilder } from "./h264.ts";
import { HevcRebuilder } from "./hevc.ts";
import { Mpeg2Rebuilder } from "./mpeg2.ts";
import type { Rebuilder } from "./rebuilder.ts";
import { Vp8Rebuilder } from "./vp8.ts";
import { Vp9Rebuilder } from "./vp9.ts";

/** Of codecs that the stateless node does not have. */
const WHOLE: Rebuilder = {
  isWhole: () => true,
  add: (to, bytes) => to.add(bytes),
  giveUp: () => {},
  flush: () => {},
};

/** A rebuilder for one stream. */
export function rebuilder(codec: CodecName): Rebuilder {
  switch (codec) {
    case "av1":
      return new Av1Rebuilder();
    case "h264":
      return new H264Rebuilder();
    case "hevc":
      return new HevcRebuilder();
    case "mpeg2":
      return new Mpeg2Rebuilder();
    case "vp8":
      return new Vp8Rebuilder();
    case "vp9":
      return new Vp9Rebuilder();
    default:
      return WHOLE;
  }
}
