/**
 * Fields as a stateless client sends them, each with its own controls: pictures of both, and of one that is
 * alone. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import { rebuilder } from "../../daemon/rebuild/choose.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { Decoder } from "../../lib/ffmpeg/decoder.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { concatenate } from "../../lib/files/files.ts";
import * as c from "../../lib/uapi/v4l2_controls_mpeg2.ts";
import { fieldControls, fieldTime } from "../harness/h264_field_client.ts";
import {
  codeFields,
  FIELD_STREAMS,
  fieldFile,
  type FieldStream,
} from "../harness/h264_field_streams.ts";
import type { FieldPicture } from "../harness/h264_fields.ts";
import { frameControls } from "../harness/vp8_client.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { decodePacket, sameSamples } from "./picture_digests.ts";
import { reference, Scratch } from "./streams.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const MAX_PIXELS = 1 << 20;

/** Whether the lines of one field of 64x64 pixels are the same in two pictures, as every other line of both. */
function sameField(a: Bytes, b: Bytes, parity: number): boolean {
  return a.every((sample, at) => (at >> 6) % 2 !== parity || sample === b[at]);
}

/** Pictures that FFmpeg's own decoder has of a stream with its headers in band. */
function wholeStream(scratch: Scratch, name: FieldStream): Bytes {
  const path = `${scratch.folder}/fields.h264`;
  Deno.writeFileSync(path, fieldFile(codeFields(name)));
  return reference(path, "nv12");
}

/** Frames of which there are both fields. */
function completeFrames(coded: readonly FieldPicture[]): Set<number> {
  const complete = coded.filter(({ frame, parity }, at) =>
    parity === undefined || at > 0 && coded[at - 1].frame === frame
  );
  return new Set(complete.map(({ frame }) => frame));
}

/** @param together whether both fields of a frame are in one packet, as where CAPTURE is held */
function checkH264Fields(ffmpeg: Ffmpeg, name: FieldStream, together: boolean): string {
  const { encoder, coded, pictures } = codeFields(name);
  using decoder = new Decoder(ffmpeg, "h264", MAX_PIXELS);
  const rebuilt = rebuilder("h264");
  const packet = new Assembly();
  let alone = 0;
  for (const [at, picture] of coded.entries()) {
    const { frame, parity, slices } = picture;
    const controls = frameControls(BigInt(fieldTime(frame)), fieldControls(encoder, picture));
    for (const slice of slices) rebuilt.add(packet, slice, controls);
    const more = coded[at + 1]?.frame === frame;
    if (together && more) continue;
    const decoded = decodePacket(ffmpeg, decoder, packet);
    packet.clear();
    expect(decoded !== undefined && !decoded.damaged, `frame ${frame} is not whole`);
    expect(!rebuilt.doubtful, `frame ${frame} is doubtful`);
    const { bytes } = decoded;
    const right = pictures[frame];
    if (!more) {
      expect(sameSamples(bytes, right), `frame ${frame} has other samples`);
      continue;
    }
    // Its own lines, twice.
    alone++;
    expect(sameField(bytes, right, parity!), `the first field of frame ${frame} is another`);
    const moved = new Uint8Array([...bytes.subarray(64), ...bytes.subarray(0, 64)]);
    expect(sameField(bytes, moved, 0), `frame ${frame} has lines of something else`);
  }
  return `${coded.length} pictures in ${pictures.length} frames` +
    (together ? "" : `, ${alone} first fields by themselves`);
}

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
const MPEG2_STREAMS = {
  "both fields": [[[1, 64], [2, 66]], [[2, 70], [1, 72]]],
  // It has no picture, and is no reference; those behind it have.
  "a second field that is not there": [[[1, 64], [2, 66]], [[1, 70]], [[1, 80], [2, 82]]],
  "the same, and the other one is first": [[[1, 64], [2, 66]], [[2, 70]], [[1, 80], [2, 82]]],
} as const;

function checkMpeg2Fields(ffmpeg: Ffmpeg, name: keyof typeof MPEG2_STREAMS): string {
  const sequence = c.v4l2_ctrl_mpeg2_sequence.alloc({
    horizontal_size: 160,
    vertical_size: 32,
    profile_and_level_indication: 0x48,
    chroma_format: 1,
  });
  const matrices = c.v4l2_ctrl_mpeg2_quantisation.alloc();
  matrices.bytes.fill(16);
  const bits = new BitWriter();
  const rebuilt = rebuilder("mpeg2");
  const packet = new Assembly();
  using decoder = new Decoder(ffmpeg, "mpeg2", MAX_PIXELS);
  const frames: readonly (readonly (readonly [number, number])[])[] = MPEG2_STREAMS[name];
  for (const [number, fields] of frames.entries()) {
    packet.clear();
    for (const [picture_structure, more] of fields) {
      const picture = c.v4l2_ctrl_mpeg2_picture.alloc({
        f_code: [15, 15, 15, 15],
        picture_coding_type: c.V4L2_MPEG2_PIC_CODING_TYPE_I,
        picture_structure,
      });
      const controls = [
        { id: c.V4L2_CID_STATELESS_MPEG2_SEQUENCE, payload: sequence.bytes },
        { id: c.V4L2_CID_STATELESS_MPEG2_PICTURE, payload: picture.bytes },
        { id: c.V4L2_CID_STATELESS_MPEG2_QUANTISATION, payload: matrices.bytes },
      ];
      rebuilt.add(packet, plainField(bits, more), frameControls(BigInt(number), controls));
    }
    const decoded = decodePacket(ffmpeg, decoder, packet);
    if (fields.length === 1) {
      expect(decoded === undefined, `there is a picture ${number}`);
      continue;
    }
    expect(decoded !== undefined && !decoded.damaged, `picture ${number} is not whole`);
    const luma = decoded.bytes.subarray(0, 160 * 32);
    for (const [structure, more] of fields) {
      const lines = luma.filter((_, at) => Math.floor(at / 160) % 2 === structure - 1);
      expect(lines.every((sample) => sample === 128 + more), `picture ${number}: other lines`);
    }
  }
  return `${frames.length} frames`;
}

export async function checkFields(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  for (const name of Object.keys(FIELD_STREAMS) as FieldStream[]) {
    for (const together of [true, false]) {
      const how = together ? "both fields in one packet" : "each field in its own";
      await suite.check(
        `fields: H.264, ${name}, ${how}`,
        () => checkH264Fields(ffmpeg, name, together),
      );
    }
    await suite.check(`fields: H.264, ${name}, as FFmpeg has the whole stream`, () => {
      const { coded, pictures } = codeFields(name);
      const complete = completeFrames(coded);
      const expected = concatenate(pictures.filter((_, frame) => complete.has(frame)));
      const got = wholeStream(scratch, name);
      expectEqual("bytes", got.length, expected.length);
      expect(sameSamples(got, expected), "FFmpeg has other samples");
      return `${complete.size} frames of both fields, in display order`;
    });
  }
  for (const name of Object.keys(MPEG2_STREAMS) as (keyof typeof MPEG2_STREAMS)[]) {
    await suite.check(`fields: MPEG-2, ${name}`, () => checkMpeg2Fields(ffmpeg, name));
  }
}
