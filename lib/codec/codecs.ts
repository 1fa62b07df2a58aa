/**
 * The codecs that this project knows, by the names that it has for them, and V4L2's formats of what
 * is coded by them.
 *
 * @module
 */
import * as v4l2 from "../uapi/videodev2.ts";

/** A codec, by the name that it has here. */
export type CodecName =
  | "vp9"
  | "av1"
  | "h264"
  | "hevc"
  | "vp8"
  | "mpeg1"
  | "mpeg2"
  | "mpeg4"
  | "h263";

/** V4L2_PIX_FMT_* of whole frames with all their headers, as a stateful decoder takes them. */
export const CODED: Readonly<Record<CodecName, number>> = {
  vp9: v4l2.V4L2_PIX_FMT_VP9,
  av1: v4l2.V4L2_PIX_FMT_AV1,
  h264: v4l2.V4L2_PIX_FMT_H264,
  hevc: v4l2.V4L2_PIX_FMT_HEVC,
  vp8: v4l2.V4L2_PIX_FMT_VP8,
  mpeg1: v4l2.V4L2_PIX_FMT_MPEG1,
  mpeg2: v4l2.V4L2_PIX_FMT_MPEG2,
  mpeg4: v4l2.V4L2_PIX_FMT_MPEG4,
  h263: v4l2.V4L2_PIX_FMT_H263,
};

export const CODEC_NAMES = Object.keys(CODED) as readonly CodecName[];

/** A codec that streams are read of. */
export type Codec = "vp9" | "av1" | "h264" | "hevc" | "vp8" | "mpeg2";

/** V4L2_PIX_FMT_* of frames whose headers are in controls: of the codecs whose streams are read here. */
export const STATELESS: Readonly<Record<Codec, number>> = {
  vp9: v4l2.V4L2_PIX_FMT_VP9_FRAME,
  av1: v4l2.V4L2_PIX_FMT_AV1_FRAME,
  h264: v4l2.V4L2_PIX_FMT_H264_SLICE,
  hevc: v4l2.V4L2_PIX_FMT_HEVC_SLICE,
  vp8: v4l2.V4L2_PIX_FMT_VP8_FRAME,
  mpeg2: v4l2.V4L2_PIX_FMT_MPEG2_SLICE,
};

export const STREAM_CODECS = Object.keys(STATELESS) as readonly Codec[];
