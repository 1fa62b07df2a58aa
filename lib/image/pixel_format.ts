/**
 * The pixel formats, by the names on the command line.
 *
 * @module
 */

/** One plane of a picture: groups of samples, from left to right and from the top down. */
export interface PlaneLayout {
  /**
   * A group's bytes in their order: `YUyV` holds luma, both chroma samples and the luma of the pixel
   * to the right; `YY` is luma of two bytes.
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
  /** FFmpeg's name of it; of a compressed format none. */
  readonly ffmpeg?: string;
  /** None of a compressed format. */
  readonly planes: readonly PlaneLayout[];
}

const plane = (samples: string, across = 1, down = 1): PlaneLayout => ({ samples, across, down });

type Layouts<Names extends string> = Readonly<Record<Names, Omit<PixelFormat, "name">>>;

const FORMATS: Layouts<
  "grey" | "yuyv" | "uyvy" | "nv12" | "yu12" | "rgb24" | "bgr24" | "mjpeg" | "h264"
> = {
  grey: { fourcc: "GREY", ffmpeg: "gray", planes: [plane("Y")] },
  yuyv: { fourcc: "YUYV", ffmpeg: "yuyv422", planes: [plane("YUyV", 2)] },
  uyvy: { fourcc: "UYVY", ffmpeg: "uyvy422", planes: [plane("UYVy", 2)] },
  nv12: { fourcc: "NV12", ffmpeg: "nv12", planes: [plane("Y"), plane("UV", 2, 2)] },
  yu12: {
    fourcc: "YU12",
    ffmpeg: "yuv420p",
    planes: [plane("Y"), plane("U", 2, 2), plane("V", 2, 2)],
  },
  rgb24: { fourcc: "RGB3", ffmpeg: "rgb24", planes: [plane("RGB")] },
  bgr24: { fourcc: "BGR3", ffmpeg: "bgr24", planes: [plane("BGR")] },
  mjpeg: { fourcc: "MJPG", planes: [] },
  h264: { fourcc: "H264", planes: [] },
};

/** How decoded pictures lie in a buffer's planes of memory. */
export interface PictureLayout extends Omit<PixelFormat, "name"> {
  readonly ffmpeg: "nv12" | "p010le";
  /** Planes of memory: 1, or 2 with chroma in the second one. */
  readonly memories: 1 | 2;
}

/** A decoder's pictures: of 8 bits a sample in one or in two pieces of memory, or of 10 bits. */
export type PictureFormat = "nv12" | "nv12m" | "p010";

/** The formats of a decoder's pictures: 4:2:0, with both chroma samples in turns. */
export const PICTURE_LAYOUTS: Readonly<Record<PictureFormat, PictureLayout>> = {
  nv12: { ...FORMATS.nv12, ffmpeg: "nv12", memories: 1 },
  nv12m: { ...FORMATS.nv12, fourcc: "NM12", ffmpeg: "nv12", memories: 2 },
  p010: {
    fourcc: "P010",
    ffmpeg: "p010le",
    planes: [plane("YY"), plane("UUVV", 2, 2)],
    memories: 1,
  },
};

/** The formats that the tools move. */
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
export function rowBytes({ samples, across }: PlaneLayout, width: number): number {
  return Math.ceil(width / across) * samples.length;
}

/** Bytes of a plane. */
export function planeBytes(plane: PlaneLayout, width: number, height: number): number {
  return rowBytes(plane, width) * Math.ceil(height / plane.down);
}

/** Bytes of a frame; 0 of a compressed format. */
export function frameBytes({ planes }: PixelFormat, width: number, height: number): number {
  return planes.reduce((size, plane) => size + planeBytes(plane, width, height), 0);
}
