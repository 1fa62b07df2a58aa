/**
 * The pixel formats, by the names on the command line.
 *
 * @module
 */

/** One plane of a picture: groups of samples, from left to right and from the top down. */
export interface PlaneLayout {
  /**
   * A group's bytes in their order: `YUyV` holds luma, both chroma samples and the luma of the pixel
   * to the right; `YY` is luma of two bytes, `A` alpha, `0` always 0, `.` a byte of which nothing here
   * knows what its bits are.
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
  /** FFmpeg's name of it, where video is converted to it here. */
  readonly ffmpeg?: string;
  /** None of a compressed format. */
  readonly planes: readonly PlaneLayout[];
}

const plane = (samples: string, across = 1, down = 1): PlaneLayout => ({ samples, across, down });

const packed = (fourcc: string, samples: string, across = 1) => ({
  fourcc,
  planes: [plane(samples, across)],
});

const planar = (fourcc: string, chroma: string, across: number, down: number) => ({
  fourcc,
  planes: [plane("Y"), ...[...chroma].map((sample) => plane(sample, across, down))],
});

const semiplanar = (fourcc: string, chroma: string, down: number) => ({
  fourcc,
  planes: [plane("Y"), plane(chroma, 2, down)],
});

const compressed = (fourcc: string) => ({ fourcc, planes: [] });

/** As the kernel's documentation has them, by the names of its constants, V4L2_PIX_FMT_*. */
const FORMATS = {
  grey: { ...packed("GREY", "Y"), ffmpeg: "gray" },
  yuyv: { ...packed("YUYV", "YUyV", 2), ffmpeg: "yuyv422" },
  uyvy: { ...packed("UYVY", "UYVy", 2), ffmpeg: "uyvy422" },
  nv12: { ...semiplanar("NV12", "UV", 2), ffmpeg: "nv12" },
  // V4L2_PIX_FMT_YUV420
  yu12: { ...planar("YU12", "UV", 2, 2), ffmpeg: "yuv420p" },
  rgb24: { ...packed("RGB3", "RGB"), ffmpeg: "rgb24" },
  bgr24: { ...packed("BGR3", "BGR"), ffmpeg: "bgr24" },

  y4: packed("Y04 ", "."),
  y6: packed("Y06 ", "."),
  y10: packed("Y10 ", ".."),
  y12: packed("Y12 ", ".."),
  y16: packed("Y16 ", "YY"),
  yvyu: packed("YVYU", "YVyU", 2),
  vyuy: packed("VYUY", "VYUy", 2),
  // Of which order is not documented.
  yyuv: packed("YYUV", "....", 2),
  y41p: packed("Y41P", "............", 8),
  yuv444: packed("Y444", ".."),
  yuv555: packed("YUVO", ".."),
  yuv565: packed("YUVP", ".."),
  yuv32: packed("YUV4", "AYUV"),
  nv21: semiplanar("NV21", "VU", 2),
  nv16: semiplanar("NV16", "UV", 1),
  // Ten bits, from the top of two bytes down.
  p010: { fourcc: "P010", planes: [plane("0Y"), plane("0U0V", 2, 2)] },
  yvu420: planar("YV12", "VU", 2, 2),
  yuv422p: planar("422P", "UV", 2, 1),
  yuv411p: planar("411P", "UV", 4, 1),
  yuv410: planar("YUV9", "UV", 4, 4),
  yvu410: planar("YVU9", "VU", 4, 4),
  rgb332: packed("RGB1", "."),
  rgb444: packed("R444", ".."),
  rgb555: packed("RGBO", ".."),
  rgb565: packed("RGBP", ".."),
  rgb555x: packed("RGBQ", ".."),
  rgb565x: packed("RGBR", ".."),
  bgr666: packed("BGRH", "...."),
  bgr32: packed("BGR4", "BGRA"),
  abgr32: packed("AR24", "BGRA"),
  xbgr32: packed("XR24", "BGR0"),
  rgb32: packed("RGB4", "ARGB"),
  argb32: packed("BA24", "ARGB"),
  xrgb32: packed("BX24", "0RGB"),
  rgba32: packed("AB24", "RGBA"),
  rgbx32: packed("XB24", "RGB0"),
  srggb8: packed("RGGB", "."),
  sgrbg8: packed("GRBG", "."),
  sgbrg8: packed("GBRG", "."),
  sbggr8: packed("BA81", "."),
  srggb10: packed("RG10", ".."),
  sgrbg10: packed("BA10", ".."),
  sgbrg10: packed("GB10", ".."),
  sbggr10: packed("BG10", ".."),

  mjpeg: compressed("MJPG"),
  h264: compressed("H264"),
  jpeg: compressed("JPEG"),
  dv: compressed("dvsd"),
  mpeg: compressed("MPEG"),
  h264_no_sc: compressed("AVC1"),
  h264_mvc: compressed("M264"),
  h263: compressed("H263"),
  mpeg1: compressed("MPG1"),
  mpeg2: compressed("MPG2"),
  mpeg4: compressed("MPG4"),
  xvid: compressed("XVID"),
  vc1_annex_g: compressed("VC1G"),
  vc1_annex_l: compressed("VC1L"),
  vp8: compressed("VP80"),
  vp9: compressed("VP90"),
  hevc: compressed("HEVC"),
} satisfies Record<string, Omit<PixelFormat, "name">>;

/** How decoded pictures lie in a buffer's planes of memory. */
export interface PictureLayout extends Omit<PixelFormat, "name"> {
  readonly ffmpeg: "nv12" | "yuv420p" | "p010le";
  /** Planes of memory: 1 with all, or each of `planes` its own. */
  readonly memories: 1 | 2 | 3;
}

/**
 * A decoder's pictures: of 8 bits a sample, with both chroma samples in turns (nv12) or each by itself
 * (yu12), all in one memory or each plane in its own (nv12m, ym12); or of 10 bits, like nv12.
 */
export type PictureFormat = "nv12" | "nv12m" | "yu12" | "ym12" | "p010";

/** The formats of a decoder's pictures: 4:2:0. */
export const PICTURE_LAYOUTS: Readonly<Record<PictureFormat, PictureLayout>> = {
  nv12: { ...FORMATS.nv12, ffmpeg: "nv12", memories: 1 },
  nv12m: { ...FORMATS.nv12, fourcc: "NM12", ffmpeg: "nv12", memories: 2 },
  yu12: { ...FORMATS.yu12, ffmpeg: "yuv420p", memories: 1 },
  ym12: { ...FORMATS.yu12, fourcc: "YM12", ffmpeg: "yuv420p", memories: 3 },
  p010: { ...FORMATS.p010, ffmpeg: "p010le", memories: 1 },
};

/** The formats that the tools move. */
export const PIXEL_FORMATS: readonly PixelFormat[] = Object.entries(FORMATS)
  .map(([name, format]) => ({ name, ...format }));

/** The format of this name, or of this fourcc; undefined of another. */
export function pixelFormat(name: string): PixelFormat | undefined {
  return PIXEL_FORMATS.find((format) => format.name === name || format.fourcc === name);
}

export const GREY: PixelFormat = PIXEL_FORMATS[0];

/** Whether it is known what each byte of a frame stands for. */
export function isDrawable({ planes }: PixelFormat): boolean {
  return planes.length > 0 && planes.every(({ samples }) => !samples.includes("."));
}

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
export function frameBytes(
  { planes }: Pick<PixelFormat, "planes">,
  width: number,
  height: number,
): number {
  return planes.reduce((size, plane) => size + planeBytes(plane, width, height), 0);
}
