/**
 * The codecs of vpipe-dec.h by the names that lib/ffmpeg has for them.
 *
 * @module
 */
import { type CodecName, CODECS, findDecoder } from "../lib/ffmpeg/codecs.ts";
import type { Ffmpeg } from "../lib/ffmpeg/libraries.ts";
import {
  VPIPE_DEC_CODEC_AV1,
  VPIPE_DEC_CODEC_H264,
  VPIPE_DEC_CODEC_VP9,
} from "../lib/vpipe/decoder_uapi.ts";

const BITS: Record<CodecName, number> = {
  vp9: VPIPE_DEC_CODEC_VP9,
  av1: VPIPE_DEC_CODEC_AV1,
  h264: VPIPE_DEC_CODEC_H264,
};

/** All codecs that this project knows. */
export const NAMES = Object.keys(CODECS) as CodecName[];

/** The name of one of VPIPE_DEC_CODEC_*; undefined for any other number. */
export function codecName(codec: number): CodecName | undefined {
  return NAMES.find((name) => BITS[name] === codec);
}

/** What this FFmpeg can decode, as vpipe_dec_hello.codecs. */
export function codecBits(ffmpeg: Ffmpeg): number {
  return NAMES.filter((name) => findDecoder(ffmpeg, name))
    .reduce((bits, name) => bits | BITS[name], 0);
}
