/**
 * Synthetic frames that the fixtures and the check suite are made of: the same bytes everywhere.
 *
 * @module
 */
import type { GreyImage } from "./image.ts";

type Pixel = (x: number, y: number, width: number, height: number) => number;

function fill(pixel: Pixel): (width: number, height: number) => GreyImage {
  return (width, height) => {
    const pixels = new Uint8Array(width * height);
    let i = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) pixels[i++] = pixel(x, y, width, height);
    }
    return { width, height, pixels };
  };
}

/** xorshift32 (Marsaglia, Journal of Statistical Software 8-14, 2003), from a fixed seed. */
export function randomBytes(count: number, seed = 0x2545f491): Uint8Array {
  const bytes = new Uint8Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Every pattern by name, for a frame of `width` by `height` pixels. */
export const patterns: Readonly<Record<string, (width: number, height: number) => GreyImage>> = {
  /** Dark to bright from left to right; every grey level where the frame is wide enough. */
  ramp: fill((x, _y, width) => width === 1 ? 255 : Math.floor(x * 255 / (width - 1))),
  "flat-dark": fill(() => 16),
  "flat-bright": fill(() => 235),
  /** A bright block in the middle of a dark frame. */
  "edge-block": fill((x, y, width, height) =>
    x >= width >> 2 && x < width - (width >> 2) && y >= height >> 2 && y < height - (height >> 2)
      ? 255
      : 0
  ),
  /** Squares of 8 pixels, one level on either side of the default threshold. */
  checkerboard: fill((x, y) => ((x >> 3) ^ (y >> 3)) & 1 ? 128 : 127),
  noise: (width, height) => ({ width, height, pixels: randomBytes(width * height) }),
};
