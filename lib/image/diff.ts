/**
 * Difference of two images.
 *
 * @module
 */
import { FormatError, type GreyImage } from "./image.ts";

/** An absolute difference for each pixel, and how much of it there is. */
export interface Difference {
  readonly image: GreyImage;
  /** Pixels that differ. */
  readonly pixels: number;
  /** Largest difference, 0..255. */
  readonly maximum: number;
}

/**
 * Compares two images of one size.
 *
 * @throws {FormatError} where their sizes differ
 */
export function difference(a: GreyImage, b: GreyImage): Difference {
  const { width, height } = a;
  if (width !== b.width || height !== b.height) {
    throw new FormatError(`sizes differ: ${width}x${height} and ${b.width}x${b.height}`);
  }
  const pixels = new Uint8Array(width * height);
  let count = 0;
  let maximum = 0;
  for (let i = 0; i < pixels.length; i++) {
    const delta = Math.abs(a.pixels[i] - b.pixels[i]);
    pixels[i] = delta;
    if (delta !== 0) count++;
    if (delta > maximum) maximum = delta;
  }
  return { image: { width, height, pixels }, pixels: count, maximum };
}
