/**
 * What each uncompressed format is at 66x50, by the kernel's documentation: a last group of pixels
 * that is not whole has room for all of it.
 *
 * @module
 */

/** The size that they are of, in pixels: not a multiple of what formats take together. */
export const RAW_SIZE = [66, 50] as const;

/** One format. */
export interface RawFacts {
  /** Bytes of a line of the first plane. */
  readonly line: number;
  /** Bytes of a frame. */
  readonly size: number;
  /**
   * In hexadecimal: what repeats in each line of the first plane and in the planes behind it, where
   * the picture is black, of limited range and, where that differs, of full range; none where
   * nobody knows.
   */
  readonly black?: readonly [first: string, behind?: string, full?: string];
}

const grey = (bytes: number): RawFacts => ({
  line: 66 * bytes,
  size: 66 * bytes * 50,
  black: ["00".repeat(bytes)],
});
const rgb32 = (black: string): RawFacts => ({ line: 264, size: 13_200, black: [black] });
const pairs = (black: string, full: string): RawFacts => ({
  line: 132,
  size: 6600,
  black: [black, undefined, full],
});
const planes = (size: number): RawFacts => ({ line: 66, size, black: ["10", "80", "00"] });

/** By the names of lib's table. */
export const RAW_FACTS: Readonly<Record<string, RawFacts>> = {
  grey: grey(1),
  y4: grey(1),
  y6: grey(1),
  y10: grey(2),
  y12: grey(2),
  y16: grey(2),
  yuyv: pairs("10801080", "00800080"),
  yvyu: pairs("10801080", "00800080"),
  uyvy: pairs("80108010", "80008000"),
  vyuy: pairs("80108010", "80008000"),
  yyuv: { line: 132, size: 6600 },
  y41p: {
    line: 108,
    size: 5400,
    black: ["801080108010801010101010", undefined, "800080008000800000000000"],
  },
  yuv444: pairs("88f1", "88f0"),
  yuv555: pairs("108a", "1082"),
  yuv565: pairs("1014", "1004"),
  yuv32: { line: 264, size: 13_200, black: ["ff108080", undefined, "ff008080"] },
  nv12: planes(4950),
  nv21: planes(4950),
  nv16: planes(6600),
  p010: { line: 132, size: 9900, black: ["0010", "0080", "0000"] },
  yu12: planes(4950),
  yvu420: planes(4950),
  yuv422p: planes(6600),
  yuv411p: planes(5000),
  yuv410: planes(3742),
  yvu410: planes(3742),
  rgb24: grey(3),
  bgr24: grey(3),
  rgb332: grey(1),
  rgb444: grey(2),
  rgb555: grey(2),
  rgb565: grey(2),
  rgb555x: grey(2),
  rgb565x: grey(2),
  bgr666: rgb32("00000000"),
  xbgr32: rgb32("00000000"),
  abgr32: rgb32("000000ff"),
  bgr32: rgb32("000000ff"),
  xrgb32: rgb32("00000000"),
  argb32: rgb32("ff000000"),
  rgb32: rgb32("ff000000"),
  rgba32: rgb32("000000ff"),
  rgbx32: rgb32("00000000"),
  srggb8: grey(1),
  sgrbg8: grey(1),
  sgbrg8: grey(1),
  sbggr8: grey(1),
  srggb10: grey(2),
  sgrbg10: grey(2),
  sgbrg10: grey(2),
  sbggr10: grey(2),
};
