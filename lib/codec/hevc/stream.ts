/**
 * HEVC: an access unit is a unit.
 *
 * @module
 */
import {
  V4L2_CID_STATELESS_HEVC_PPS,
  V4L2_CID_STATELESS_HEVC_SPS,
} from "../../uapi/v4l2_controls_hevc.ts";
import type { AccessUnit, Sequence } from "../access_unit.ts";
import type { Segment } from "../annexb.ts";
import { BitReader } from "../bits/reader.ts";
import type { Place } from "../display_order.ts";
import { type PictureParameters, pictureUnits } from "../picture_units.ts";
import { sameBytes } from "../same_bytes.ts";
import { at, type Lost, passedOver } from "../stream_error.ts";
import {
  beginsAccessUnit,
  endsSequence,
  forgetsAll,
  type HevcNal,
  hevcNals,
  isIrap,
  isRasl,
  isSlice,
  NAL_HEADER,
  NAL_PPS,
  NAL_SPS,
} from "./nal.ts";
import { PictureOrder } from "./order.ts";
import { type Pps, readPps, readSps, type Sps } from "./parameter_sets.ts";
import { HeaderBytes, readSlice, type Slice, type SliceParameters } from "./slice.ts";

/** What a slice refers to. */
export interface Parameters extends SliceParameters {
  readonly sps: Sps;
}

/** The parameter sets of a stream. */
export class ParameterSets {
  readonly #sps = new Map<number, Sps>();
  readonly #pps = new Map<number, Pps>();

  /** There is no picture parameter set yet. */
  get empty(): boolean {
    return this.#pps.size === 0;
  }

  /**
   * Takes in a unit that has one.
   *
   * @throws {StreamError} it is broken
   */
  read({ type, bytes }: HevcNal): void {
    if (type === NAL_SPS) {
      const sps = readSps(bytes);
      const id = sps.control.seq_parameter_set_id;
      const old = this.#sps.get(id);
      // Most streams repeat theirs.
      if (!old || !isSame(old, sps)) this.#sps.set(id, sps);
    } else if (type === NAL_PPS) {
      const pps = readPps(bytes);
      this.#pps.set(pps.control.pic_parameter_set_id, pps);
    }
  }

  /** Those of a picture parameter set's id; undefined where they are not there. */
  find(ppsId: number): Parameters | undefined {
    const pps = this.#pps.get(ppsId);
    const sps = pps && this.#sps.get(pps.spsId);
    return sps && { sps, pps: pps.control };
  }
}

const isSame = (a: Sps, b: Sps) =>
  JSON.stringify([a.crop, a.sets, a.longTerm]) === JSON.stringify([b.crop, b.sets, b.longTerm]) &&
  sameBytes(a.control.bytes, b.control.bytes);

/** A picture of a stream, or what has none. */
interface Picture {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Offsets of its bytes in the segment. */
  readonly start: number;
  end: number;
  /** Its first one; undefined where a container's frame holds no picture. */
  readonly slice: Slice<Parameters> | undefined;
  /** Nothing before it is of its sequence. */
  readonly anew: boolean;
}

/** Finds the pictures of a stream. */
class Pictures {
  readonly #sets = new ParameterSets();
  /** Pictures so far, with those that were left out. */
  #count = 0;
  /** The next picture is the first of its sequence. */
  #ended = true;
  /** Pictures are left out that need what came before the last random access point. */
  #leaves = false;

  constructor(readonly lost: Lost | undefined) {}

  /**
   * The pictures of one segment. What follows the last one belongs to it; slices before the first
   * parameter sets are left out, and pictures that no decoder gives, as they need what came before the
   * beginning. A slice that is not the first of its picture is the decoder's to look at.
   */
  *of({ where, offset, data }: Segment): Generator<Picture> {
    let picture: Picture | undefined;
    /** Where the next picture begins, if it does. */
    let next: number | undefined;
    let left = false;
    for (const nal of hevcNals(data)) {
      const { type, bytes } = nal;
      const place = () => `${where}NAL unit at byte ${offset + nal.start}`;
      if (!isSlice(type)) {
        // A broken one is told of by the slices that refer to it.
        passedOver(this.lost && (() => {}), 0, () => at(place, () => this.#sets.read(nal)));
        if (beginsAccessUnit(type)) next ??= nal.start;
        if (endsSequence(type)) this.#ended = true;
        continue;
      }
      if ((bytes[NAL_HEADER] & 0x80) === 0) {
        next = undefined;
        left ||= !picture;
        continue;
      }
      const start = picture || left ? next ?? nal.start : 0;
      if (picture) yield { ...picture, end: start };
      next = undefined;
      picture = this.#begin(nal, place, start, data);
      left ||= !picture;
    }
    if (picture) yield picture;
    else if (!left) yield { data, start: 0, end: data.length, slice: undefined, anew: false };
  }

  #begin(
    nal: HevcNal,
    place: () => string,
    start: number,
    data: Uint8Array<ArrayBuffer>,
  ): Picture | undefined {
    if (this.#sets.empty) return undefined;
    const read = () => {
      const bits = new BitReader(new HeaderBytes(nal).bytes);
      return at(place, () => readSlice(nal, bits, (id) => this.#sets.find(id)));
    };
    const slice = passedOver(this.lost, this.#count++, read);
    if (!slice) return undefined;
    const anew = this.#ended || forgetsAll(nal.type);
    this.#ended = false;
    if (isIrap(nal.type)) this.#leaves = anew;
    if (this.#leaves && isRasl(nal.type)) {
      this.#count--;
      return undefined;
    }
    return { data, start, end: data.length, slice, anew };
  }
}

function sequenceOf({ parameters: { sps, pps } }: Slice<Parameters>): Sequence {
  const { width, height, crop, bitDepth, chroma } = sps;
  return {
    ...{ codec: "hevc", width, height, crop, bitDepth, chroma, reorder: 0 },
    controls: [
      { id: V4L2_CID_STATELESS_HEVC_SPS, payload: sps.control.bytes },
      { id: V4L2_CID_STATELESS_HEVC_PPS, payload: pps.bytes },
    ],
  };
}

function parametersOf({ slice, anew }: Picture): PictureParameters | undefined {
  if (!slice) return undefined;
  const { sps, pps } = slice.parameters;
  return { sps, pps: pps.bytes, begins: anew, sequence: () => sequenceOf(slice) };
}

function placesOf(pictures: readonly Picture[]): (Place | undefined)[] {
  const counter = new PictureOrder();
  let group = 0;
  return pictures.map(({ slice, anew }) => {
    if (anew) group++;
    const count = slice ? counter.next(slice, anew) : 0;
    return slice?.output ? { group, count } : undefined;
  });
}

/**
 * The units of a stream. A key unit is an IDR or BLA picture, or a CRA picture that a sequence begins
 * with.
 *
 * @param lost called for a picture whose first slice is broken
 * @throws {StreamError} after the last whole unit, where a header is broken, without `lost`
 */
export function hevcUnits(segments: Iterable<Segment>, lost?: Lost): Generator<AccessUnit> {
  const finder = new Pictures(lost);
  return pictureUnits(segments, {
    of: (segment) => finder.of(segment),
    parameters: parametersOf,
    places: placesOf,
    isKey: ({ slice, anew }) => anew && slice !== undefined && isIrap(slice.nal.type),
  });
}
