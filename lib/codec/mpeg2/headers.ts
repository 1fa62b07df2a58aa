/**
 * MPEG-2's headers, as far as a client of a decoder has to know them.
 * Source: ITU-T H.262, sections 6.2.1 to 6.2.3.
 *
 * @module
 */
import { behindStartCode } from "../annexb.ts";
import { BitReader } from "../bits/reader.ts";
import { StreamError } from "../stream_error.ts";
import {
  v4l2_ctrl_mpeg2_sequence,
  V4L2_MPEG2_PIC_FRAME,
  V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE,
} from "../../uapi/v4l2_controls_mpeg2.ts";

/** What follows 00 00 01, table 6-1. */
export const MPEG2_PICTURE = 0x00;
const LAST_SLICE = 0xaf;
export const MPEG2_SEQUENCE = 0xb3;
export const MPEG2_EXTENSION = 0xb5;
export const MPEG2_GROUP = 0xb8;

/** What an extension begins with, table 6-2. */
export const MPEG2_SEQUENCE_EXTENSION = 1;
export const MPEG2_MATRIX_EXTENSION = 3;
export const MPEG2_CODING_EXTENSION = 8;

/** Whether a slice follows a start code. */
export const isMpeg2Slice = (code: number) => code > MPEG2_PICTURE && code <= LAST_SLICE;

/** Sequence header and extension. */
export interface Mpeg2Sequence {
  /** `struct v4l2_ctrl_mpeg2_sequence` */
  readonly control: Uint8Array<ArrayBuffer>;
  /** There are no B-pictures. */
  readonly lowDelay: boolean;
}

/** What is in front of a picture's slices. */
export interface Mpeg2Headers {
  /** The sequence that begins here, if one does. */
  sequence?: Mpeg2Sequence;
  /** picture_coding_type: 1 of I, 2 of P, 3 of B; undefined where there is no picture. */
  type?: number;
  /** V4L2_MPEG2_PIC_TOP_FIELD, _BOTTOM_FIELD or _FRAME. */
  structure: number;
}

interface SequenceHeader {
  readonly width: number;
  readonly height: number;
  readonly vbvBufferSize: number;
}

function sequenceHeader(bits: BitReader): SequenceHeader {
  const width = bits.bits(12);
  const height = bits.bits(12);
  // aspect_ratio_information, frame_rate_code, bit_rate_value, marker_bit
  bits.bits(4 + 4);
  bits.bits(18 + 1);
  return { width, height, vbvBufferSize: bits.bits(10) };
}

function sequenceExtension(bits: BitReader, header: SequenceHeader): Mpeg2Sequence {
  const profile_and_level_indication = bits.bits(8);
  const flags = bits.flag() ? V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE : 0;
  const chroma_format = bits.bits(2);
  const horizontal_size = header.width + bits.bits(2) * 4096;
  const vertical_size = header.height + bits.bits(2) * 4096;
  if (horizontal_size === 0 || vertical_size === 0) {
    throw new StreamError(`a size of ${horizontal_size}x${vertical_size}`);
  }
  // bit_rate_extension, marker_bit
  bits.bits(12 + 1);
  const vbv_buffer_size = header.vbvBufferSize + bits.bits(8) * 1024;
  const control = v4l2_ctrl_mpeg2_sequence.alloc({
    horizontal_size,
    vertical_size,
    vbv_buffer_size,
    profile_and_level_indication,
    chroma_format,
    flags,
  });
  return { control: control.bytes, lowDelay: bits.flag() };
}

/**
 * Reads what is in front of a picture's first slice.
 *
 * @param bytes begin with its headers
 * @throws {StreamError} where one is cut off, or the extensions of MPEG-2 are missing
 */
export function readMpeg2Headers(bytes: Uint8Array): Mpeg2Headers {
  const read: Mpeg2Headers = { structure: 0 };
  let header: SequenceHeader | undefined;
  for (let at = behindStartCode(bytes); at >= 0; at = behindStartCode(bytes, at)) {
    const code = bytes[at];
    if (code === undefined || isMpeg2Slice(code)) break;
    const bits = new BitReader(bytes.subarray(at + 1));
    if (code === MPEG2_SEQUENCE) {
      header = sequenceHeader(bits);
    } else if (code === MPEG2_PICTURE) {
      // temporal_reference
      bits.bits(10);
      read.type = bits.bits(3);
    } else if (code === MPEG2_EXTENSION) {
      const extension = bits.bits(4);
      if (extension === MPEG2_SEQUENCE_EXTENSION && header) {
        read.sequence = sequenceExtension(bits, header);
      } else if (extension === MPEG2_CODING_EXTENSION) {
        // f_code, intra_dc_precision
        bits.bits(4 * 4 + 2);
        read.structure = bits.bits(2);
      }
    }
  }
  if (header && !read.sequence) throw new StreamError("MPEG-1, or no sequence extension");
  if (read.type !== undefined && read.structure === 0) {
    throw new StreamError("no picture coding extension");
  }
  return read;
}

/** Whether a picture is the other field of what the one before it is a field of. */
export function isOtherMpeg2Field(structure: number, before: number): boolean {
  // 1 and 2 are fields, 3 is both.
  return structure !== V4L2_MPEG2_PIC_FRAME && structure + before === V4L2_MPEG2_PIC_FRAME;
}
