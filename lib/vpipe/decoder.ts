/**
 * The decoder's nodes, and what its errors mean. Any driver's decoder is driven by `lib/v4l2`.
 *
 * @module
 */
import { EBUSY, EDQUOT, EIO, ENOTCONN, EOPNOTSUPP } from "../sys/errno.ts";
import { V4L2_CAP_VIDEO_M2M_MPLANE } from "../uapi/videodev2.ts";
import type { Explain } from "../v4l2/decoder/explain.ts";
import { findVideoDevice } from "../v4l2/find.ts";

/** Path of the first stateless decoder that this process may open, if there is one. */
export function findStatelessDecoder(): string | undefined {
  return findVideoDevice("vpipe-dec", "vpipe stateless decoder", V4L2_CAP_VIDEO_M2M_MPLANE);
}

const REASONS = new Map([
  [ENOTCONN, "no decoder-daemon is running"],
  [EBUSY, "the decoder-daemon serves no more streams, or has no memory for more pictures"],
  [
    EDQUOT,
    "this user has as many streams as the module's user_streams lets one have, or half of the " +
    "decoder-daemon's memory for pictures",
  ],
  [EIO, "the decoder-daemon is gone, or gave no answer"],
]);

export const explainDecoder: Explain = ({ code }, codec) =>
  code === EOPNOTSUPP ? `the decoder-daemon's FFmpeg does not decode ${codec}` : REASONS.get(code);
