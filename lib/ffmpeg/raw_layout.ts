/**
 * Formats of V4L2 as libswscale writes them: all planes one behind the other, no
 * padding.
 *
 * @module
 */
import { PIXEL_FORMATS, type PixelFormat, rowBytes } from "../image/pixel_format.ts";

/** A pixel format that video can be converted to. */
export type RawFormat = PixelFormat & { readonly ffmpeg: string };

/** Those formats. */
export const RAW_FORMATS = PIXEL_FORMATS.filter((format): format is RawFormat =>
  format.ffmpeg !== undefined
);

/** Where one plane lies. */
export interface RawPlane {
  /** Of its first byte. */
  readonly offset: number;
  /** Bytes in a line, and from one line to the next. */
  readonly stride: number;
  readonly lines: number;
}

/** Where a frame's planes lie. */
export interface RawLayout {
  /** FFmpeg's name of the format. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly planes: readonly RawPlane[];
  /** Of the whole frame, in bytes. */
  readonly size: number;
}

/** The format with these four characters; undefined where video cannot be converted to it. */
export function rawFormat(fourcc: string): RawFormat | undefined {
  return RAW_FORMATS.find((format) => format.fourcc === fourcc);
}

/** How a frame of `width` x `height` pixels lies in memory; an odd side rounds chroma up. */
export function rawLayout(format: RawFormat, width: number, height: number): RawLayout {
  let size = 0;
  const planes = format.planes.map((plane) => {
    const offset = size;
    const stride = rowBytes(plane, width);
    const lines = Math.ceil(height / plane.down);
    size += stride * lines;
    return { offset, stride, lines };
  });
  return { name: format.ffmpeg, width, height, planes, size };
}
