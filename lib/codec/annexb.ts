/**
 * The byte stream of H.264 and HEVC: NAL units between start codes.
 * Source: ITU-T H.264 and H.265, section 7.3.1 and annex B.
 *
 * @module
 */
import { BitReader } from "./bits/reader.ts";
import { NAL_TYPE_MASK } from "./h264/nal_types.ts";

/** A NAL unit as it lies in a stream, whatever its header says. */
export interface Unit {
  /** Offset in the file of its start code, with the zeros that belong to that. */
  readonly start: number;
  /** Its bytes with the header, at least one, still with the emulation prevention bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One NAL unit of H.264. */
export interface Nal {
  /** nal_unit_type */
  readonly type: number;
  /** nal_ref_idc: 0 of a picture that no other refers to. */
  readonly refIdc: number;
  /** Offset in the file of its start code, with the zeros that belong to that. */
  readonly start: number;
  /** Its bytes behind the one of the type, still with the emulation prevention bytes. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** A part of a file that units do not cross: all of it, or a frame of its container. */
export interface Segment {
  /** Where it lies, for messages; empty of a whole file. */
  readonly where: string;
  readonly offset: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Bytes of a start code. */
export const START_CODE = 3;

/** Offset of the byte behind the next 00 00 01 from `from` on; -1 where there is none. */
export function behindStartCode(bytes: Uint8Array, from = 0): number {
  for (let at = from + 2; (at = bytes.indexOf(1, at)) >= 0; at++) {
    if (bytes[at - 1] === 0 && bytes[at - 2] === 0) return at + 1;
  }
  return -1;
}

/** Offset of the byte behind the last 00 00 01; -1 where there is none. */
export function behindLastStartCode(bytes: Uint8Array): number {
  for (let at = bytes.length; (at = bytes.lastIndexOf(1, at - 1)) >= 2;) {
    if (bytes[at - 1] === 0 && bytes[at - 2] === 0) return at + 1;
  }
  return -1;
}

/** Whether a file begins with a start code and a NAL unit behind it. */
export function isByteStream(bytes: Uint8Array): boolean {
  const one = bytes.subarray(0, 64).findIndex((byte) => byte !== 0);
  return one >= 2 && bytes[one] === 1 && one + 1 < bytes.length && (bytes[one + 1] & 0x80) === 0;
}

/**
 * The NAL units of a stream. Bytes before the first start code are skipped; a unit of no bytes, or
 * with its forbidden bit set, is left out.
 *
 * @param offset of `bytes` in the file
 */
export function* unitsOf(bytes: Uint8Array<ArrayBuffer>, offset = 0): Generator<Unit> {
  for (let header = behindStartCode(bytes); header >= 0;) {
    const following = behindStartCode(bytes, header);
    const next = following < 0 ? bytes.length : following - START_CODE;
    const code = header - START_CODE;
    if (header < next && (bytes[header] & 0x80) === 0) {
      yield {
        start: offset + (code > 0 && bytes[code - 1] === 0 ? code - 1 : code),
        bytes: bytes.subarray(header, next),
      };
    }
    header = following;
  }
}

/** The same of H.264. */
export function* nalUnits(bytes: Uint8Array<ArrayBuffer>, offset = 0): Generator<Nal> {
  for (const { start, bytes: unit } of unitsOf(bytes, offset)) {
    const [first] = unit;
    const type = first & NAL_TYPE_MASK;
    yield { type, refIdc: first >> 5, start, payload: unit.subarray(1) };
  }
}

/** The NAL unit of a header and what follows it: a start code, and 00 00 03 instead of 00 00. */
export function writeUnit(
  header: readonly number[],
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = [0, 0, 0, 1, ...header];
  let zeros = 0;
  for (const byte of payload) {
    if (zeros >= 2 && byte <= 3) {
      bytes.push(3);
      zeros = 0;
    }
    bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(bytes);
}

/** Reads the bits of a NAL unit, without the 03 of each 00 00 03. */
export class NalReader extends BitReader {
  #zeros = 0;

  protected override nextByte(): number {
    let byte = super.nextByte();
    if (this.#zeros >= 2 && byte === 3) {
      byte = super.nextByte();
      this.#zeros = 0;
    }
    this.#zeros = byte === 0 ? this.#zeros + 1 : 0;
    return byte;
  }
}
