/**
 * Streams as a stateless client sends them, parameter sets and headers in controls alone, decoded to
 * the same pictures as the streams themselves. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import { rebuilder } from "../../daemon/rebuild/choose.ts";
import { type AccessUnit, readStream } from "../../lib/codec/stream.ts";
import type { CodecName } from "../../lib/codec/codecs.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { Decoder } from "../../lib/ffmpeg/decoder.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { Packer, planes } from "../../lib/ffmpeg/packer.ts";
import * as c from "../../lib/uapi/v4l2_controls_mpeg2.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import { H264Client } from "../harness/h264_client.ts";
import { HevcClient } from "../harness/hevc_client.ts";
import { withSequenceSets } from "../harness/hevc_sequence_sets.ts";
import { Mpeg2Client } from "../harness/mpeg2_client.ts";
import { frameControls } from "../harness/vp8_client.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { Av1ControlsReader } from "../unit/av1_controls_reader.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const STREAMS = new URL("../../fixtures/streams/", import.meta.url).pathname;
const MAX_PIXELS = 1 << 20;

/** Decodes packets, and says of each what its picture is. */
class Digests implements Disposable {
  readonly #decoder: Decoder;

  constructor(readonly ffmpeg: Ffmpeg, codec: CodecName, readonly depth: number) {
    this.#decoder = new Decoder(ffmpeg, codec, MAX_PIXELS);
  }

  /** The picture's CRC; -1 where the packet has none, or is damaged. */
  of(packet: Bytes): number {
    const decoder = this.#decoder;
    decoder.take(Deno.UnsafePointer.of(packet)!, packet.length);
    const picture = decoder.decode();
    if (picture === undefined || decoder.damaged) return -1;
    const { width, height } = picture;
    const layout = this.depth > 8 ? "p010le" : "nv12";
    const stride = 4 * width;
    using memory = Mapping.anonymous(2 * stride * height);
    using packer = new Packer(this.ffmpeg, layout, width, height, [stride, stride]);
    expect(packer.fits(picture), `a picture of ${width}x${height} does not fit`);
    packer.pack(picture, planes(memory.address, memory.address + stride * height));
    return crc32(Buffer.from(memory.bytes), width * 65536 + height);
  }

  [Symbol.dispose](): void {
    this.#decoder[Symbol.dispose]();
  }
}

function checkH264(ffmpeg: Ffmpeg, units: readonly AccessUnit[], startCode: boolean): string {
  const { bitDepth } = units[0].sequence;
  using whole = new Digests(ffmpeg, "h264", bitDepth);
  using parts = new Digests(ffmpeg, "h264", bitDepth);
  const client = new H264Client(startCode);
  const rebuilt = rebuilder("h264");
  const packet = new Assembly();
  let count = 0;
  for (const [number, unit] of units.entries()) {
    const { slices, controls } = client.parts(unit.data);
    count += slices.length;
    packet.clear();
    for (const slice of slices) rebuilt.add(packet, slice, client.frameControls(controls));
    expectEqual(`picture ${number}`, parts.of(packet.bytes), whole.of(unit.data));
  }
  return `${units.length} pictures, ${count} slices`;
}

/** @param plain the same pictures, coded as they are known to be decoded */
function checkHevc(
  ffmpeg: Ffmpeg,
  units: readonly AccessUnit[],
  startCode: boolean,
  plain = units,
): string {
  const { bitDepth } = units[0].sequence;
  using whole = new Digests(ffmpeg, "hevc", bitDepth);
  using parts = new Digests(ffmpeg, "hevc", bitDepth);
  const client = new HevcClient(startCode);
  const rebuilt = rebuilder("hevc");
  const packet = new Assembly();
  let count = 0;
  for (const [number, unit] of units.entries()) {
    // Above 32 bits.
    const timestamp = (number + 1) * 1e9;
    const { slices, controls } = client.parts(unit.data, timestamp);
    count += slices.length;
    packet.clear();
    const frame = Uint8Array.from(slices.flatMap((slice) => [...slice]));
    rebuilt.add(packet, frame, client.frameControls(controls, timestamp));
    const expected = whole.of(plain[number].data);
    expect(expected >= 0, `picture ${number} is damaged`);
    expectEqual(`picture ${number}`, parts.of(packet.bytes), expected);
  }
  return `${units.length} pictures, ${count} slices`;
}

