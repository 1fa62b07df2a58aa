/**
 * Fields of pictures whose samples are known: their own, or copied from others, macroblock by macroblock.
 *
 * @module
 */
type Bytes = Uint8Array<ArrayBuffer>;

/** Coded size of a frame in pixels, and its width in macroblocks. */
export const FIELDS_WIDTH = 64;
export const FIELDS_HEIGHT = 64;
export const ACROSS = FIELDS_WIDTH / 16;

export const TOP = 0;
export const BOTTOM = 1;
export type Parity = typeof TOP | typeof BOTTOM;

/** Samples of a field. */
export interface Samples {
  readonly luma: Bytes;
  readonly chroma: readonly [Bytes, Bytes];
}

/** Samples of a field that no other one has. */
export const fieldSamples = (seed: number): Samples => {
  const plane = (width: number, height: number, sample: (x: number, y: number) => number) =>
    Uint8Array.from(
      { length: width * height },
      (_, at) => sample(at % width, Math.floor(at / width)),
    );
  const [width, height] = [FIELDS_WIDTH, FIELDS_HEIGHT / 2];
  // Chroma of a field of other parity is interpolated between lines: in a column of macroblocks all are alike.
  const chroma = (of: number) =>
    plane(width / 2, height / 2, (x) => 1 + (seed * 41 + of * 90 + x * 3) % 254);
  return {
    luma: plane(width, height, (x, y) => 1 + (seed * 37 + x * 3 + y * 5) % 254),
    chroma: [chroma(0), chroma(1)],
  };
};

/** Copies a macroblock of a plane. */
export function copyBlock(
  to: Bytes,
  from: Bytes,
  width: number,
  size: number,
  macroblock: number,
): void {
  const left = macroblock % ACROSS * size;
  const top = Math.floor(macroblock / ACROSS) * size;
  for (let y = top; y < top + size; y++) {
    const at = y * width + left;
    to.set(from.subarray(at, at + size), at);
  }
}

/** Those of a field that is copied. */
export const blank = (): Samples => ({
  luma: new Uint8Array(FIELDS_WIDTH * FIELDS_HEIGHT / 2),
  chroma: [0, 1].map(() => new Uint8Array(FIELDS_WIDTH * FIELDS_HEIGHT / 8)) as [Bytes, Bytes],
});

/** Copies a macroblock of a field. */
export function copySamples(to: Samples, from: Samples, macroblock: number): void {
  copyBlock(to.luma, from.luma, FIELDS_WIDTH, 16, macroblock);
  for (const side of [0, 1]) {
    copyBlock(to.chroma[side], from.chroma[side], FIELDS_WIDTH / 2, 8, macroblock);
  }
}

/** Copies a macroblock of a frame, which has eight lines of each field. */
export function copyOfFrame(
  to: readonly Samples[],
  from: readonly Samples[],
  macroblock: number,
): void {
  const lines = (to: Bytes, from: Bytes, width: number, size: number) => {
    const left = macroblock % ACROSS * size;
    const top = Math.floor(macroblock / ACROSS) * size / 2;
    for (let y = top; y < top + size / 2; y++) {
      const at = y * width + left;
      to.set(from.subarray(at, at + size), at);
    }
  };
  for (const [side, { luma, chroma }] of to.entries()) {
    lines(luma, from[side].luma, FIELDS_WIDTH, 16);
    for (const plane of [0, 1]) {
      lines(chroma[plane], from[side].chroma[plane], FIELDS_WIDTH / 2, 8);
    }
  }
}

/** Both fields in one frame, as NV12. */
export function woven(top: Samples, bottom: Samples): Bytes {
  const picture = new Uint8Array(FIELDS_WIDTH * FIELDS_HEIGHT * 3 / 2);
  const chromaAt = FIELDS_WIDTH * FIELDS_HEIGHT;
  const fields = [top, bottom];
  for (let line = 0; line < FIELDS_HEIGHT; line++) {
    const from = (line >> 1) * FIELDS_WIDTH;
    const { luma } = fields[line % 2];
    picture.set(luma.subarray(from, from + FIELDS_WIDTH), line * FIELDS_WIDTH);
  }
  for (let line = 0; line < FIELDS_HEIGHT / 2; line++) {
    const { chroma } = fields[line % 2];
    for (let x = 0; x < FIELDS_WIDTH; x++) {
      const from = (line >> 1) * FIELDS_WIDTH / 2 + (x >> 1);
      picture[chromaAt + line * FIELDS_WIDTH + x] = chroma[x % 2][from];
    }
  }
  return picture;
}
