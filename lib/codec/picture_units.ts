/**
 * Access units of H.264 and HEVC, out of the pictures that their parsers find. Display order needs the
 * pictures that follow, so that a file's headers are all read before its first unit comes out.
 *
 * @module
 */
import type { AccessUnit, Sequence } from "./access_unit.ts";
import type { Segment } from "./annexb.ts";
import { displayIndices, heldBack, type Place } from "./display_order.ts";
import { sameBytes } from "./same_bytes.ts";
import { StreamError } from "./stream_error.ts";

/** What has the bytes of a picture. */
export interface CodedPicture {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Offsets of its bytes in `data`. */
  readonly start: number;
  readonly end: number;
}

/** The parameter sets that a picture refers to. */
export interface PictureParameters {
  /** The same object as long as the set is the same. */
  readonly sps: unknown;
  /** The control's payload. */
  readonly pps: Uint8Array;
  /** Another picture parameter set makes another sequence here. */
  readonly begins: boolean;
  /** Made of both, the second control's payload being `pps`. */
  readonly sequence: () => Sequence;
}

/** What a codec says of its pictures. */
export interface Pictured<Picture extends CodedPicture> {
  /** Finds the pictures of one segment after the other. */
  readonly of: (segment: Segment) => Iterable<Picture>;
  /** Undefined where there is no slice of it. */
  readonly parameters: (picture: Picture) => PictureParameters | undefined;
  /** Of all pictures, undefined for what is not shown. */
  readonly places: (pictures: readonly Picture[]) => readonly (Place | undefined)[];
  readonly isKey: (picture: Picture) => boolean;
}

/** The pictures of all segments, and what broke off their reading. */
function allPictures<Picture>(
  segments: Iterable<Segment>,
  of: (segment: Segment) => Iterable<Picture>,
): [Picture[], StreamError | undefined] {
  const pictures: Picture[] = [];
  try {
    for (const segment of segments) {
      for (const picture of of(segment)) pictures.push(picture);
    }
  } catch (error) {
    if (error instanceof StreamError) return [pictures, error];
    throw error;
  }
  return [pictures, undefined];
}

/** The display indices of pictures, -1 of what is not shown; and how many are held back after each. */
function order(places: readonly (Place | undefined)[]): { indices: number[]; held: number[] } {
  const indices = displayIndices(places.filter((place) => place !== undefined));
  const held = heldBack(indices);
  let shown = 0;
  const of = places.map((place) => place ? shown++ : -1);
  return { indices: of.map((i) => indices[i] ?? -1), held: of.map((i) => held[i] ?? 0) };
}

/** The sequence of each picture, without its reordering; undefined where there is none at all. */
function sequences(all: readonly (PictureParameters | undefined)[]): Sequence[] | undefined {
  let sps: unknown;
  let sequence: Sequence | undefined;
  const found = all.map((one) => {
    if (!one) return sequence;
    const samePps = () => sameBytes(sequence!.controls[1].payload, one.pps);
    if (!sequence || sps !== one.sps || one.begins && !samePps()) sequence = one.sequence();
    sps = one.sps;
    return sequence;
  });
  // Parameter sets in a container's frame of their own belong to the picture that follows.
  const start = found.find((one) => one !== undefined);
  return start && found.map((one) => one ?? start);
}

/**
 * The units of a stream, a picture each.
 *
 * @throws {StreamError} after the last whole unit, what the codec's parser threw
 */
export function* pictureUnits<Picture extends CodedPicture>(
  segments: Iterable<Segment>,
  codec: Pictured<Picture>,
): Generator<AccessUnit> {
  const [pictures, error] = allPictures(segments, codec.of);
  const of = sequences(pictures.map(codec.parameters));
  if (!of) {
    if (error) throw error;
    return;
  }
  const { indices, held } = order(codec.places(pictures));
  of.forEach((sequence, i) => sequence.reorder = Math.max(sequence.reorder, held[i]));
  for (const [i, picture] of pictures.entries()) {
    const { data, start, end } = picture;
    const key = codec.isKey(picture);
    yield { data: data.subarray(start, end), sequence: of[i], key, displayIndex: indices[i] };
  }
  if (error) throw error;
}
