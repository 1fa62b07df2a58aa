/**
 * Where the samples of a decoder's picture lie, and which bytes are its visible part.
 *
 * @module
 */
import { type PictureLayout, type PlaneLayout, rowBytes } from "./pixel_format.ts";
import type { Rectangle } from "./rectangle.ts";

/** A plane of samples, and where it lies. */
export interface SamplePlane extends PlaneLayout {
  /** Number of the memory that they are in. */
  readonly memory: number;
  /** Of the first sample, in bytes. */
  readonly offset: number;
  /** From one row to the next, in bytes. */
  readonly bytesperline: number;
}

/** Bytes in a row: of which memory, from where, how many. */
export interface ByteRun {
  readonly memory: number;
  readonly offset: number;
  length: number;
}

const bytesPerPixel = ({ samples, across }: PlaneLayout) => samples.length / across;

/**
 * The planes of pictures. In one memory each lies behind the one before it, and its rows are as far
 * apart as those of the first, by as much as there is of it for a pixel: half of that for a chroma by
 * itself. Source: the kernel's "Planar YUV formats" (pixfmt-yuv-planar.rst).
 *
 * @param height in rows
 * @param bytesperlines of each memory, in bytes
 */
export function samplePlanes(
  { planes, memories }: PictureLayout,
  height: number,
  bytesperlines: readonly number[],
): SamplePlane[] {
  let end = 0;
  return planes.map((plane, i) => {
    const own = memories > 1;
    const share = own ? 1 : bytesPerPixel(plane) / bytesPerPixel(planes[0]);
    const memory = own ? i : 0;
    const bytesperline = Math.floor(bytesperlines[memory] * share);
    const offset = own ? 0 : end;
    end += bytesperline * Math.ceil(height / plane.down);
    return { ...plane, memory, offset, bytesperline };
  });
}

/**
 * The bytes of a picture's visible part, in the order in which a raw file has them: luma, then
 * chroma, each from the top down. An odd side has one more column or row of chroma than half.
 *
 * @returns as few runs as there can be: one of all where nothing lies in between
 */
export function runsOf(planes: readonly SamplePlane[], crop: Rectangle): ByteRun[] {
  const runs: ByteRun[] = [];
  for (const plane of planes) {
    const { memory, across, down } = plane;
    const left = Math.floor(crop.left / across) * plane.samples.length;
    const top = Math.floor(crop.top / down);
    const length = rowBytes(plane, crop.width);
    for (let row = top; row < top + Math.ceil(crop.height / down); row++) {
      const offset = plane.offset + row * plane.bytesperline + left;
      const last = runs.at(-1);
      if (last?.memory === memory && last.offset + last.length === offset) last.length += length;
      else runs.push({ memory, offset, length });
    }
  }
  return runs;
}
