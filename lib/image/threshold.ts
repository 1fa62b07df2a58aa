/**
 * The filter's threshold in userspace: written to be obviously right, for the kernel's output to
 * be compared with byte by byte.
 *
 * @module
 */
import type { GreyImage } from "./image.ts";
import type { Rectangle } from "./rectangle.ts";

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/** `roi` cut to the frame; the whole frame where its width or height is zero or negative. */
export function clampRoi(frame: { width: number; height: number }, roi: Rectangle): Rectangle {
  if (roi.width <= 0 || roi.height <= 0) {
    return { left: 0, top: 0, width: frame.width, height: frame.height };
  }
  const left = clamp(roi.left, 0, frame.width);
  const top = clamp(roi.top, 0, frame.height);
  return {
    left,
    top,
    width: clamp(left + roi.width, left, frame.width) - left,
    height: clamp(top + roi.height, top, frame.height) - top,
  };
}

/** What a threshold made of a frame. */
export interface Thresholded {
  readonly image: GreyImage;
  /** The ROI that was used, cut to the frame. */
  readonly roi: Rectangle;
  /** Pixels of the ROI set to 255, and to 0. */
  readonly white: number;
  readonly black: number;
}

/** The ROI of which everything is inside. */
export const WHOLE_FRAME: Rectangle = { left: 0, top: 0, width: 0, height: 0 };

/** In the ROI a pixel above `threshold` becomes 255, any other 0; the rest of the frame stays. */
export function threshold(
  source: GreyImage,
  threshold: number,
  wantedRoi: Rectangle = WHOLE_FRAME,
): Thresholded {
  const { width, height } = source;
  const roi = clampRoi(source, wantedRoi);
  const pixels = source.pixels.slice();
  let white = 0;
  for (let y = roi.top; y < roi.top + roi.height; y++) {
    for (let x = roi.left; x < roi.left + roi.width; x++) {
      const above = pixels[y * width + x] > threshold;
      pixels[y * width + x] = above ? 255 : 0;
      if (above) white++;
    }
  }
  return {
    image: { width, height, pixels },
    roi,
    white,
    black: roi.width * roi.height - white,
  };
}
