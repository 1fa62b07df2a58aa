/**
 * 4:2:0 pictures with interleaved chroma, as NV12, NV12M and P010 have them.
 *
 * @module
 */
import type { Rectangle } from "./rectangle.ts";

/** Where samples of a picture lie. */
export interface SamplePlane {
  /** Number of the memory that they are in. */
  readonly memory: number;
  /** Of the first sample, in bytes. */
  readonly offset: number;
  /** From one row to the next, in bytes. */
  readonly bytesperline: number;
}

/** How a picture lies in memory. */
export interface Semiplanar {
  /** 1, or 2 of more than 8 bits. */
  readonly bytesPerSample: number;
  readonly luma: SamplePlane;
  readonly chroma: SamplePlane;
}

/** Bytes in a row: of which memory, from where, how many. */
export interface ByteRun {
  readonly memory: number;
  readonly offset: number;
  length: number;
}

/**
 * The bytes of a picture's visible part, in the order in which a raw file has them: luma, then
 * chroma, each from the top down. An odd side has one more column or row of chroma than half.
 *
 * @returns as few runs as there can be: one of all where nothing lies in between
 */
export function runsOf({ bytesPerSample, luma, chroma }: Semiplanar, crop: Rectangle): ByteRun[] {
  const runs: ByteRun[] = [];
  const add = (plane: SamplePlane, left: number, top: number, length: number, rows: number) => {
    for (let row = top; row < top + rows; row++) {
      const { memory } = plane;
      const offset = plane.offset + row * plane.bytesperline + left;
      const last = runs.at(-1);
      if (last?.memory === memory && last.offset + last.length === offset) last.length += length;
      else runs.push({ memory, offset, length });
    }
  };
  const { left, top, width, height } = crop;
  const half = (pixels: number) => Math.ceil(pixels / 2);
  add(luma, left * bytesPerSample, top, width * bytesPerSample, height);
  const pair = 2 * bytesPerSample;
  add(chroma, (left >> 1) * pair, top >> 1, half(width) * pair, half(height));
  return runs;
}
