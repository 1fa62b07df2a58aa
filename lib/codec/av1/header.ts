/**
 * AV1's sequence header, and a frame header as far as the frame's size.
 * Source: AV1 Bitstream & Decoding Process Specification, sections 5.5, 5.9 and 7.20.
 *
 * @module
 */
import type { Chroma } from "../access_unit.ts";
import * as c from "../../uapi/v4l2_controls_av1.ts";
import { BitReader } from "../bits/reader.ts";

import type { Obu } from "./obu.ts";
import { StreamError } from "../stream_error.ts";

const REFERENCES = 8;
const REFERENCES_PER_FRAME = 7;
/** Place of the golden frame among a frame's references. */
const GOLDEN = 3;
/** "Each frame says so itself." */
const SELECT = 2;

const KEY_FRAME = 0;
const INTRA_ONLY_FRAME = 2;
const SWITCH_FRAME = 3;

const BT_709 = 1;
const SRGB = 13;
const IDENTITY = 0;

/** The layers and the timing of one operating point. */
interface OperatingPoint {
  readonly layers: number;
  readonly timed: boolean;
}

/** What a sequence header says. */
export interface Av1Sequence {
  readonly bitDepth: number;
  readonly chroma: Chroma;
  /** `struct v4l2_ctrl_av1_sequence` */
  readonly control: Uint8Array<ArrayBuffer>;
  /** Largest frame, in pixels. */
  readonly maxSize: Av1Size;
  readonly widthBits: number;
  readonly heightBits: number;
  readonly reducedStill: boolean;
  readonly operatingPoints: readonly OperatingPoint[];
  readonly timed: boolean;
  /** Bits of the times in a frame header; 0 of one that is not there. */
  readonly removalTimeBits: number;
  readonly presentationTimeBits: number;
  /** Bits of a frame's id and of the difference of two; 0 without ids. */
  readonly frameIdBits: number;
  readonly frameIdDeltaBits: number;
  readonly screenContentTools: number;
  readonly integerMv: number;
  readonly orderHints: boolean;
  readonly orderHintBits: number;
}

/** A frame's size in pixels, after upscaling. */
export interface Av1Size {
  readonly width: number;
  readonly height: number;
}

/** What a frame header says. */
export interface Av1Frame {
  /** A key frame that is shown at once: decoding can start here. */
  readonly key: boolean;
  readonly shown: boolean;
  readonly size: Av1Size;
}

interface Reference {
  readonly key: boolean;
  readonly size: Av1Size;
}

type Control = ReturnType<typeof c.v4l2_ctrl_av1_sequence.alloc>;

interface Timing {
  readonly delayBits: number;
  readonly removalTimeBits: number;
  readonly presentationTimeBits: number;
}

/** Reads timing_info() and decoder_model_info(), where they are there. */
function timing(bits: BitReader): Timing {
  const none = { delayBits: 0, removalTimeBits: 0, presentationTimeBits: 0 };
  if (!bits.flag()) return none;
  bits.bits(32);
  bits.bits(32);
  const equalInterval = bits.flag();
  if (equalInterval) bits.exponential();
  if (!bits.flag()) return none;
  const delayBits = bits.bits(5) + 1;
  bits.bits(32);
  const removalTimeBits = bits.bits(5) + 1;
  const presentationTimeBits = bits.bits(5) + 1;
  return {
    delayBits,
    removalTimeBits,
    presentationTimeBits: equalInterval ? 0 : presentationTimeBits,
  };
}

function operatingPoints(bits: BitReader, { delayBits }: Timing): OperatingPoint[] {
  const delays = bits.flag();
  const count = bits.bits(5) + 1;
  return Array.from({ length: count }, () => {
    const layers = bits.bits(12);
    if (bits.bits(5) > 7) bits.bit();
    const timed = delayBits > 0 && bits.flag();
    if (timed) {
      bits.bits(delayBits);
      bits.bits(delayBits);
      bits.bit();
    }
    if (delays && bits.flag()) bits.bits(4);
    return { layers, timed };
  });
}

