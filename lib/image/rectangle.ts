/**
 * A part of a picture.
 *
 * @module
 */

/** In pixels, from the picture's upper left corner. */
export interface Rectangle {
  /** Pixels left of it. */
  readonly left: number;
  /** Lines above it. */
  readonly top: number;
  /** Pixels in a line of it. */
  readonly width: number;
  /** Lines of it. */
  readonly height: number;
}
