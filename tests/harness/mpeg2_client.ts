/**
 * MPEG-2 as a stateless client sends it: slices in buffers, headers in controls.
 *
 * @module
 */
import { behindStartCode } from "../../lib/codec/annexb.ts";
import type { Control } from "../../lib/codec/access_unit.ts";
import { BitReader } from "../../lib/codec/bits/reader.ts";
import { readMpeg2Headers } from "../../lib/codec/mpeg2/headers.ts";
import * as c from "../../lib/uapi/v4l2_controls_mpeg2.ts";

type Bytes = Uint8Array<ArrayBuffer>;
export type PictureControl = ReturnType<typeof c.v4l2_ctrl_mpeg2_picture.alloc>;

const PICTURE = 0x00;
const SEQUENCE = 0xb3;
const EXTENSION = 0xb5;
const NONE = 2n ** 64n - 1n;

/** The default matrices of section 6.3.11, in zigzag order. */
// deno-fmt-ignore
const INTRA = [
  8, 16, 16, 19, 16, 19, 22, 22, 22, 22, 22, 22, 26, 24, 26, 27,
  27, 27, 26, 26, 26, 26, 27, 27, 27, 29, 29, 29, 34, 34, 34, 29,
  29, 29, 27, 27, 29, 29, 32, 32, 34, 34, 37, 38, 37, 35, 35, 34,
  35, 38, 38, 40, 40, 40, 48, 48, 46, 46, 56, 56, 58, 69, 69, 83,
];
const NON_INTRA = INTRA.map(() => 16);

/** A picture without its headers. */
export interface Mpeg2Picture {
  readonly slices: Bytes;
  readonly picture: PictureControl;
  readonly controls: Control[];
}

/** Takes the headers out of a stream of frames. */
export class Mpeg2Client {
  readonly #matrices = c.v4l2_ctrl_mpeg2_quantisation.alloc();
  #sequence = new Uint8Array();
  #newest = NONE;
  #older = NONE;

  /**
   * What is sent of a unit.
   *
   * @param time of its buffer, in nanoseconds
   */
  parts(unit: Bytes, time: bigint): Mpeg2Picture {
    this.#sequence = readMpeg2Headers(unit).sequence?.control ?? this.#sequence;
    const picture = c.v4l2_ctrl_mpeg2_picture.alloc();
    let at = behindStartCode(unit);
    for (; unit[at] === PICTURE || unit[at] > 0xaf; at = behindStartCode(unit, at)) {
      const bits = new BitReader(unit.subarray(at + 1));
      if (unit[at] === PICTURE) {
        bits.bits(10);
        picture.picture_coding_type = bits.bits(3);
      } else if (unit[at] === SEQUENCE) {
        bits.bits(32);
        bits.bits(30);
        this.#readMatrices(bits, INTRA, NON_INTRA);
      } else if (unit[at] === EXTENSION) {
        const id = bits.bits(4);
        if (id === 8) readCodingExtension(bits, picture);
        if (id === 3) this.#readMatrices(bits);
      }
    }
    this.#refer(picture, time);
    const controls = [
      { id: c.V4L2_CID_STATELESS_MPEG2_SEQUENCE, payload: this.#sequence },
      { id: c.V4L2_CID_STATELESS_MPEG2_PICTURE, payload: picture.bytes },
      { id: c.V4L2_CID_STATELESS_MPEG2_QUANTISATION, payload: this.#matrices.bytes.slice() },
    ];
    return { slices: unit.slice(at - 3), picture, controls };
  }

  #readMatrices(bits: BitReader, ...otherwise: readonly (readonly number[])[]): void {
    const matrix = (was: readonly number[]) =>
      bits.flag() ? Array.from({ length: 64 }, () => bits.bits(8)) : was;
    const matrices = this.#matrices;
    matrices.intra_quantiser_matrix = matrix(otherwise[0] ?? matrices.intra_quantiser_matrix);
    matrices.non_intra_quantiser_matrix = matrix(
      otherwise[1] ?? matrices.non_intra_quantiser_matrix,
    );
  }

  #refer(picture: PictureControl, time: bigint): void {
    const b = picture.picture_coding_type === c.V4L2_MPEG2_PIC_CODING_TYPE_B;
    picture.backward_ref_ts = b ? this.#newest : NONE;
    picture.forward_ref_ts = b ? this.#older : this.#newest;
    if (b) return;
    this.#older = this.#newest;
    this.#newest = time;
  }
}

function readCodingExtension(bits: BitReader, picture: PictureControl): void {
  picture.f_code = [0, 1, 2, 3].map(() => bits.bits(4));
  picture.intra_dc_precision = bits.bits(2);
  picture.picture_structure = bits.bits(2);
  const flags = [
    c.V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST,
    c.V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT,
    c.V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV,
    c.V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE,
    c.V4L2_MPEG2_PIC_FLAG_INTRA_VLC,
    c.V4L2_MPEG2_PIC_FLAG_ALT_SCAN,
    c.V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST,
  ];
  for (const flag of flags) if (bits.flag()) picture.flags |= flag;
  bits.bit();
  if (bits.flag()) picture.flags |= c.V4L2_MPEG2_PIC_FLAG_PROGRESSIVE;
}