function colourConfig(bits: BitReader, profile: number, control: Control): Chroma {
  const high = bits.flag();
  control.bit_depth = high ? (profile === 2 && bits.flag() ? 12 : 10) : 8;
  const monochrome = profile !== 1 && bits.flag();
  const [primaries, transfer, matrix] = bits.flag()
    ? [bits.bits(8), bits.bits(8), bits.bits(8)]
    : [2, 2, 2];
  let [x, y] = [1, 1];
  if (monochrome) {
    if (bits.flag()) control.flags |= c.V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE;
    control.flags |= c.V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME;
  } else if (primaries === BT_709 && transfer === SRGB && matrix === IDENTITY) {
    control.flags |= c.V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE;
    [x, y] = [0, 0];
  } else {
    if (bits.flag()) control.flags |= c.V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE;
    if (profile === 1) [x, y] = [0, 0];
    else if (profile === 2 && control.bit_depth === 12) {
      x = bits.bit();
      y = x && bits.bit();
    } else if (profile === 2) y = 0;
    if (x && y) bits.bits(2);
  }
  if (x) control.flags |= c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X;
  if (y) control.flags |= c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y;
  if (monochrome) return "4:0:0";
  if (bits.flag()) control.flags |= c.V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q;
  if (y) return "4:2:0";
  return x ? "4:2:2" : "4:4:4";
}

/**
 * Reads a sequence header's payload.
 *
 * @throws {StreamError} where it is cut off or of an unknown profile
 */
export function readSequenceHeader(payload: Uint8Array): Av1Sequence {
  const bits = new BitReader(payload);
  const profile = bits.bits(3);
  if (profile > 2) throw new StreamError(`AV1 profile ${profile}`);
  const control = c.v4l2_ctrl_av1_sequence.alloc({ seq_profile: profile });
  const flag = (mask: number): boolean => {
    const set = bits.flag();
    if (set) control.flags |= mask;
    return set;
  };
  flag(c.V4L2_AV1_SEQUENCE_FLAG_STILL_PICTURE);
  const reducedStill = bits.flag();
  let times: Timing = { delayBits: 0, removalTimeBits: 0, presentationTimeBits: 0 };
  let points: OperatingPoint[] = [{ layers: 0, timed: false }];
  if (reducedStill) bits.bits(5);
  else {
    times = timing(bits);
    points = operatingPoints(bits, times);
  }
  const widthBits = bits.bits(4) + 1;
  const heightBits = bits.bits(4) + 1;
  control.max_frame_width_minus_1 = bits.bits(widthBits);
  control.max_frame_height_minus_1 = bits.bits(heightBits);
  let frameIdBits = 0;
  let frameIdDeltaBits = 0;
  if (!reducedStill && bits.flag()) {
    frameIdDeltaBits = bits.bits(4) + 2;
    frameIdBits = bits.bits(3) + 1 + frameIdDeltaBits;
  }
  flag(c.V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_FILTER_INTRA);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTRA_EDGE_FILTER);
  let orderHints = false;
  let screenContentTools = SELECT;
  let integerMv = SELECT;
  if (!reducedStill) {
    flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTERINTRA_COMPOUND);
    flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_MASKED_COMPOUND);
    flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION);
    flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_DUAL_FILTER);
    orderHints = flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT);
    if (orderHints) {
      flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_JNT_COMP);
      flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS);
    }
    if (!bits.flag()) screenContentTools = bits.bit();
    if (screenContentTools > 0 && !bits.flag()) integerMv = bits.bit();
    if (orderHints) control.order_hint_bits = bits.bits(3) + 1;
  }
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION);
  const chroma = colourConfig(bits, profile, control);
  flag(c.V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT);
  return {
    bitDepth: control.bit_depth,
    chroma,
    control: control.bytes,
    maxSize: {
      width: control.max_frame_width_minus_1 + 1,
      height: control.max_frame_height_minus_1 + 1,
    },
    widthBits,
    heightBits,
    reducedStill,
    operatingPoints: points,
    timed: times.delayBits > 0,
    removalTimeBits: times.removalTimeBits,
    presentationTimeBits: times.presentationTimeBits,
    frameIdBits,
    frameIdDeltaBits,
    screenContentTools,
    integerMv,
    orderHints,
    orderHintBits: control.order_hint_bits,
  };
}

