/**
 * The codecs as vpipe-dec.h numbers them.
 *
 * @module
 */
import { CODEC_NAMES, type CodecName } from "../../lib/codec/codecs.ts";
import { findFfmpegDecoder } from "../../lib/ffmpeg/decoders.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import * as uapi from "../../lib/uapi/vpipe_dec.ts";

/** One of VPIPE_DEC_CODEC_*. */
export function codecBit(name: CodecName): number {
  return uapi[`VPIPE_DEC_CODEC_${name.toUpperCase() as Uppercase<CodecName>}`];
}

/** The name of one of VPIPE_DEC_CODEC_*; undefined for any other number. */
export function codecName(codec: number): CodecName | undefined {
  return CODEC_NAMES.find((name) => codecBit(name) === codec);
}

/** Those that this FFmpeg can decode. */
export function decodable(ffmpeg: Ffmpeg): CodecName[] {
  return CODEC_NAMES.filter((name) => findFfmpegDecoder(ffmpeg, name) !== undefined);
}

/** Codecs as vpipe_dec_hello.codecs has them. */
export function codecBits(names: readonly CodecName[]): number {
  return names.reduce((bits, name) => bits | codecBit(name), 0);
}
