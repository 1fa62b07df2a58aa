/**
 * Binary PGM (P5), 8 bits: the fixtures' and artifacts' format.
 * Source: the netpbm project's pgm(5).
 *
 * @module
 */
import { FormatError, type GreyImage } from "./image.ts";

/** Longest side in pixels, the filter's own limit. */
export const MAX_SIDE = 4096;

const NEWLINE = 0x0a;
const HASH = 0x23;

const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;

/**
 * Reads a PGM; comments in the header are skipped, bytes after the last pixel ignored.
 *
 * @returns an image whose pixels lie in `file`
 * @throws {FormatError} for another format, a zero or too long side, a maximum other than 255, or
 * missing pixels
 */
export function decodePgm(file: Uint8Array): GreyImage {
  const magic = String.fromCharCode(...file.subarray(0, 2));
  if (magic === "P2") throw new FormatError("ASCII PGM (P2); only binary PGM (P5) is supported");
  if (magic !== "P5") throw new FormatError("not a PGM file");

  let at = 2;
  const number = (what: string): number => {
    const start = at;
    while (at < file.length && (isSpace(file[at]) || file[at] === HASH)) {
      if (file[at] !== HASH) at++;
      else while (at < file.length && file[at] !== NEWLINE) at++;
    }
    if (at === start) throw new FormatError(`no white space before the ${what}`);
    let value = 0;
    const digits = at;
    while (at < file.length && isDigit(file[at])) value = value * 10 + file[at++] - 0x30;
    if (at === digits) throw new FormatError(`no ${what} in the header`);
    return value;
  };

  const width = number("width");
  const height = number("height");
  const maximum = number("maximum");
  if (width === 0 || height === 0) throw new FormatError(`empty image: ${width}x${height}`);
  if (width > MAX_SIDE || height > MAX_SIDE) {
    throw new FormatError(`${width}x${height} is larger than ${MAX_SIDE}x${MAX_SIDE}`);
  }
  if (maximum > 255) {
    throw new FormatError(`16-bit PGM (maximum ${maximum}); only 255 is supported`);
  }
  if (maximum !== 255) throw new FormatError(`maximum ${maximum}; only 255 is supported`);
  if (at >= file.length || !isSpace(file[at])) throw new FormatError("header without end");
  at++;
  const size = width * height;
  const pixels = file.subarray(at, at + size);
  if (pixels.length < size) {
    throw new FormatError(`truncated: ${pixels.length} of ${size} bytes of pixels`);
  }
  return { width, height, pixels };
}

/** The header of a PGM of this size; the pixels follow it. */
export function pgmHeader({ width, height }: GreyImage): Uint8Array {
  return new TextEncoder().encode(`P5\n${width} ${height}\n255\n`);
}

/** A whole PGM file. */
export function encodePgm(image: GreyImage): Uint8Array {
  const header = pgmHeader(image);
  const file = new Uint8Array(header.length + image.pixels.length);
  file.set(header);
  file.set(image.pixels, header.length);
  return file;
}
