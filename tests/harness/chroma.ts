/**
 * Planar pictures as the digests have them.
 *
 * @module
 */

/** A picture of YU12 as one of NV12: chroma's samples in turns. Sizes in pixels. */
export function inTurns(
  picture: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Uint8Array<ArrayBuffer> {
  const luma = width * height;
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  const made = new Uint8Array(picture);
  for (let i = 0; i < chroma; i++) {
    made[luma + 2 * i] = picture[luma + i];
    made[luma + 2 * i + 1] = picture[luma + chroma + i];
  }
  return made;
}
