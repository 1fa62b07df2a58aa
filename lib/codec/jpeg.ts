/**
 * A Motion JPEG stream: JPEG images one behind the other.
 * Source: ITU-T T.81, annex B.
 *
 * @module
 */
import { StreamError } from "./stream_error.ts";

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const TEM = 0x01;

const isStartOfFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;

/** One image of the stream. */
export interface JpegImage {
  /** A view of the input, SOI to EOI. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

/** Offset of the 0xff of the marker that ends a scan from `at` on, or the end. */
function endOfScan(bytes: Uint8Array, at: number): number {
  for (; (at = bytes.indexOf(0xff, at)) >= 0; at++) {
    const next = bytes[at + 1];
    // A stuffed zero and a fill byte belong to the data.
    if (next !== undefined && next !== 0 && next !== 0xff && !isRestart(next)) return at;
  }
  return bytes.length;
}

/**
 * The image that begins at `start`.
 *
 * @returns undefined where the bytes end within it
 * @throws {StreamError} where it is broken
 */
export function jpegImageAt(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
): JpegImage | undefined {
  const broken = (what: string, at: number) =>
    new StreamError(`JPEG image at byte ${start}: ${what} at byte ${at}`);
  const begins = bytes[start] === 0xff && (bytes[start + 1] ?? SOI) === SOI;
  if (!begins) throw broken("no start of image", start);
  let width = 0;
  let height = 0;
  for (let at = start + 2;;) {
    if (at + 1 >= bytes.length) return undefined;
    if (bytes[at] !== 0xff) throw broken("no marker", at);
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
    } else if (marker === EOI) {
      if (width === 0 || height === 0) throw broken("no size before the end of the image", at);
      return { data: bytes.subarray(start, at + 2), width, height };
    } else if (marker === TEM || isRestart(marker)) {
      at += 2;
    } else {
      if (at + 3 >= bytes.length) return undefined;
      const length = bytes[at + 2] << 8 | bytes[at + 3];
      const next = at + 2 + length;
      if (length < 2) throw broken("a segment without length", at);
      if (next > bytes.length) return undefined;
      if (isStartOfFrame(marker) && length >= 8) {
        height = bytes[at + 5] << 8 | bytes[at + 6];
        width = bytes[at + 7] << 8 | bytes[at + 8];
      }
      at = marker === SOS ? endOfScan(bytes, next) : next;
    }
  }
}

/**
 * The images of a stream, in order. Whatever lies in a segment, such as a small preview with markers
 * of its own, is skipped with it.
 *
 * @throws {StreamError} after the last whole image, where the next one is broken; at once where
 * there is none
 */
export function* jpegImages(bytes: Uint8Array<ArrayBuffer>): Generator<JpegImage> {
  let at = 0;
  do {
    const image = jpegImageAt(bytes, at);
    if (image === undefined) {
      throw new StreamError(`JPEG image at byte ${at}: cut off at byte ${bytes.length}`);
    }
    yield image;
    at += image.data.length;
  } while (at < bytes.length);
}
