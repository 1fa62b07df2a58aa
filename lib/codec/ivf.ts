/**
 * IVF: a header of 32 bytes, then frames, each behind its size (u32) and its timestamp (u64), all
 * little-endian. Source: libvpx's ivfdec.c, and "IVF" in the MultimediaWiki.
 *
 * @module
 */
import { StreamError } from "./stream_error.ts";

const FILE_HEADER = 32;
const FRAME_HEADER = 12;

/** What the header of a file says. */
export interface IvfHeader {
  /** Four characters: VP90, AV01, H264, HEVC, VP80, MPG2. */
  readonly fourcc: string;
  /** Length of the header in bytes: where the first frame begins. */
  readonly length: number;
}

/** One frame of a file. */
export interface IvfFrame {
  /** Counted from 0, with those of no bytes. */
  readonly number: number;
  /** Offset of its bytes in the file. */
  readonly offset: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

const view = (bytes: Uint8Array<ArrayBuffer>) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Whether the file begins as IVF does. */
export function isIvf(bytes: Uint8Array<ArrayBuffer>): boolean {
  return String.fromCharCode(...bytes.subarray(0, 4)) === "DKIF";
}

/**
 * Reads the header of a file.
 *
 * @throws {StreamError} where it is truncated, or of another version
 */
export function readIvfHeader(bytes: Uint8Array<ArrayBuffer>): IvfHeader {
  if (bytes.length < FILE_HEADER) {
    throw new StreamError(`IVF header: truncated: ${bytes.length} of ${FILE_HEADER} bytes`);
  }
  const data = view(bytes);
  const version = data.getUint16(4, true);
  if (version !== 0) throw new StreamError(`IVF header: version ${version}; only 0 is supported`);
  const length = data.getUint16(6, true);
  if (length < FILE_HEADER || length > bytes.length) {
    throw new StreamError(`IVF header: a length of ${length} bytes in a file of ${bytes.length}`);
  }
  return { fourcc: String.fromCharCode(...bytes.subarray(8, 12)), length };
}

/**
 * The frames of a file. The number of frames in the header is not believed: writers that cannot
 * seek leave it 0.
 *
 * @throws {StreamError} after the last whole frame, where one is truncated
 */
export function* ivfFrames(
  bytes: Uint8Array<ArrayBuffer>,
  { length }: IvfHeader,
): Generator<IvfFrame> {
  const data = view(bytes);
  let at = length;
  for (let number = 0; at < bytes.length; number++) {
    const left = bytes.length - at - FRAME_HEADER;
    if (left < 0) {
      throw new StreamError(`frame ${number} at byte ${at}: its IVF header is truncated`);
    }
    const size = data.getUint32(at, true);
    if (size > left) {
      throw new StreamError(`frame ${number} at byte ${at}: truncated: ${left} of ${size} bytes`);
    }
    const offset = at + FRAME_HEADER;
    yield { number, offset, data: bytes.subarray(offset, offset + size) };
    at = offset + size;
  }
}
