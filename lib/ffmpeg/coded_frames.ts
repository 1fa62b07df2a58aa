/**
 * The coded frames of a file, for a decoder that is not FFmpeg's.
 *
 * @module
 */
import { AV_PKT_FLAG_CORRUPT, AVPACKET } from "./abi/avcodec.ts";
import { AV_LOG_QUIET } from "./abi/avutil.ts";
import { CODEC_NAMES, type CodecName } from "../codec/codecs.ts";
import { DECODERS } from "./decoders.ts";
import { Demuxer } from "./demuxer.ts";
import { loadFfmpegWithFiles } from "./abi/libraries.ts";
import { Packet } from "./packet.ts";

// Others have H.264 and HEVC without start codes, and parameter sets apart from the frames.
const CONTAINERS = ["ivf", "obu", "h264", "hevc", "mpegvideo", "m4v", "h263"];

/** What there is in a file. */
export interface CodedFrames {
  readonly codec: CodecName;
  /** Whole access units in decoding order, with the parameter sets in the first one that needs them. */
  readonly frames: readonly Uint8Array<ArrayBuffer>[];
  /** Why there are no more, where that is not the end of the file, or which is not whole. */
  readonly broken?: Error;
}

/**
 * Reads an IVF file or an elementary stream.
 *
 * @throws {FfmpegError} the file cannot be opened, or FFmpeg finds no video in it
 * @throws {Error} it is of another kind, or there is no FFmpeg that can be used
 */
export function readCodedFrames(path: string): CodedFrames {
  const ffmpeg = loadFfmpegWithFiles();
  ffmpeg.avutil.av_log_set_level(AV_LOG_QUIET);
  using demuxer = new Demuxer(ffmpeg, path);
  const { container, decoder: { name } } = demuxer;
  if (!CONTAINERS.includes(container)) {
    throw new Error(
      `${path}: is ${container}; IVF and elementary streams can be sent to a decoder`,
    );
  }
  const codec = CODEC_NAMES.find((codec) => DECODERS[codec].decoders.includes(name));
  if (codec === undefined) throw new Error(`${path}: holds video that is decoded by ${name}`);

  using packet = new Packet(ffmpeg);
  const view = new Deno.UnsafePointerView(packet.pointer);
  const frames: Uint8Array<ArrayBuffer>[] = [];
  let broken: Error | undefined;
  let code: number;
  while ((code = demuxer.read(packet)) === 0) {
    const size = view.getInt32(AVPACKET.size);
    const data = view.getPointer(AVPACKET.data);
    if (data !== null) {
      if (view.getInt32(AVPACKET.flags) & AV_PKT_FLAG_CORRUPT) {
        broken ??= new Error(`${path}: frame ${frames.length} in decoding order is cut off`);
      }
      frames.push(new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data, size)).slice());
    }
    packet.clear();
  }
  try {
    demuxer.check(code);
  } catch (error) {
    broken ??= error as Error;
  }
  return { codec, frames, broken };
}
