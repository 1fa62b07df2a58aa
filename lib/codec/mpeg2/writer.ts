/**
 * MPEG-2's headers from the controls that stand for them.
 * Source: ITU-T H.262, sections 6.2.2 and 6.2.3.
 *
 * @module
 */
import type { View } from "../../uapi/struct.ts";
import type { BitWriter } from "../bits/writer.ts";
import { StreamError } from "../stream_error.ts";
import * as c from "../../uapi/v4l2_controls_mpeg2.ts";
import {
  MPEG2_CODING_EXTENSION,
  MPEG2_EXTENSION,
  MPEG2_GROUP,
  MPEG2_MATRIX_EXTENSION,
  MPEG2_PICTURE,
  MPEG2_SEQUENCE,
  MPEG2_SEQUENCE_EXTENSION,
} from "./headers.ts";

const { f_code: F_CODE } = c.v4l2_ctrl_mpeg2_picture.fields;
const MATRIX_SIZE = 64;

function startCode(bits: BitWriter, code: number): void {
  bits.align();
  bits.bits(0x100 | code, 32);
}

function extension(bits: BitWriter, id: number): void {
  startCode(bits, MPEG2_EXTENSION);
  bits.bits(id, 4);
}

/**
 * Sequence header, sequence extension, and the header of a closed group of pictures: which of its
 * references a B-picture has the controls say. What is no part of decoding is made up.
 *
 * @throws {StreamError} no header can say what the control does
 */
export function writeMpeg2Sequence(
  bits: BitWriter,
  sequence: View<typeof c.v4l2_ctrl_mpeg2_sequence.fields>,
): void {
  const { horizontal_size, vertical_size } = sequence;
  startCode(bits, MPEG2_SEQUENCE);
  bits.bits(horizontal_size & 0xfff, 12);
  bits.bits(vertical_size & 0xfff, 12);
  // Square samples, 25 frames a second, any bit rate.
  bits.bits(1, 4);
  bits.bits(3, 4);
  bits.bits(0x3ffff, 18);
  bits.flag(true);
  // vbv_buffer_size_value, constrained_parameters_flag; the default matrices
  bits.bits(0, 10 + 1 + 2);
  extension(bits, MPEG2_SEQUENCE_EXTENSION);
  bits.bits(sequence.profile_and_level_indication, 8);
  bits.flag((sequence.flags & c.V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE) !== 0);
  bits.bits(sequence.chroma_format, 2);
  bits.bits(horizontal_size >> 12, 2);
  bits.bits(vertical_size >> 12, 2);
  bits.bits(0, 12);
  bits.flag(true);
  // vbv_buffer_size_extension, low_delay, frame_rate_extension_n and _d
  bits.bits(0, 8 + 1 + 2 + 5);
  startCode(bits, MPEG2_GROUP);
  // A time of 0, with its marker bit; closed_gop, broken_link
  bits.bits(1, 1 + 5 + 6 + 1);
  bits.bits(0, 6 + 6);
  bits.bits(2, 2);
  bits.align();
}

/**
 * Picture header and picture coding extension.
 *
 * @throws {StreamError} no header can say what the control does
 */
export function writeMpeg2Picture(
  bits: BitWriter,
  picture: View<typeof c.v4l2_ctrl_mpeg2_picture.fields>,
): void {
  const { picture_coding_type: type, flags, bytes } = picture;
  startCode(bits, MPEG2_PICTURE);
  // temporal_reference: pictures are given out as they come
  bits.bits(0, 10);
  bits.bits(type, 3);
  bits.bits(0xffff, 16);
  // MPEG-1's motion vectors: forbidden values but for these
  if (type !== c.V4L2_MPEG2_PIC_CODING_TYPE_I) bits.bits(7, 1 + 3);
  if (type === c.V4L2_MPEG2_PIC_CODING_TYPE_B) bits.bits(7, 1 + 3);
  bits.flag(false);
  extension(bits, MPEG2_CODING_EXTENSION);
  for (let i = 0; i < 4; i++) bits.bits(bytes[F_CODE.offset + i], 4);
  bits.bits(picture.intra_dc_precision, 2);
  bits.bits(picture.picture_structure, 2);
  bits.flag((flags & c.V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST) !== 0);
  bits.flag((flags & c.V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT) !== 0);
  bits.flag((flags & c.V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV) !== 0);
  bits.flag((flags & c.V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE) !== 0);
  bits.flag((flags & c.V4L2_MPEG2_PIC_FLAG_INTRA_VLC) !== 0);
  bits.flag((flags & c.V4L2_MPEG2_PIC_FLAG_ALT_SCAN) !== 0);
  bits.flag((flags & c.V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST) !== 0);
  // chroma_420_type is progressive_frame
  const progressive = (flags & c.V4L2_MPEG2_PIC_FLAG_PROGRESSIVE) !== 0;
  bits.flag(progressive);
  bits.flag(progressive);
  // composite_display_flag
  bits.flag(false);
  bits.align();
}

/**
 * The quantiser matrices of luma, and of chroma where that is 4:2:0.
 *
 * @throws {StreamError} there is a 0 in one
 */
export function writeMpeg2Matrices(
  bits: BitWriter,
  { bytes }: View<typeof c.v4l2_ctrl_mpeg2_quantisation.fields>,
): void {
  extension(bits, MPEG2_MATRIX_EXTENSION);
  for (let at = 0; at < 2 * MATRIX_SIZE; at++) {
    // load_intra_quantiser_matrix, load_non_intra_quantiser_matrix
    if (at % MATRIX_SIZE === 0) bits.flag(true);
    if (bytes[at] === 0) throw new StreamError("a quantiser of 0");
    bits.bits(bytes[at], 8);
  }
  // Those of chroma
  bits.bits(0, 2);
  bits.align();
}
