/**
 * AV1's open bitstream units, and the two forms in which a file holds them.
 * Source: AV1 Bitstream & Decoding Process Specification, sections 4.10.5, 5.3 and annex B.
 *
 * @module
 */
import { at, StreamError } from "../stream_error.ts";

export const OBU_SEQUENCE_HEADER = 1;
export const OBU_TEMPORAL_DELIMITER = 2;
export const OBU_FRAME_HEADER = 3;
export const OBU_FRAME = 6;

const HAS_SIZE = 0x02;
const HAS_EXTENSION = 0x04;
const FORBIDDEN = 0x80;

/** One unit. */
export interface Obu {
  readonly type: number;
  /** Whether it names its layer; without, both ids are 0. */
  readonly layered: boolean;
  readonly temporalId: number;
  readonly spatialId: number;
  /** Its header, one byte or two. */
  readonly header: Uint8Array<ArrayBuffer>;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Offset of the first byte after it. */
  readonly end: number;
}

/** What a decoder is sent at a time: the OBUs of one instant. */
export interface TemporalUnit {
  /** Where it lies, for messages. */
  readonly where: () => string;
  /** Its OBUs with their sizes: section 5's form, whatever the file's. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** leb128() at `offset`: its value, up to 2^32-1, and the offset after it. */
function leb128(bytes: Uint8Array, offset: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    if (offset + i >= bytes.length) throw new StreamError("a size is cut off");
    const byte = bytes[offset + i];
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte & 0x80) continue;
    if (value > 0xffff_ffff) break;
    return [value, offset + i + 1];
  }
  throw new StreamError("a size of more than 32 bits");
}

/** leb128() of `value`. */
function toLeb128(value: number): number[] {
  const bytes = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push(value % 128 | 0x80);
  return [...bytes, value];
}

/**
 * Reads the OBU at `offset`; without a size of its own it takes all that is left.
 *
 * @throws {StreamError} where it is truncated
 */
export function readObu(bytes: Uint8Array<ArrayBuffer>, offset: number): Obu {
  const first = bytes[offset];
  if (first & FORBIDDEN) throw new StreamError("not an OBU");
  const layered = (first & HAS_EXTENSION) !== 0;
  let start = offset + (layered ? 2 : 1);
  if (start > bytes.length) throw new StreamError("an OBU header is cut off");
  const header = bytes.subarray(offset, start);
  let size = bytes.length - start;
  if (first & HAS_SIZE) {
    [size, start] = leb128(bytes, start);
    const left = bytes.length - start;
    if (size > left) throw new StreamError(`an OBU is truncated: ${left} of ${size} bytes`);
  }
  return {
    type: (first >> 3) & 15,
    layered,
    temporalId: layered ? header[1] >> 5 : 0,
    spatialId: layered ? (header[1] >> 3) & 3 : 0,
    header,
    payload: bytes.subarray(start, start + size),
    end: start + size,
  };
}

/** The OBUs that lie in `bytes` one after the other. */
export function* obus(bytes: Uint8Array<ArrayBuffer>): Generator<Obu> {
  for (let offset = 0; offset < bytes.length;) {
    const obu = readObu(bytes, offset);
    yield obu;
    offset = obu.end;
  }
}

/** Whether a file is a low-overhead stream: it begins with an empty temporal delimiter. */
export function isSection5(bytes: Uint8Array<ArrayBuffer>): boolean {
  const first = bytes[0];
  if ((first & (FORBIDDEN | HAS_SIZE)) !== HAS_SIZE) return false;
  if (((first >> 3) & 15) !== OBU_TEMPORAL_DELIMITER) return false;
  return bytes[first & HAS_EXTENSION ? 2 : 1] === 0;
}

/**
 * Whether a file is length-delimited: its first temporal unit's sizes fit into each other, and it
 * begins with an empty temporal delimiter.
 */
