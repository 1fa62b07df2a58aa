/**
 * Copies between memory of FFmpeg's, a client's and our own.
 *
 * @module
 */
import type { Ffmpeg } from "./abi/libraries.ts";

/** memcpy(3) takes a length that is no 32-bit number; this is one row of a picture, and a fast call. */
export function copyBytes(
  { avutil }: Ffmpeg,
  to: Deno.PointerValue,
  from: Deno.PointerValue,
  size: number,
): void {
  avutil.av_image_copy_plane(to, size, from, size, size, 1);
}
