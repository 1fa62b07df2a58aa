/**
 * What FFmpeg says when it fails.
 *
 * @module
 */
import { errnoName } from "../../sys/errno.ts";
import type { Ffmpeg } from "./libraries.ts";

const LONGEST = 128;

/** A call of FFmpeg that failed: on what, which, and why in FFmpeg's words. */
export class FfmpegError extends Error {
  override name = "FfmpegError";

  /**
   * @param call the function, and on what: `avcodec_open2 of libdav1d`
   * @param code its negative result
   * @param subject the file that it was about
   */
  constructor({ avutil }: Ffmpeg, call: string, readonly code: number, subject = "FFmpeg") {
    const text = new Uint8Array(LONGEST);
    avutil.av_strerror(code, text, BigInt(LONGEST));
    const words = new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
    // Of a system call it is the errno, negated; FFmpeg's own are far below.
    const name = errnoName(-code);
    super(`${subject}: ${call}: ${name === undefined ? words : `${words} (${name})`}`);
  }
}

/** What an allocation gave, which is NULL where there is no memory. */
export function allocated(call: string, pointer: Deno.PointerValue): Deno.PointerObject {
  if (pointer === null) throw new Error(`FFmpeg: ${call}: no memory`);
  return pointer;
}