function checkAv1(ffmpeg: Ffmpeg, units: readonly AccessUnit[]): string {
  const { bitDepth } = units[0].sequence;
  using whole = new Digests(ffmpeg, "av1", bitDepth);
  using frames = new Digests(ffmpeg, "av1", bitDepth);
  const reader = new Av1ControlsReader();
  const rebuilt = rebuilder("av1");
  const packet = new Assembly();
  /** Pictures by their timestamps, for those that are shown again. */
  const pictures = new Map<number, number>();
  let hidden = 0;
  for (const [number, { data }] of units.entries()) {
    const expected = whole.of(data);
    for (const { coded, timestamp, shown } of reader.read(data)) {
      if (coded) {
        packet.clear();
        rebuilt.add(packet, coded.data, coded.controls);
        pictures.set(timestamp, frames.of(packet.bytes));
        expect(pictures.get(timestamp) !== -1, `unit ${number}: a frame has no picture`);
      }
      if (shown) expectEqual(`unit ${number}`, pictures.get(timestamp), expected);
      else hidden++;
    }
  }
  return `${units.length} pictures, ${hidden} hidden frames`;
}

function checkMpeg2(ffmpeg: Ffmpeg, units: readonly AccessUnit[]): string {
  using whole = new Digests(ffmpeg, "mpeg2", 8);
  using pictures = new Digests(ffmpeg, "mpeg2", 8);
  const client = new Mpeg2Client();
  const rebuilt = rebuilder("mpeg2");
  const packet = new Assembly();
  for (const [number, { data }] of units.entries()) {
    const time = BigInt(number + 1);
    const { slices, controls } = client.parts(data, time);
    packet.clear();
    rebuilt.add(packet, slices, frameControls(time, controls));
    const digest = pictures.of(packet.bytes);
    expect(digest !== -1, `picture ${number} is none`);
    expectEqual(`picture ${number}`, digest, whole.of(data));
  }
  return `${units.length} pictures`;
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

/** Fields, which no encoder of FFmpeg's makes: one of 192, then one of 128. */
function checkMpeg2Fields(ffmpeg: Ffmpeg): string {
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
  for (const [picture_structure, more] of [[1, 64], [2, 0]]) {
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
    rebuilt.add(packet, plainField(bits, more), frameControls(1n, controls));
  }
  using decoder = new Decoder(ffmpeg, "mpeg2", MAX_PIXELS);
  decoder.take(packet.pointer, packet.size);
  const picture = decoder.decode();
  expect(picture !== undefined && !decoder.damaged, "there is no whole picture");
  const { width, height } = picture;
  expectEqual("size", `${width}x${height}`, "160x32");
  using memory = Mapping.anonymous(2 * width * height);
  using packer = new Packer(ffmpeg, "nv12", width, height, [width, width]);
  packer.pack(picture, planes(memory.address, memory.address + width * height));
  for (let at = 0; at < width * height; at++) {
    const line = Math.floor(at / width);
    expectEqual(`sample ${at % width} of line ${line}`, memory.bytes[at], line % 2 ? 128 : 192);
  }
  return "lines of the first field 192, of the second 128";
}

/** How encoders name reference pictures that the fixtures were not made by. */
const NAMINGS = [
  ["sets of the sequence", { predicted: false, longTerm: false }],
  ["sets predicted from those of the sequence", { predicted: true, longTerm: false }],
  ["a long-term reference of the sequence", { predicted: true, longTerm: true }],
] as const;

async function checkNamings(suite: Suite, ffmpeg: Ffmpeg, file: string): Promise<void> {
  const bytes = Deno.readFileSync(STREAMS + file);
  for (const [what, naming] of NAMINGS) {
    await suite.check(`rebuilt: ${file} with ${what}`, () => {
      const units = [...readStream(withSequenceSets(bytes, naming))];
      // Motion vectors to long-term references are not scaled: those are other pictures.
      const plain = naming.longTerm ? units : [...readStream(bytes)];
      return checkHevc(ffmpeg, units, true, plain);
    });
  }
}

export async function checkRebuild(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  const files = ["", "stateful/"].flatMap((folder) =>
    [...Deno.readDirSync(STREAMS + folder)].map(({ name }) => folder + name)
  ).sort();
  for (const file of files.filter((name) => /^[^/]+\.(h264|ivf)$|\.(m2v|hevc)$/.test(name))) {
    const units = [...readStream(Deno.readFileSync(STREAMS + file))];
    const { codec } = units[0].sequence;
    if (codec === "h264" || codec === "hevc") {
      const check = codec === "h264" ? checkH264 : checkHevc;
      for (const startCode of [true, false]) {
        const form = startCode ? "with start codes" : "without start codes";
        await suite.check(`rebuilt: ${file} ${form}`, () => check(ffmpeg, units, startCode));
      }
      if (codec === "hevc") await checkNamings(suite, ffmpeg, file);
    } else if (codec === "av1") {
      await suite.check(`rebuilt: ${file}`, () => checkAv1(ffmpeg, units));
    } else if (codec === "mpeg2") {
      await suite.check(`rebuilt: ${file}`, () => checkMpeg2(ffmpeg, units));
    }
  }
  await suite.check("rebuilt: fields of MPEG-2", () => checkMpeg2Fields(ffmpeg));
}
