/**
 * H.264: an access unit is a unit, or two that hold the fields of one frame.
 *
 * @module
 */
import type { AccessUnit, Sequence } from "../access_unit.ts";
import { nalUnits, type Segment } from "../annexb.ts";
import type { Place } from "../display_order.ts";
import { type PictureParameters, pictureUnits } from "../picture_units.ts";
import {
  V4L2_CID_STATELESS_H264_PPS,
  V4L2_CID_STATELESS_H264_SPS,
} from "../../uapi/v4l2_controls_h264.ts";
import {
  isSlice,
  NAL_DELIMITER,
  NAL_END_OF_STREAM,
  NAL_PPS,
  NAL_PREFIX,
  NAL_RESERVED_18,
  NAL_SEI,
  NAL_SPS,
} from "./nal_types.ts";
import { PictureOrder } from "./order.ts";
import { beginsPicture, isOtherField, readSlice, type Slice } from "./slice.ts";
import { type Pps, readPps, readSps, type Sps } from "./sps.ts";
import { sameBytes } from "../same_bytes.ts";
import { at, type Lost, passedOver } from "../stream_error.ts";

/** A frame, or what there is of one. */
export interface Picture {
  /** Offsets of its bytes in the segment. */
  start: number;
  end: number;
  readonly data: Uint8Array<ArrayBuffer>;
  /** The first slice; undefined where a container's frame holds no picture. */
  readonly first: Slice | undefined;
  /** The second field's first slice. */
  second: Slice | undefined;
}

/** Finds the pictures of a stream, and keeps its parameter sets. */
export class Pictures {
  readonly #sps = new Map<number, Sps>();
  readonly #pps = new Map<number, Pps>();
  readonly #spsOf = (id: number) => this.#sps.get(id);
  readonly #ppsOf = (id: number) => this.#pps.get(id);
  /** Pictures so far, with those that were left out. */
  #count = 0;
  /** There were pictures of several slices. */
  #sliced = false;

  /** @param lost called for a picture whose only slice is broken */
  constructor(readonly lost?: Lost) {}

  /**
   * The pictures of one segment. What follows the last one belongs to it; slices before the first
   * parameter sets are left out.
   *
   * A broken slice is left out too, where somebody is told; where a picture has several, it is left in the
   * picture, and the decoder's to tell.
   *
   * @throws {StreamError} after the last whole picture, where a header is broken and nobody is told
   */
  *of({ where, offset, data }: Segment): Generator<Picture> {
    let picture: Picture | undefined;
    /** The last slice of the picture, and whether its macroblock 0 has been there. */
    let last: Slice | undefined;
    let begun = false;
    /** Where the next picture begins, if the next slice is of one; and whether it must be. */
    let next: number | undefined;
    let ended = true;
    /** Whether slices were left out: nobody can decode them. */
    let left = false;
    const whole = <T>(parse: () => T) => passedOver(this.lost && (() => {}), 0, parse);
    for (const nal of nalUnits(data)) {
      const { type } = nal;
      const place = () => `${where}NAL unit at byte ${offset + nal.start}`;
      if (isSlice(type)) {
        if (this.#pps.size === 0) {
          left = true;
          next = undefined;
          continue;
        }
        const read = () => at(place, () => readSlice(nal, this.#ppsOf, this.#spsOf));
        if (this.#sliced && this.lost && !whole(read)) {
          if (ended) next ??= nal.start;
          continue;
        }
        const slice = passedOver(this.lost, this.#count + (picture ? 1 : 0), read);
        if (!slice) {
          if (picture) yield { ...picture, end: next ?? nal.start };
          this.#count += picture ? 2 : 1;
          // Parameter sets in front of it are for others, too: `next` stays.
          picture = last = undefined;
          ended = left = true;
          continue;
        }
        if (slice.redundant > 0) continue;
        const other: boolean = ended || !last || beginsPicture(last, slice) ||
          begun && slice.firstMb === 0;
        if (other && picture?.first && !picture.second && isOtherField(picture.first, slice)) {
          picture.second = slice;
        } else if (other) {
          const start = picture || left ? next ?? nal.start : 0;
          if (picture) {
            this.#count++;
            yield { ...picture, end: start };
          }
          picture = { start, end: data.length, data, first: slice, second: undefined };
        }
        this.#sliced ||= !other;
        begun = slice.firstMb === 0 || begun && !other;
        last = slice;
        next = undefined;
        ended = false;
        continue;
      }
      if (type === NAL_SPS) {
        const sps = whole(() => at(place, () => readSps(nal.payload)));
        if (sps) this.#sps.set(sps.id, this.#known(sps));
      } else if (type === NAL_PPS) {
        const pps = whole(() => at(place, () => readPps(nal.payload, this.#spsOf)));
        if (pps) this.#pps.set(pps.id, pps);
      }
      if (
        type >= NAL_SEI && type <= NAL_DELIMITER || type >= NAL_PREFIX && type <= NAL_RESERVED_18
      ) {
        next ??= nal.start;
      }
      if (type >= NAL_SEI && type <= NAL_END_OF_STREAM) ended = true;
    }
    if (!picture && left && this.lost) return;
    this.#count++;
    yield picture ?? { start: 0, end: data.length, data, first: undefined, second: undefined };
  }

  /** The set that is there already, where it says the same: most streams repeat theirs. */
  #known(sps: Sps): Sps {
    const old = this.#sps.get(sps.id);
    return old && isSame(old, sps) ? old : sps;
  }
}

const isSame = (a: Sps, b: Sps) =>
  sameBytes(a.control, b.control) && a.crop.left === b.crop.left && a.crop.top === b.crop.top &&
  a.crop.width === b.crop.width && a.crop.height === b.crop.height;

function sequenceOf({ sps, pps }: Slice): Sequence {
  return {
    codec: "h264",
    width: sps.width,
    height: sps.height,
    crop: sps.crop,
    bitDepth: sps.bitDepth,
    chroma: sps.chroma,
    reorder: 0,
    controls: [
      { id: V4L2_CID_STATELESS_H264_SPS, payload: sps.control },
      { id: V4L2_CID_STATELESS_H264_PPS, payload: pps.control },
    ],
  };
}

function parametersOf({ first }: Picture): PictureParameters | undefined {
  if (!first) return undefined;
  const { sps, pps, idr } = first;
  return { sps, pps: pps.control, begins: idr, sequence: () => sequenceOf(first) };
}

function placesOf(pictures: readonly Picture[]): (Place | undefined)[] {
  const counter = new PictureOrder();
  let group = 0;
  return pictures.map(({ first, second }) => {
    if (!first) return undefined;
    let count = counter.next(first);
    if (second) count = Math.min(second.forgetsAll ? 0 : count, counter.next(second));
    if (first.idr || first.forgetsAll || second?.forgetsAll) group++;
    return { group, count };
  });
}

/**
 * The units of a stream. A key unit is an IDR picture; recovery points are none. Two fields are one
 * unit where they lie in the same segment.
 *
 * A stream may begin with another picture: those up to the first IDR picture are in one order then,
 * with those that refer to what came before, and that decoders may leave out.
 *
 * @param lost called for a picture whose only slice is broken
 * @throws {StreamError} after the last whole unit, where a header is broken, without `lost`
 */
export function h264Units(segments: Iterable<Segment>, lost?: Lost): Generator<AccessUnit> {
  const finder = new Pictures(lost);
  return pictureUnits(segments, {
    of: (segment) => finder.of(segment),
    parameters: parametersOf,
    places: placesOf,
    isKey: ({ first }) => first?.idr ?? false,
  });
}
