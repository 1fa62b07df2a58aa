/**
 * Which of FFmpeg's decoders serve the codecs, and how.
 *
 * @module
 */
import { cString } from "../sys/libc.ts";
import type { Ffmpeg } from "./abi/libraries.ts";
import type { CodecName } from "../codec/codecs.ts";
import { FieldFinder } from "../codec/h264/fields.ts";
import { HevcRecovery } from "../codec/hevc/recovery.ts";
import {
  type Access,
  h263Access,
  h264Access,
  h264InOrder,
  hevcAccess,
  mpeg4Access,
  mpegAccess,
} from "../codec/random_access.ts";

/**
 * Where the picture of a coded frame is found:
 * - `asked`: in the memory that the decoder last asked for. H.264 comes in decode order and FFmpeg
 *   gives out in display order, but with one thread a picture is complete when its packet was sent.
 * - `first asked`: in the memory that it first asked for, likewise. HEVC's asks for more where it makes
 *   up a reference that is missing, and does not say so.
 * - `given`: in the frame that the decoder gives out.
 * - `given or asked`: the frame that is given out, a repeated one too, else (it is not to be shown,
 *   but others refer to it) the one that was asked for.
 */
export type Source = "asked" | "first asked" | "given" | "given or asked";

interface DecoderTraits {
  /** FFmpeg's decoders, the preferred one first. */
  readonly decoders: readonly string[];
  readonly source: Source;
  /** What a coded frame is to others; not for codecs whose decoder tells that something is missing. */
  readonly access?: (bytes: Uint8Array) => Access;
  /** Only where a stream may be whole again without a random access point, which its decoder does not tell. */
  readonly recovery?: () => HevcRecovery;
  /** Only where a coded frame may be one field of a picture, and the decoder leaves the other one's lines alone. */
  readonly fields?: () => FieldFinder;
  /**
   * Only where pictures may be shown later than they come. How the decoder gives those that wait, and
   * still has all references:
   * - `in place`: each for a packet of no bytes.
   * - `again`: at the end of the stream; then it has to be flushed, and decode all of it again.
   */
  readonly drains?: "in place" | "again";
  /** Only where FFmpeg has to be told: whether pictures are in display order, where a frame says so. */
  readonly inOrder?: (bytes: Uint8Array) => boolean | undefined;
  /** Options with which it gives out each picture with its frame, in decoding order. */
  readonly decodingOrder?: Readonly<Record<string, string>>;
  /** Where decoding begins with no key frame, the decoder makes up what pictures refer to. */
  readonly guesses?: true;
  /**
   * Leading pictures of the first random access point are left out only where that is the first thing
   * that FFmpeg has had since it was opened or flushed.
   */
  readonly beginsAnew?: true;
}

/** By codec. FFmpeg's own AV1 decoder needs hardware. */
export const DECODERS: Readonly<Record<CodecName, DecoderTraits>> = {
  vp9: { decoders: ["vp9"], source: "given or asked" },
  av1: { decoders: ["libdav1d", "libaom-av1"], source: "given" },
  h264: {
    decoders: ["h264"],
    source: "asked",
    access: h264Access,
    fields: () => new FieldFinder(),
    drains: "in place",
    inOrder: h264InOrder,
  },
  hevc: {
    decoders: ["hevc"],
    source: "first asked",
    access: hevcAccess,
    recovery: () => new HevcRecovery(),
    drains: "again",
    guesses: true,
    beginsAnew: true,
  },
  vp8: { decoders: ["vp8"], source: "given or asked" },
  mpeg1: {
    decoders: ["mpeg1video"],
    source: "given",
    access: mpegAccess,
    drains: "again",
    guesses: true,
  },
  mpeg2: {
    decoders: ["mpeg2video"],
    source: "given",
    decodingOrder: { flags: "+low_delay" },
    access: mpegAccess,
    drains: "again",
    guesses: true,
  },
  mpeg4: {
    decoders: ["mpeg4"],
    source: "given",
    access: mpeg4Access,
    drains: "again",
    guesses: true,
  },
  h263: { decoders: ["h263"], source: "given", access: h263Access, guesses: true },
};

/** One of FFmpeg's decoders. */
export interface FoundDecoder {
  readonly name: string;
  /** The AVCodec, which is never freed. */
  readonly pointer: Deno.PointerObject;
}

/** The decoder of this FFmpeg for a codec; undefined where it was built without. */
export function findFfmpegDecoder(
  { avcodec }: Ffmpeg,
  codec: CodecName,
): FoundDecoder | undefined {
  for (const name of DECODERS[codec].decoders) {
    const pointer = avcodec.avcodec_find_decoder_by_name(cString(name));
    if (pointer !== null) return { name, pointer };
  }
  return undefined;
}
