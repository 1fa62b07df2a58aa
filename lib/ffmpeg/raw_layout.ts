/**
 * V4L2's uncompressed formats as libswscale writes them: all planes one behind the other, no
 * padding.
 *
 * @module
 */

/** One plane: a cell of `bytes` for each `across` x `down` pixels. */
interface Cells {
  readonly bytes: number;
  readonly across: number;
  readonly down: number;
}

interface RawFormat {
  /** FFmpeg's name of it. */
  readonly name: string;
  readonly planes: readonly Cells[];
}

const grid = (bytes: number, across = 1, down = 1): Cells => ({ bytes, across, down });

const FORMATS = {
  GREY: { name: "gray", planes: [grid(1)] },
  YUYV: { name: "yuyv422", planes: [grid(4, 2)] },
  UYVY: { name: "uyvy422", planes: [grid(4, 2)] },
  NV12: { name: "nv12", planes: [grid(1), grid(2, 2, 2)] },
  YU12: { name: "yuv420p", planes: [grid(1), grid(1, 2, 2), grid(1, 2, 2)] },
  RGB3: { name: "rgb24", planes: [grid(3)] },
  BGR3: { name: "bgr24", planes: [grid(3)] },
} satisfies Record<string, RawFormat>;

/** The four characters of a V4L2 pixel format that video can be converted to. */
export type RawFourcc = keyof typeof FORMATS;

/** Those formats. */
export const RAW_FOURCCS = Object.keys(FORMATS) as readonly RawFourcc[];

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

/** Whether video can be converted to the format with these four characters. */
export function isRawFourcc(text: string): text is RawFourcc {
  return Object.hasOwn(FORMATS, text);
}

/** How a frame of `width` x `height` pixels lies in memory; an odd side rounds chroma up. */
export function rawLayout(fourcc: RawFourcc, width: number, height: number): RawLayout {
  const { name, planes: cells } = FORMATS[fourcc];
  let size = 0;
  const planes = cells.map(({ bytes, across, down }) => {
    const offset = size;
    const stride = bytes * Math.ceil(width / across);
    const lines = Math.ceil(height / down);
    size += stride * lines;
    return { offset, stride, lines };
  });
  return { name, width, height, planes, size };
}
