/**
 * MPEG-2 of field pictures, as no encoder of FFmpeg's makes it: fields whose samples are all alike, without the headers
 * that a stateless client has in controls. Source: ITU-T H.262, sections 6.2.4 to 6.2.6.
 *
 * @module
 */
import type { Control } from "../../lib/codec/access_unit.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import * as c from "../../lib/uapi/v4l2_controls_mpeg2.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Of a frame, in pixels. */
export const MPEG2_WIDTH = 160;
export const MPEG2_HEIGHT = 32;

/** The slice of a field of 160x16 samples that are all 128 + `more`. */
function plainField(bits: BitWriter, more: number): Bytes {
  bits.clear();
  bits.bits(0x101, 32);
  // quantiser_scale_code, extra_bit_slice
  bits.bits(1, 5);
  bits.bits(0, 1);
  for (let block = 0; block < 10 * 6; block++) {
    // macroblock_address_increment, an intra macroblock
    if (block % 6 === 0) bits.bits(0b11, 2);
    // dct_dc_size of 7 bits, then of none; tables B.12 and B.13
    if (block === 0 && more > 0) {
      bits.bits(0b111110, 6);
      bits.bits(more, 7);
    } else if (block % 6 < 4) {
      bits.bits(0b100, 3);
    } else {
      bits.bits(0, 2);
    }
    // End of block
    bits.bits(0b10, 2);
  }
  bits.align();
  return bits.bytes.slice();
}

/** By name: fields of frames, each with its structure and how much its samples are above 128. */
export const MPEG2_FIELD_STREAMS = {
  "both fields": [[[1, 64], [2, 66]], [[2, 70], [1, 72]]],
  // It has no picture, and is no reference; those behind it have.
  "a second field that is not there": [[[1, 64], [2, 66]], [[1, 70]], [[1, 80], [2, 82]]],
  "the same, and the other one is first": [[[1, 64], [2, 66]], [[2, 70]], [[1, 80], [2, 82]]],
} as const;

export type Mpeg2FieldStream = keyof typeof MPEG2_FIELD_STREAMS;

/** A field, as it is sent. */
export interface Mpeg2Field {
  /** picture_structure */
  readonly structure: number;
  /** Of each luma sample. */
  readonly level: number;
  readonly slices: Bytes;
  readonly controls: readonly Control[];
}

/** Codes one of them: the fields of each frame. */
export function codeMpeg2Fields(name: Mpeg2FieldStream): Mpeg2Field[][] {
  const bits = new BitWriter();
  const sequence = c.v4l2_ctrl_mpeg2_sequence.alloc({
    horizontal_size: MPEG2_WIDTH,
    vertical_size: MPEG2_HEIGHT,
    profile_and_level_indication: 0x48,
    chroma_format: 1,
  });
  const matrices = c.v4l2_ctrl_mpeg2_quantisation.alloc();
  matrices.bytes.fill(16);
  const frames: readonly (readonly (readonly [number, number])[])[] = MPEG2_FIELD_STREAMS[name];
  return frames.map((fields) =>
    fields.map(([structure, more]) => {
      const picture = c.v4l2_ctrl_mpeg2_picture.alloc({
        f_code: [15, 15, 15, 15],
        picture_coding_type: c.V4L2_MPEG2_PIC_CODING_TYPE_I,
        picture_structure: structure,
      });
      const controls = [
        { id: c.V4L2_CID_STATELESS_MPEG2_SEQUENCE, payload: sequence.bytes },
        { id: c.V4L2_CID_STATELESS_MPEG2_PICTURE, payload: picture.bytes },
        { id: c.V4L2_CID_STATELESS_MPEG2_QUANTISATION, payload: matrices.bytes },
      ];
      return { structure, level: 128 + more, slices: plainField(bits, more), controls };
    })
  );
}

/** Whether each line of a frame is as its field's are. */
export function hasLumaOf(fields: readonly Mpeg2Field[], picture: Bytes, stride: number): boolean {
  return fields.every(({ structure, level }) => {
    for (let line = structure - 1; line < MPEG2_HEIGHT; line += 2) {
      const at = line * stride;
      if (picture.subarray(at, at + MPEG2_WIDTH).some((sample) => sample !== level)) return false;
    }
    return true;
  });
}
