/**
 * A part of a picture.
 *
 * @module
 */

/** In pixels, from the picture's upper left corner. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