/** Whether a decoder of all layers decodes an OBU of this layer. */
export function isDecoded({ operatingPoints }: Av1Sequence, obu: Obu): boolean {
  return !obu.layered || inLayers(operatingPoints[0].layers, obu);
}

function inLayers(layers: number, { temporalId, spatialId }: Obu): boolean {
  return layers === 0 ||
    ((layers >> temporalId) & 1) === 1 && ((layers >> (spatialId + 8)) & 1) === 1;
}

/** Reads the headers of a stream's frames in decoding order, and keeps what later ones refer to. */
export class Av1Headers {
  /** What lies in each reference slot. */
  readonly #references: (Reference | undefined)[] = new Array(REFERENCES).fill(undefined);

  /**
   * Reads the header at the start of a frame or frame header OBU.
   *
   * @throws {StreamError} where it is cut off, or takes its size from a frame that is not there
   */
  read(sequence: Av1Sequence, obu: Obu): Av1Frame {
    const bits = new BitReader(obu.payload);
    if (sequence.reducedStill) return { key: true, shown: true, size: sequence.maxSize };
    if (bits.flag()) {
      const reference = this.#reference(bits.bits(3));
      // Showing a key frame is a restart: all slots hold it then.
      if (reference.key) this.#references.fill(reference);
      return { key: false, shown: true, size: reference.size };
    }
    const type = bits.bits(2);
    const shown = bits.flag();
    if (shown) bits.bits(sequence.presentationTimeBits);
    else bits.bit();
    const key = type === KEY_FRAME;
    const intra = key || type === INTRA_ONLY_FRAME;
    const restart = type === SWITCH_FRAME || key && shown;
    const resilient = restart || bits.flag();
    bits.bit();
    const screenContent = sequence.screenContentTools === SELECT
      ? bits.bit()
      : sequence.screenContentTools;
    if (screenContent && sequence.integerMv === SELECT) bits.bit();
    bits.bits(sequence.frameIdBits);
    const ownSize = type === SWITCH_FRAME || bits.flag();
    bits.bits(sequence.orderHintBits);
    if (!intra && !resilient) bits.bits(3);
    if (sequence.timed && bits.flag()) {
      for (const { timed, layers } of sequence.operatingPoints) {
        if (timed && inLayers(layers, obu)) bits.bits(sequence.removalTimeBits);
      }
    }
    const refresh = restart ? 0xff : bits.bits(8);
    if ((!intra || refresh !== 0xff) && resilient && sequence.orderHints) {
      for (let i = 0; i < REFERENCES; i++) bits.bits(sequence.orderHintBits);
    }
    const size = intra
      ? frameSize(bits, sequence, ownSize)
      : this.#interSize(bits, sequence, ownSize, ownSize && !resilient);
    for (let i = 0; i < REFERENCES; i++) {
      if (refresh & (1 << i)) this.#references[i] = { key, size };
    }
    return { key: key && shown, shown, size };
  }

  #reference(slot: number | undefined): Reference {
    if (slot === undefined) {
      throw new StreamError("a size from an implied reference is not supported");
    }
    const reference = this.#references[slot];
    if (!reference) throw new StreamError(`refers to slot ${slot}, where no frame has been put`);
    return reference;
  }

  /** From the references to the size, the frame's own or, where it may be, a reference's. */
  #interSize(bits: BitReader, sequence: Av1Sequence, ownSize: boolean, found: boolean): Av1Size {
    const slots: (number | undefined)[] = new Array(REFERENCES_PER_FRAME).fill(undefined);
    const implied = sequence.orderHints && bits.flag();
    if (implied) {
      slots[0] = bits.bits(3);
      slots[GOLDEN] = bits.bits(3);
    }
    for (let i = 0; i < REFERENCES_PER_FRAME; i++) {
      if (!implied) slots[i] = bits.bits(3);
      bits.bits(sequence.frameIdDeltaBits);
    }
    if (found) {
      for (const slot of slots) if (bits.flag()) return this.#reference(slot).size;
    }
    return frameSize(bits, sequence, ownSize);
  }
}

function frameSize(bits: BitReader, sequence: Av1Sequence, own: boolean): Av1Size {
  if (!own) return sequence.maxSize;
  const width = bits.bits(sequence.widthBits) + 1;
  return { width, height: bits.bits(sequence.heightBits) + 1 };
}
