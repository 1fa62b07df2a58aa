/**
 * The codecs of vpipe-dec.h by the names that lib/ffmpeg has for them.
 *
 * @module
 */
import { type CodecName, CODECS, findDecoder } from "../lib/ffmpeg/codecs.ts";
import type { Ffmpeg } from "../lib/ffmpeg/abi/libraries.ts";
import * as uapi from "../lib/uapi/vpipe_dec.ts";

const BITS: Record<CodecName, number> = {
  vp9: uapi.VPIPE_DEC_CODEC_VP9,
  av1: uapi.VPIPE_DEC_CODEC_AV1,
  h264: uapi.VPIPE_DEC_CODEC_H264,
  hevc: uapi.VPIPE_DEC_CODEC_HEVC,
  vp8: uapi.VPIPE_DEC_CODEC_VP8,
  mpeg1: uapi.VPIPE_DEC_CODEC_MPEG1,
  mpeg2: uapi.VPIPE_DEC_CODEC_MPEG2,
  mpeg4: uapi.VPIPE_DEC_CODEC_MPEG4,
  h263: uapi.VPIPE_DEC_CODEC_H263,
};

/** All codecs that this project knows. */
export const NAMES = Object.keys(CODECS) as CodecName[];

/** The name of one of VPIPE_DEC_CODEC_*; undefined for any other number. */
export function codecName(codec: number): CodecName | undefined {
  return NAMES.find((name) => BITS[name] === codec);
}

/** One of VPIPE_DEC_CODEC_*. */
export const codecBit = (name: CodecName): number => BITS[name];

/** What this FFmpeg can decode, as vpipe_dec_hello.codecs. */
export function codecBits(ffmpeg: Ffmpeg): number {
  return NAMES.filter((name) => findDecoder(ffmpeg, name))
    .reduce((bits, name) => bits | BITS[name], 0);
}
