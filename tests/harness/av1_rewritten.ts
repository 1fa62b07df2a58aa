/**
 * AV1 that no encoder here makes, from streams that one does make.
 * Source: AV1 Bitstream & Decoding Process Specification, sections 5.3, 5.5 and 5.9.
 *
 * @module
 */
import { concatenate } from "../../lib/files/files.ts";
import {
  OBU_FRAME,
  OBU_SEQUENCE_HEADER,
  OBU_TEMPORAL_DELIMITER,
  obus,
} from "../../lib/codec/av1/obu.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const HAS_SIZE = 2;
const HAS_EXTENSION = 4;
/** One temporal layer, and two spatial ones. */
const LAYERS = 0x301;
/**
 * Of operating_point_idc in a sequence header without times, which begins with 12 bits: the profile, four flags, and
 * the number of operating points.
 */
const LAYERS_AT = 12;
const LAYERS_BITS = 12;

/** @param spatialId undefined for an OBU of no layer */
function obu(type: number, payload: Bytes, spatialId?: number): Bytes {
  const layered = spatialId !== undefined;
  const header = [
    type << 3 | HAS_SIZE | (layered ? HAS_EXTENSION : 0),
    ...layered ? [spatialId << 3] : [],
  ];
  const size: number[] = [];
  let left = payload.length;
  for (; left > 0x7f; left >>= 7) size.push(left & 0x7f | 0x80);
  return concatenate([Uint8Array.of(...header, ...size, left), payload]);
}

function withLayers(sequence: Bytes): Bytes {
  const made = sequence.slice();
  for (let bit = 0; bit < LAYERS_BITS; bit++) {
    const at = LAYERS_AT + bit;
    const mask = 0x80 >> at % 8;
    const set = (LAYERS >> (LAYERS_BITS - 1 - bit) & 1) === 1;
    made[at >> 3] = set ? made[at >> 3] | mask : made[at >> 3] & ~mask;
  }
  return made;
}

/**
 * Temporal units of two spatial layers: each second frame is the upper layer of the one before.
 *
 * @param units of an even number of frames, each shown and in an OBU of its own
 */
export function inTwoLayers(units: readonly Bytes[]): Bytes[] {
  const layered: Bytes[][] = [];
  for (const [number, unit] of units.entries()) {
    const spatialId = number % 2;
    if (spatialId === 0) layered.push([obu(OBU_TEMPORAL_DELIMITER, new Uint8Array())]);
    for (const { type, payload } of obus(unit)) {
      if (type === OBU_SEQUENCE_HEADER) layered.at(-1)!.push(obu(type, withLayers(payload)));
      if (type === OBU_FRAME) layered.at(-1)!.push(obu(type, payload, spatialId));
    }
  }
  return layered.map((parts) => concatenate(parts));
}

// show_existing_frame, frame_type and show_frame, which a frame's header begins with.
const BEGINNING = 0xf0;
const HIDDEN_INTRA_ONLY = 0x40;
const HIDDEN_KEY = 0x00;

/** Hidden intra-only frames become hidden key frames: the rest of their headers is the same. */
export function withHiddenKeys(unit: Bytes): Bytes {
  const made = unit.slice();
  for (const { type, payload } of obus(made)) {
    if (type !== OBU_FRAME || (payload[0] & BEGINNING) !== HIDDEN_INTRA_ONLY) continue;
    payload[0] = payload[0] & ~BEGINNING | HIDDEN_KEY;
  }
  return made;
}