export function isAnnexB(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    const [size, start] = leb128(bytes, 0);
    if (size === 0 || size > bytes.length - start) return false;
    const [first] = lengthDelimited(bytes.subarray(start, start + size));
    return first.type === OBU_TEMPORAL_DELIMITER && first.payload.length === 0;
  } catch (error) {
    if (error instanceof StreamError) return false;
    throw error;
  }
}

/** The OBUs of a length-delimited temporal unit; at least one. */
function lengthDelimited(unit: Uint8Array<ArrayBuffer>): Obu[] {
  const found: Obu[] = [];
  for (let offset = 0; offset < unit.length;) {
    const [frameSize, frameStart] = leb128(unit, offset);
    offset = frameStart + frameSize;
    if (offset > unit.length) {
      throw new StreamError("a frame unit is longer than its temporal unit");
    }
    const frame = unit.subarray(frameStart, offset);
    for (let inFrame = 0; inFrame < frame.length;) {
      const [size, start] = leb128(frame, inFrame);
      inFrame = start + size;
      if (size === 0 || inFrame > frame.length) {
        throw new StreamError(`an OBU of ${size} bytes in ${frame.length - start} of a frame unit`);
      }
      found.push(readObu(frame.subarray(start, inFrame), 0));
    }
  }
  if (found.length === 0) throw new StreamError("a temporal unit without OBUs");
  return found;
}

/** The same OBUs, each with its size. */
function withSizes(units: readonly Obu[]): Uint8Array<ArrayBuffer> {
  const parts = units.map(({ header, payload }) => {
    const start = Uint8Array.of(...header, ...toLeb128(payload.length));
    start[0] |= HAS_SIZE;
    return { start, payload };
  });
  const size = parts.reduce((sum, part) => sum + part.start.length + part.payload.length, 0);
  const data = new Uint8Array(size);
  let offset = 0;
  for (const { start, payload } of parts) {
    data.set(start, offset);
    data.set(payload, offset + start.length);
    offset += start.length + payload.length;
  }
  return data;
}

/**
 * The temporal units of a low-overhead stream, each from its temporal delimiter on: views of
 * `bytes`.
 *
 * @throws {StreamError} after the last whole unit, where an OBU is truncated or has no size
 */
export function* section5Units(bytes: Uint8Array<ArrayBuffer>): Generator<TemporalUnit> {
  const place = (number: number, start: number) => () => `temporal unit ${number} at byte ${start}`;
  let number = 0;
  let start = 0;
  let where = place(number, start);
  for (let offset = 0; offset < bytes.length;) {
    const obu = at(where, () => {
      if (!(bytes[offset] & HAS_SIZE)) {
        throw new StreamError(`no OBU with a size at byte ${offset}`);
      }
      return readObu(bytes, offset);
    });
    if (obu.type === OBU_TEMPORAL_DELIMITER && offset > start) {
      yield { where, data: bytes.subarray(start, offset) };
      start = offset;
      where = place(++number, start);
    }
    offset = obu.end;
  }
  if (start < bytes.length) yield { where, data: bytes.subarray(start) };
}

/**
 * The temporal units of a length-delimited stream, copied into section 5's form.
 *
 * @throws {StreamError} after the last whole unit, where a size does not fit
 */
export function* annexBUnits(bytes: Uint8Array<ArrayBuffer>): Generator<TemporalUnit> {
  let offset = 0;
  for (let number = 0; offset < bytes.length; number++) {
    const start = offset;
    const where = () => `temporal unit ${number} at byte ${start}`;
    const unit = at(where, () => {
      const [size, begin] = leb128(bytes, start);
      const left = bytes.length - begin;
      if (size > left) throw new StreamError(`truncated: ${left} of ${size} bytes`);
      offset = begin + size;
      return size === 0 ? undefined : withSizes(lengthDelimited(bytes.subarray(begin, offset)));
    });
    if (unit) yield { where, data: unit };
  }
}
