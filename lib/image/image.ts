/**
 * A GREY picture in memory.
 *
 * @module
 */

/** Width and height in pixels; one byte a pixel, rows top to bottom without padding. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** A picture or file whose content is not what it has to be. */
export class FormatError extends Error {
  override name = "FormatError";
}
