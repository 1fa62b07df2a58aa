/**
 * The pixel formats that the tools move, by the names on the command line.
 *
 * @module
 */

/** One plane of a picture: groups of samples, from left to right and from the top down. */
export interface Plane {
  /**
   * A group's bytes in their order: `YUyV` holds luma, both chroma samples and the luma of the pixel
   * to the right.
   */
  readonly samples: string;
  /** Pixels from one group to the next, in a row and in a column. */
  readonly across: number;
  readonly down: number;
}

/** How pixels lie in memory, without padding between rows or planes. */
export interface PixelFormat {
  readonly name: string;
  readonly fourcc: string;
  /** None of a compressed format. */
  readonly planes: readonly Plane[];
}

const plane = (samples: string, across = 1, down = 1): Plane => ({ samples, across, down });

const FORMATS = {
  grey: { fourcc: "GREY", planes: [plane("Y")] },
  yuyv: { fourcc: "YUYV", planes: [plane("YUyV", 2)] },
  uyvy: { fourcc: "UYVY", planes: [plane("UYVy", 2)] },
  nv12: { fourcc: "NV12", planes: [plane("Y"), plane("UV", 2, 2)] },
  yu12: { fourcc: "YU12", planes: [plane("Y"), plane("U", 2, 2), plane("V", 2, 2)] },
  rgb24: { fourcc: "RGB3", planes: [plane("RGB")] },
  bgr24: { fourcc: "BGR3", planes: [plane("BGR")] },
  mjpeg: { fourcc: "MJPG", planes: [] },
  h264: { fourcc: "H264", planes: [] },
} satisfies Record<string, Omit<PixelFormat, "name">>;

/** All of them. */
export const PIXEL_FORMATS: readonly PixelFormat[] = Object.entries(FORMATS)
  .map(([name, format]) => ({ name, ...format }));

/** The format of this name, or of this fourcc; undefined of another. */
export function pixelFormat(name: string): PixelFormat | undefined {
  return PIXEL_FORMATS.find((format) => format.name === name || format.fourcc === name);
}

export const GREY: PixelFormat = PIXEL_FORMATS[0];

/** Whether frames have any size in bytes. */
export function isCompressed({ planes }: PixelFormat): boolean {
  return planes.length === 0;
}

/** Bytes from one row of a plane to the next, of a picture so many pixels wide. */
export function rowBytes({ samples, across }: Plane, width: number): number {
  return Math.ceil(width / across) * samples.length;
}

/** Bytes of a plane. */
export function planeBytes(plane: Plane, width: number, height: number): number {
  return rowBytes(plane, width) * Math.ceil(height / plane.down);
}

/** Bytes of a frame; 0 of a compressed format. */
export function frameBytes({ planes }: PixelFormat, width: number, height: number): number {
  return planes.reduce((size, plane) => size + planeBytes(plane, width, height), 0);
}
