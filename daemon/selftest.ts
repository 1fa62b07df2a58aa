/**
 * What the daemon needs of this machine, without a device: FFmpeg, its decoders, and the packing.
 *
 * @module
 */
import type { Report } from "../lib/cli/tool.ts";
import { CODEC_NAMES } from "../lib/codec/codecs.ts";
import { AV_LOG_QUIET, AVFRAME } from "../lib/ffmpeg/abi/avutil.ts";
import { findFfmpegDecoder } from "../lib/ffmpeg/decoders.ts";
import { Decoder } from "../lib/ffmpeg/decoder.ts";
import { FfmpegError } from "../lib/ffmpeg/abi/error.ts";
import { Frame } from "../lib/ffmpeg/frame.ts";
import { KERNELS } from "../lib/ffmpeg/abi/pixel_functions.ts";
import { type Ffmpeg, loadFfmpeg } from "../lib/ffmpeg/abi/libraries.ts";
import { Packer, planes } from "../lib/ffmpeg/packer.ts";
import { cString } from "../lib/sys/libc.ts";
import { Mapping } from "../lib/sys/mmap.ts";
import { chooseKernels } from "./pixel_functions/compare.ts";

// Odd in both directions: chroma is rounded up.
const WIDTH = 3;
const HEIGHT = 1;
const STRIDE = 4;
const PACKED = [1, 2, 3, 0, 4, 6, 5, 7];
const PIXELS = 64 * 64;

/** Fills one plane of a frame. */
function fill(frame: Frame, plane: number, samples: number[]): void {
  const view = new Deno.UnsafePointerView(frame.pointer);
  const data = view.getPointer(AVFRAME.data + plane * BigUint64Array.BYTES_PER_ELEMENT)!;
  new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data, samples.length)).set(samples);
}

/** Whether a picture of three pixels is packed as it should be. */
function packs(ffmpeg: Ffmpeg): boolean {
  const { avutil } = ffmpeg;
  using frame = new Frame(ffmpeg);
  const words = new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(frame.pointer, AVFRAME.size),
  );
  words[AVFRAME.width >> 2] = WIDTH;
  words[AVFRAME.height >> 2] = HEIGHT;
  words[AVFRAME.format >> 2] = avutil.av_get_pix_fmt(cString("yuv420p"));
  const code = avutil.av_frame_get_buffer(frame.pointer, 0);
  if (code < 0) throw new FfmpegError(ffmpeg, "av_frame_get_buffer", code);
  fill(frame, 0, [1, 2, 3]);
  fill(frame, 1, [4, 5]);
  fill(frame, 2, [6, 7]);
  using packer = new Packer(ffmpeg, "nv12", WIDTH, HEIGHT, [STRIDE, STRIDE]);
  using memory = Mapping.anonymous(PACKED.length);
  const fits = packer.fits(frame);
  const to = planes(memory.address, memory.address + STRIDE);
  return fits && packer.pack(frame, to) && PACKED.every((byte, at) => memory.bytes[at] === byte);
}

/** What FFmpeg's decoder for each codec is, opened once. */
function decoders(ffmpeg: Ffmpeg) {
  return CODEC_NAMES.map((codec) => {
    if (findFfmpegDecoder(ffmpeg, codec) === undefined) return [codec, "missing"] as const;
    using decoder = new Decoder(ffmpeg, codec, PIXELS);
    return [codec, decoder.name] as const;
  });
}

/** Each kernel, and what does its work: the library, or what is built in, and why. */
function kernels(ffmpeg: Ffmpeg, path: string | undefined): (readonly [string, string])[] {
  if (path === undefined) return [["kernels", "built-in"]];
  try {
    const { refused } = chooseKernels(ffmpeg, path);
    return KERNELS.map((name) => {
      const reason = refused.get(name);
      return [name, reason === undefined ? path : `built-in: ${reason}`];
    });
  } catch (error) {
    return [["kernels", `built-in: ${(error as Error).message}`]];
  }
}

/**
 * Tries everything; the status is 1 where the daemon would have nothing to offer.
 *
 * @param path a library of kernels
 * @throws {Error} FFmpeg is missing, unknown or cannot be used
 */
export function selftest(path?: string): Report {
  const ffmpeg = loadFfmpeg();
  ffmpeg.avutil.av_log_set_level(AV_LOG_QUIET);
  const codecs = decoders(ffmpeg);
  const packing = packs(ffmpeg);
  const work = kernels(ffmpeg, path);
  const ok = packing && codecs.some(([, decoder]) => decoder !== "missing");
  return {
    text: [
      `FFmpeg ${ffmpeg.version}`,
      ...ffmpeg.loaded.map(({ soname, version }) => `${soname}: ${version}`),
      ...codecs.map(([codec, decoder]) => `${codec}: ${decoder}`),
      `packing: ${packing ? "ok" : "wrong bytes"}`,
      ...work.map(([kernel, by]) => `${kernel}: ${by}`),
    ],
    json: {
      ffmpeg: ffmpeg.version,
      libraries: Object.fromEntries(
        ffmpeg.loaded.map(({ soname, version }) => [soname, version]),
      ),
      codecs: Object.fromEntries(codecs),
      packing,
      kernels: Object.fromEntries(work),
      ok,
    },
    status: ok ? 0 : 1,
  };
}
