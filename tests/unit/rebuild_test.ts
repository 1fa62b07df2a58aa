import { assert, assertEquals, assertThrows } from "@std/assert";
import { processorSeconds } from "./processor_time.ts";
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import type { FrameControls, Rebuilder } from "../../daemon/rebuild/rebuilder.ts";
import { Av1Rebuilder } from "../../daemon/rebuild/av1.ts";
import { H264Rebuilder } from "../../daemon/rebuild/h264.ts";
import { Mpeg2Rebuilder } from "../../daemon/rebuild/mpeg2.ts";
import { Vp8Rebuilder } from "../../daemon/rebuild/vp8.ts";
import { Vp9Rebuilder } from "../../daemon/rebuild/vp9.ts";
import { nalUnits } from "../../lib/codec/annexb.ts";
import * as av1 from "../../lib/uapi/v4l2_controls_av1.ts";
import { Av1References } from "../../lib/codec/av1/references.ts";
import { BitReader } from "../../lib/codec/bits/reader.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import * as c from "../../lib/uapi/v4l2_controls_h264.ts";
import { FieldFinder } from "../../lib/codec/h264/fields.ts";
import { BOTH_FIELDS, BOTTOM_FIELD, TOP_FIELD } from "../../lib/codec/h264/slice.ts";
import { readPps, readSps } from "../../lib/codec/h264/sps.ts";
import { ppsUnit, spsUnit } from "../../lib/codec/h264/sps_writer.ts";
import * as vp8 from "../../lib/uapi/v4l2_controls_vp8.ts";
import * as vp9 from "../../lib/uapi/v4l2_controls_vp9.ts";
import * as mpeg2 from "../../lib/uapi/v4l2_controls_mpeg2.ts";
import { readMpeg2Headers } from "../../lib/codec/mpeg2/headers.ts";
import { type AccessUnit, readStream, StreamError } from "../../lib/codec/stream.ts";
import { concatenate } from "../../lib/files/files.ts";
import { TOP } from "../harness/field_samples.ts";
import { fieldControls, fieldTime } from "../harness/h264_field_client.ts";
import { codeFields, FIELD_STREAMS, type FieldStream } from "../harness/h264_field_streams.ts";
import type { FieldPicture } from "../harness/h264_fields.ts";
import { Mpeg2Client } from "../harness/mpeg2_client.ts";
import { frameControls, Vp8Client } from "../harness/vp8_client.ts";
import { singleFrames, Vp9Client } from "../harness/vp9_client.ts";
import { Av1Client, type Av1ClientFrame } from "../harness/av1_client.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const FOLDER = new URL("../../fixtures/streams/", import.meta.url);
const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
const fixture = (name: string): Bytes => Deno.readFileSync(new URL(name, FOLDER));

const bitsOf = (write: (bits: BitWriter) => void): string => {
  const bits = new BitWriter();
  write(bits);
  bits.stop();
  const text = [...bits.bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return text.slice(0, text.lastIndexOf("1"));
};

Deno.test("BitWriter: numbers as the specifications write them", () => {
  assertEquals(bitsOf((bits) => bits.bits(5, 4)), "0101");
  assertEquals(bitsOf((bits) => bits.bits(0xffff_ffff, 32)), "1".repeat(32));
  assertEquals(bitsOf((bits) => bits.signed(-3, 4)), "1101");
  // H.264, tables 9-2 and 9-3
  for (const [value, text] of [[0, "1"], [1, "010"], [2, "011"], [5, "00110"]] as const) {
    assertEquals(bitsOf((bits) => bits.exponential(value, 9)), text);
  }
  for (const [value, text] of [[1, "010"], [-1, "011"], [2, "00100"], [-2, "00101"]] as const) {
    assertEquals(bitsOf((bits) => bits.signedExponential(value)), text);
  }
  // AV1, section 4.10.7
  assertEquals([0, 1, 2, 3, 4].map((v) => bitsOf((bits) => bits.nonSymmetric(v, 5))), [
    "00",
    "01",
    "10",
    "110",
    "111",
  ]);
  const longest = 2 ** 32 - 2;
  const bits = new BitWriter();
  bits.exponential(longest, longest);
  bits.align();
  assertEquals(new BitReader(bits.bytes).exponential(), longest);
});

Deno.test("BitWriter: what a field cannot hold is refused", () => {
  const bits = new BitWriter();
  for (
    const write of [
      () => bits.bits(16, 4),
      () => bits.bits(-1, 4),
      () => bits.bits(NaN, 4),
      () => bits.signed(8, 4),
      () => bits.signed(-9, 4),
      () => bits.nonSymmetric(5, 5),
      () => bits.nonSymmetric(0, 0),
      () => bits.exponential(6, 5),
      () => bits.signedExponential(-(2 ** 31)),
    ]
  ) assertThrows(write, StreamError);
});

// H.264

const sequences = (file: Bytes) => {
  const units = [...nalUnits(file)];
  const sps = new Map(
    units.filter(({ type }) => type === 7).map(({ payload }) => {
      const read = readSps(payload);
      return [read.id, read];
    }),
  );
  const pps = units.filter(({ type }) => type === 8)
    .map(({ payload }) => readPps(payload, (id) => sps.get(id)));
  return { sps: [...sps.values()], pps };
};

const only = (unit: Bytes) => [...nalUnits(unit)].map(({ payload }) => payload)[0];

Deno.test("H.264: parameter sets are read back as the controls had them", () => {
  const bits = new BitWriter();
  for (const name of names.filter((name) => name.endsWith(".h264"))) {
    const { sps, pps } = sequences(fixture(name));
    assert(sps.length > 0 && pps.length > 0);
    const view = c.v4l2_ctrl_h264_sps.at(sps[0].control);
    for (const { control } of sps) {
      assertEquals(
        readSps(only(spsUnit(bits, c.v4l2_ctrl_h264_sps.at(control)))).control,
        control,
        name,
      );
    }
    for (const { control } of pps) {
      const unit = ppsUnit(
        bits,
        c.v4l2_ctrl_h264_pps.at(control),
        view,
        c.v4l2_ctrl_h264_scaling_matrix.alloc(),
      );
      assertEquals(readPps(only(unit), () => sps[0]).control, control, name);
    }
  }
});

Deno.test("H.264: all that a sequence parameter set can say", () => {
  const sps = c.v4l2_ctrl_h264_sps.alloc({
    profile_idc: 244,
    constraint_set_flags: 0x15,
    level_idc: 52,
    seq_parameter_set_id: 31,
    chroma_format_idc: 3,
    bit_depth_luma_minus8: 6,
    bit_depth_chroma_minus8: 2,
    log2_max_frame_num_minus4: 12,
    pic_order_cnt_type: 1,
    max_num_ref_frames: 16,
    num_ref_frames_in_pic_order_cnt_cycle: 255,
    offset_for_ref_frame: Array.from({ length: 255 }, (_, i) => i % 2 ? i * 8_000_000 : -i),
    offset_for_non_ref_pic: -(2 ** 31) + 1,
    offset_for_top_to_bottom_field: 2 ** 31 - 1,
    pic_width_in_mbs_minus1: 255,
    pic_height_in_map_units_minus1: 127,
    flags: 0x6f,
  });
  assertEquals(readSps(only(spsUnit(new BitWriter(), sps))).control, sps.bytes);
});

Deno.test("H.264: what no parameter set can say", () => {
  const bits = new BitWriter();
  const matrix = c.v4l2_ctrl_h264_scaling_matrix.alloc();
  const sps = { profile_idc: 100, chroma_format_idc: 1 };
  const wrong = [
    { seq_parameter_set_id: 32 },
    { chroma_format_idc: 4 },
    { bit_depth_luma_minus8: 7 },
    { log2_max_frame_num_minus4: 13 },
    { pic_order_cnt_type: 3 },
    { max_num_ref_frames: 17 },
    // The Main profile says nothing of chroma.
    { profile_idc: 77, chroma_format_idc: 0 },
  ];
  for (const values of wrong) {
    assertThrows(
      () => spsUnit(bits, c.v4l2_ctrl_h264_sps.alloc({ ...sps, ...values })),
      StreamError,
    );
  }
  for (
    const values of [
      { num_slice_groups_minus1: 1 },
      { num_ref_idx_l0_default_active_minus1: 32 },
      { weighted_bipred_idc: 4 },
      // Lists of zeros.
      { flags: c.V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT },
    ]
  ) {
    const pps = c.v4l2_ctrl_h264_pps.alloc(values);
    assertThrows(() => ppsUnit(bits, pps, c.v4l2_ctrl_h264_sps.alloc(sps), matrix), StreamError);
  }
});

Deno.test("H.264: scaling lists in zig-zag order", () => {
  // JVT's default lists, table 7-3, in the order of the scan.
  const scanned = [6, 13, 13, 20, 20, 20, 28, 28, 28, 28, 32, 32, 32, 37, 37, 42];
  // deno-fmt-ignore
  const raster = [6, 13, 20, 28, 13, 20, 28, 32, 20, 28, 32, 37, 28, 32, 37, 42];
  const scaling_list_4x4 = Array.from({ length: 96 }, (_, i) => raster[i % 16]);
  const scaling_list_8x8 = Array.from({ length: 384 }, (_, i) => 1 + i % 64);
  const flags = c.V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT |
    c.V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE;
  const pps = c.v4l2_ctrl_h264_pps.alloc({ flags });
  const sps = c.v4l2_ctrl_h264_sps.alloc({ profile_idc: 100, chroma_format_idc: 1 });
  const matrix = c.v4l2_ctrl_h264_scaling_matrix.alloc({ scaling_list_4x4, scaling_list_8x8 });
  const bits = new BitReader(only(ppsUnit(new BitWriter(), pps, sps, matrix)));
  // Up to transform_8x8_mode_flag: each is one bit, but for weighted_bipred_idc.
  assertEquals(bits.bits(16), 0b1_1_0_0_1_1_1_0_00_1_1_1_0_0_0);
  assertEquals(bits.bits(2), 3);
  const list = (size: number) => {
    assertEquals(bits.bit(), 1);
    let last = 8;
    return Array.from({ length: size }, () => last = (last + bits.signedExponential()) & 0xff);
  };
  for (let i = 0; i < 6; i++) assertEquals(list(16), scanned);
  for (let i = 0; i < 2; i++) {
    assertEquals(list(64).slice(0, 10), [1, 2, 9, 17, 10, 3, 4, 11, 18, 25]);
  }
});

/** Controls of a frame, as a list of payloads. */
const controlsOf = (...payloads: [id: number, payload: Bytes][]): FrameControls => {
  const map = new Map(payloads);
  return { find: (id) => map.get(id), timestampLow: 0, timestampHigh: 0 };
};

/**
 * A stream that has its headers in band, from wherever it begins, and another one behind it that has them
 * in a control, as its pictures have one, too.
 */
function staysAsItIs(
  make: () => Rebuilder,
  units: readonly AccessUnit[],
  control: number,
  picture: { readonly control: number; readonly size: number },
): void {
  const rebuilder = make();
  const payload = units[0].sequence.controls.find(({ id }) => id === control)!.payload.slice();
  // As it is until somebody sets it.
  const unset = controlsOf([control, new Uint8Array(payload.length)]);
  const set = controlsOf([control, payload], [picture.control, new Uint8Array(picture.size)]);
  const other = controlsOf(
    [control, payload],
    [picture.control, new Uint8Array(picture.size).fill(1)],
  );
  const [first, second] = units;
  assert(!rebuilder.isWhole(second.data, set), "headers are in a control");
  for (const { data } of units) assert(rebuilder.isWhole(data, set));
  rebuilder.flush();
  assert(rebuilder.isWhole(second.data, set), "as before it");
  rebuilder.flush();
  assert(!rebuilder.isWhole(second.data, other), "the next stream's are in a control again");
  assert(!rebuilder.isWhole(second.data, other));
  assert(make().isWhole(second.data, unset), "it begins in the middle, and nobody set a control");
  assert(make().isWhole(Uint8Array.of(0, 0, 0, ...first.data), set), "zeros in front");
}

Deno.test("H.264: parameter sets come first, and again when they are others", () => {
  const { sps: [sps], pps: [pps] } = sequences(fixture("h264-320x240.h264"));
  const other = c.v4l2_ctrl_h264_pps.at(pps.control.slice());
  other.pic_init_qp_minus26++;
  const withPps = (control: Bytes, startCode: number) =>
    controlsOf(
      [c.V4L2_CID_STATELESS_H264_SPS, sps.control],
      [c.V4L2_CID_STATELESS_H264_PPS, control],
      [c.V4L2_CID_STATELESS_H264_START_CODE, Uint8Array.of(startCode, 0, 0, 0)],
    );
  const slice = Uint8Array.of(0, 0, 1, 0x65, 0x88, 0x84);
  const rebuilder = new H264Rebuilder();
  const to = new Assembly();
  const types = (bytes: Bytes, controls: FrameControls) => {
    to.clear();
    rebuilder.add(to, bytes, controls);
    return [...nalUnits(to.bytes)].map(({ type }) => type);
  };
  const first = withPps(pps.control, 1);
  assert(!rebuilder.isWhole(slice, first));
  assertEquals(types(slice, first), [7, 8, 5]);
  assertEquals(types(slice, first), [5]);
  assertEquals(types(slice, withPps(other.bytes, 1)), [8, 5]);
  assertEquals(types(slice.subarray(3), withPps(other.bytes, 0)), [5]);
  assertThrows(() => types(slice, controlsOf()), StreamError);
  assertEquals(types(slice, first), [7, 8, 5]);
  rebuilder.flush();
  assertEquals(types(slice, first), [7, 8, 5]);
});

Deno.test("H.264: a stream with parameter sets of its own stays as it is", () => {
  staysAsItIs(
    () => new H264Rebuilder(),
    [...readStream(fixture("h264-320x240.h264"))],
    c.V4L2_CID_STATELESS_H264_SPS,
    {
      control: c.V4L2_CID_STATELESS_H264_DECODE_PARAMS,
      size: c.v4l2_ctrl_h264_decode_params.size,
    },
  );
});

Deno.test("H.264: of a picture that is given up nothing counts as sent", () => {
  const { sps: [sps], pps: [pps] } = sequences(fixture("h264-320x240.h264"));
  const controls = controlsOf(
    [c.V4L2_CID_STATELESS_H264_SPS, sps.control],
    [c.V4L2_CID_STATELESS_H264_PPS, pps.control],
  );
  const slice = Uint8Array.of(0, 0, 1, 0x65, 0x88, 0x84);
  const rebuilder = new H264Rebuilder();
  rebuilder.add(new Assembly(), slice, controls);
  rebuilder.giveUp();
  const to = new Assembly();
  rebuilder.add(to, slice, controls);
  assertEquals([...nalUnits(to.bytes)].map(({ type }) => type), [7, 8, 5]);
  // What is refused before it is anything takes no picture before it along.
  const params = c.v4l2_ctrl_h264_decode_params.alloc();
  const flags = c.V4L2_H264_DPB_ENTRY_FLAG_VALID | c.V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;
  Object.assign(c.v4l2_h264_dpb_entry.at(params.bytes, 0), { reference_ts: 0, flags });
  const p = Uint8Array.of(0, 0, 1, 0x61, 0x98, 0x84);
  const withParams = (pps: Bytes) => ({
    ...controlsOf(
      [c.V4L2_CID_STATELESS_H264_SPS, sps.control],
      [c.V4L2_CID_STATELESS_H264_PPS, pps],
      [c.V4L2_CID_STATELESS_H264_DECODE_PARAMS, params.bytes],
    ),
    timestampLow: 1,
  });
  const wrong = c.v4l2_ctrl_h264_pps.at(pps.control.slice());
  wrong.num_slice_groups_minus1 = 1;
  rebuilder.add(new Assembly(), slice, { ...withParams(pps.control), timestampLow: 0 });
  assertThrows(() => rebuilder.add(new Assembly(), p, withParams(wrong.bytes)), StreamError);
  rebuilder.giveUp();
  rebuilder.add(new Assembly(), p, withParams(pps.control));
  assert(!rebuilder.doubtful);
});

Deno.test("H.264: a picture is doubtful where FFmpeg may not have its reference", () => {
  const { sps: [sps], pps: [pps] } = sequences(fixture("h264-320x240.h264"));
  const gaps = c.v4l2_ctrl_h264_sps.at(sps.control.slice());
  gaps.flags |= c.V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED;
  // first_mb_in_slice is 0, slice_type 7, 5, 6
  const [idr, intra, p, b] = [[0x65, 0x88], [0x61, 0x88], [0x61, 0x98], [1, 0x9c]]
    .map((bytes) => Uint8Array.of(0, 0, 1, ...bytes, 0x84));
  const rebuilder = new H264Rebuilder();
  const to = new Assembly();
  const active = c.V4L2_H264_DPB_ENTRY_FLAG_VALID | c.V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;
  const controls = (time: number, names: number[], flags = active, control = sps.control) => {
    const params = c.v4l2_ctrl_h264_decode_params.alloc();
    for (const [i, reference_ts] of names.entries()) {
      const entry = c.v4l2_h264_dpb_entry.at(params.bytes, i * c.v4l2_h264_dpb_entry.size);
      Object.assign(entry, { reference_ts, flags });
    }
    const found = controlsOf(
      [c.V4L2_CID_STATELESS_H264_SPS, control],
      [c.V4L2_CID_STATELESS_H264_PPS, pps.control],
      [c.V4L2_CID_STATELESS_H264_DECODE_PARAMS, params.bytes],
    );
    return { ...found, timestampLow: time };
  };
  /** A picture of slices that come one by one. */
  const doubts = (slices: Bytes[], controls: FrameControls) => {
    to.clear();
    for (const slice of slices) rebuilder.add(to, slice, controls);
    return rebuilder.doubtful;
  };
  const add = (slices: Bytes[], controls: FrameControls) => assert(!doubts(slices, controls));
  const doubtful = (slices: Bytes[], controls: FrameControls) => assert(doubts(slices, controls));

  doubtful([p], controls(1, [77]));
  add([idr], controls(100, []));
  add([p], controls(101, [100]));
  add([b, p], controls(102, [100, 101]));
  // Never there, in a P and in a B slice, and in a later one.
  doubtful([p], controls(103, [100, 77]));
  doubtful([b], controls(103, [77]));
  add([p], controls(104, [103]));
  doubtful([p, intra], controls(105, [104, 77]));
  // What was doubtful is there, and what FFmpeg rejected is not.
  add([p], controls(106, [105]));
  add([p], controls(107, [105, 106]));
  rebuilder.reject();
  doubtful([p], controls(108, [107, 106]));
  // Once it has left the client's list it does not come back.
  add([p], controls(109, [108]));
  doubtful([p], controls(110, [106]));
  // What only waits to be shown is no reference.
  add([p], controls(111, [77], c.V4L2_H264_DPB_ENTRY_FLAG_VALID));
  // What an intra picture names is missed by none behind it, nor by its second field, which refers to it.
  doubtful([p], controls(112, [77, 111]));
  add([intra], controls(113, [77, 112]));
  add([p], controls(113, [77, 112, 113]));
  add([intra, p], controls(114, [77, 113]));
  add([p], controls(115, [77, 114]));
  // Nor does one that cannot be read refer to others.
  add([Uint8Array.of(0, 0, 1, 1)], controls(116, [78]));
  // Pictures that are not there on purpose FFmpeg makes up.
  add([p], controls(117, [116, 79], active, gaps.bytes));
  doubtful([p], controls(118, [117, 79]));
  add([idr], controls(119, [118]));
  doubtful([p], controls(120, [118]));
  rebuilder.flush();
  doubtful([p], controls(121, [119]));
});

Deno.test("H.264: of a frame one field may be there, and the other one not", () => {
  let together = true;
  const rebuild = (name: FieldStream, change: (picture: FieldPicture) => FieldPicture) => {
    const { encoder, coded } = codeFields(name);
    const rebuilder = new H264Rebuilder();
    const to = new Assembly();
    return coded.map((picture, at) => {
      if (!together || coded[at - 1]?.frame !== picture.frame) to.clear();
      const controls = fieldControls(encoder, change(picture));
      const frame = frameControls(BigInt(fieldTime(picture.frame)), controls);
      for (const slice of picture.slices) rebuilder.add(to, slice, frame);
      return rebuilder.doubtful;
    });
  };
  const naming = (fields: number) => (picture: FieldPicture) => ({
    ...picture,
    references: picture.references.map((one) => one.frame === 1 ? { ...one, fields } : one),
  });
  const lost = "a second field that is not there";
  // Pictures: both fields of frame 0, the first of frame 1, both of the others.
  const both = [false, false, false, true, true, false, false];
  for (together of [true, false]) {
    for (const name of Object.keys(FIELD_STREAMS) as FieldStream[]) {
      assert(rebuild(name, (picture) => picture).every((doubtful) => !doubtful), name);
    }
    assertEquals(rebuild(lost, naming(c.V4L2_H264_FRAME_REF)), both);
    assertEquals(rebuild(lost, naming(c.V4L2_H264_BOTTOM_FIELD_REF)), both);
    // Of the frame's first field alone: it is in the picture of both.
    const first = naming(c.V4L2_H264_FRAME_REF);
    const change = (picture: FieldPicture) => picture.parity === TOP ? first(picture) : picture;
    assertEquals(rebuild(lost, change), both);
    // The client does not say.
    assert(rebuild(lost, naming(0)).every((doubtful) => !doubtful));
  }
});

Deno.test("H.264: fields of a packet", () => {
  const { encoder, coded } = codeFields("frames between fields");
  const [top, bottom, frame] = coded.map(({ slices }) => concatenate(slices));
  const finder = new FieldFinder();
  const broken = Uint8Array.from(bottom);
  // Zeros where its first number is.
  broken.fill(0, 4, 9);
  assertEquals(finder.fieldsIn(concatenate([encoder.parameterSets, top])), TOP_FIELD);
  assertEquals(finder.fieldsIn(bottom), BOTTOM_FIELD);
  assertEquals(finder.fieldsIn(concatenate([top, bottom])), BOTH_FIELDS);
  assertEquals(finder.fieldsIn(frame), BOTH_FIELDS);
  assertEquals(finder.fieldsIn(encoder.parameterSets), 0);
  assert(!finder.broken);
  assertEquals(finder.fieldsIn(concatenate([top, broken])), TOP_FIELD);
  assert(finder.broken);
  assertEquals(finder.fieldsIn(bottom), BOTTOM_FIELD);
  assert(!finder.broken);
  // Where there are no fields nothing else is looked at.
  const progressive = new FieldFinder();
  for (const { data } of readStream(fixture("h264-320x240.h264"))) {
    assertEquals(progressive.fieldsIn(data), BOTH_FIELDS);
  }
});

// AV1

const av1Streams = names.filter((name) => /^av1.*ivf$/.test(name));

const clientFrames = (name: string): Av1ClientFrame[] => {
  const reader = new Av1Client();
  return [...readStream(fixture(name))].flatMap(({ data }) => reader.read(data));
};

/** Which references a frame has is said in a decoder's slots, not in the client's. */
const FREE = new Set(["ref_frame_idx", "reference_frame_ts", "refresh_frame_flags"]);

Deno.test("AV1: headers are read back as the controls had them", () => {
  for (const name of av1Streams) {
    const rebuilder = new Av1Rebuilder();
    const reader = new Av1Client();
    const to = new Assembly();
    for (const { coded } of clientFrames(name)) {
      if (!coded) continue;
      to.clear();
      assert(!rebuilder.isWhole(coded.data, coded.controls));
      rebuilder.add(to, coded.data, coded.controls);
      const [again, ...more] = reader.read(to.bytes.slice());
      assertEquals([again.shown, more.length], [true, 0]);
      const frames = [coded, again.coded!].map(({ controls }) =>
        av1.v4l2_ctrl_av1_frame.at(controls.find(av1.V4L2_CID_STATELESS_AV1_FRAME)!)
      );
      for (const key of Object.keys(av1.v4l2_ctrl_av1_frame.fields) as (keyof typeof frames[0])[]) {
        if (!FREE.has(key)) assertEquals(frames[1][key], frames[0][key], `${name}: ${key}`);
      }
    }
  }
});

Deno.test("AV1: a temporal unit stays as it is", () => {
  const rebuilder = new Av1Rebuilder();
  const none = controlsOf(
    [av1.V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY, new Uint8Array(16)],
  );
  assert(rebuilder.isWhole(new Uint8Array(), none));
  assert(rebuilder.isWhole(new Uint8Array(), controlsOf()));
});

Deno.test("AV1: a frame stays in its slot as long as the client has it", () => {
  const references = new Av1References();
  const motion = new Int32Array(48);
  references.put(0xff, 1000, 0, 0, motion);
  const client = new Uint32Array(16);
  const has = (timestamps: number[]) => timestamps.forEach((time, i) => client[2 * i] = time);
  has([1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000]);
  for (let i = 1; i < 8; i++) {
    references.put(1 << references.free(client, 1 << i), 1000 + i, 0, i, motion);
    client[2 * i] = 1000 + i;
  }
  // All eight are there.
  for (let i = 0; i < 8; i++) assert(references.find(1000 + i, 0) >= 0);
  assertEquals(references.find(1000, 1), -1);
  // The client showed frame 1003 again, a key frame: it is in all of its slots.
  has(new Array(8).fill(1003));
  const slot = references.find(1003, 0);
  for (let i = 0; i < 7; i++) {
    references.put(1 << references.free(client, 1 << i), 2000 + i, 0, i, motion);
    client[2 * i] = 2000 + i;
    assertEquals(references.find(1003, 0), slot);
  }
  for (let i = 0; i < 7; i++) assert(references.find(2000 + i, 0) >= 0);
});

Deno.test("AV1: nothing refers to what FFmpeg rejected, or had before a seek", () => {
  const frames = clientFrames("av1-320x240.ivf").flatMap(({ coded }) => coded ? [coded] : []);
  for (const forget of ["reject", "flush"] as const) {
    const rebuilder = new Av1Rebuilder();
    const add = (at: number) => rebuilder.add(new Assembly(), frames[at].data, frames[at].controls);
    add(0);
    rebuilder[forget]();
    assertThrows(() => add(1), StreamError, "not there");
    add(0);
    add(1);
  }
});

Deno.test("AV1: a frame that is refused takes none of the others with it", () => {
  const frames = clientFrames("av1-320x240.ivf").flatMap(({ coded }) => coded ? [coded] : []);
  const rebuilder = new Av1Rebuilder();
  const add = (at: number, data = frames[at].data) =>
    rebuilder.add(new Assembly(), data, frames[at].controls);
  add(0);
  assertThrows(() => add(1, frames[1].data.subarray(0, 1)), StreamError, "not in the buffer");
  rebuilder.giveUp();
  add(1);
  // One that was to be kept is not what the slots have any more.
  rebuilder.giveUp();
  assertThrows(() => add(2), StreamError, "not there");
});

/** A frame, and what a client sends with it. */
interface Sent<Control> {
  readonly data: Bytes;
  readonly control: Control;
  readonly controls: FrameControls;
}

/** The frames with the control that a client has for each. */
function sentFrames<Control extends { readonly bytes: Bytes }>(
  frames: readonly { readonly data: Bytes }[],
  client: { control(frame: Bytes, time: bigint): Control },
  id: number,
): Sent<Control>[] {
  return frames.map(({ data }, number) => {
    const time = BigInt(number + 1) << 30n;
    const control = client.control(data, time);
    return { data, control, controls: frameControls(time, [{ id, payload: control.bytes }]) };
  });
}

/** Adds frames by their number. */
const adding = (rebuilder: Rebuilder, frames: readonly Sent<unknown>[]) => (at: number) =>
  rebuilder.add(new Assembly(), frames[at].data, frames[at].controls);

/** The second frame refers to the first one, the third to the second. */
function expectRefused<Control>(
  make: () => Rebuilder,
  read: () => Sent<Control>[],
  wrong: readonly ((control: Control) => void)[],
  resize: (control: Control) => void,
): void {
  for (const change of wrong) {
    const frames = read();
    const add = adding(make(), frames);
    add(0);
    change(frames[1].control);
    assertThrows(() => add(1), StreamError);
    // What refers to that frame has nothing to refer to.
    assertThrows(() => add(2), StreamError, "reference");
    add(0);
  }
  const frames = read();
  resize(frames[0].control);
  assertThrows(() => adding(make(), frames)(0), StreamError, "another frame's");
}

function expectForgotten(make: () => Rebuilder, frames: readonly Sent<unknown>[]): void {
  for (const forget of ["reject", "flush"] as const) {
    const rebuilder = make();
    const add = adding(rebuilder, frames);
    add(0);
    add(1);
    rebuilder[forget]!(false);
    assertThrows(() => add(2), StreamError, "reference");
    add(0);
    add(1);
  }
}

// VP8

type Vp8Control = ReturnType<Vp8Client["control"]>;

const vp8Frames = (name: string): Sent<Vp8Control>[] =>
  sentFrames([...readStream(fixture(name))], new Vp8Client(), vp8.V4L2_CID_STATELESS_VP8_FRAME);

Deno.test("VP8: a frame stays as it is where its control names FFmpeg's references", () => {
  const frames = vp8Frames("stateful/vp8-hidden.ivf");
  // Not all of them have the same.
  const golden = new Set(frames.map(({ control }) => control.golden_frame_ts));
  const alternate = new Set(frames.map(({ control }) => control.alt_frame_ts));
  assert(golden.size > 2 && alternate.size > 2, `${golden.size}, ${alternate.size}`);
  const rebuilder = new Vp8Rebuilder();
  const to = new Assembly();
  for (const { data, controls } of frames) {
    to.clear();
    assert(!rebuilder.isWhole(data, controls));
    rebuilder.add(to, data, controls);
    assertEquals(to.bytes, data);
  }
});

Deno.test("VP8: a control of another frame, or with other references, is refused", () => {
  const wrong: ((control: Vp8Control) => void)[] = [
    (control) => control.last_frame_ts++,
    (control) => control.golden_frame_ts += 1n << 32n,
    (control) => control.alt_frame_ts = 0n,
    (control) => control.flags |= vp8.V4L2_VP8_FRAME_FLAG_KEY_FRAME,
    (control) => control.first_part_size++,
  ];
  const resize = (control: Vp8Control) => control.width++;
  expectRefused(
    () => new Vp8Rebuilder(),
    () => vp8Frames("stateful/vp8-322x182.ivf"),
    wrong,
    resize,
  );
});

Deno.test("VP8: nothing refers to what FFmpeg rejected, or had before a seek", () => {
  expectForgotten(() => new Vp8Rebuilder(), vp8Frames("stateful/vp8-322x182.ivf"));
});

Deno.test("VP8: without a frame's control nothing is known of its references", () => {
  const frames = vp8Frames("stateful/vp8-322x182.ivf");
  const rebuilder = new Vp8Rebuilder();
  const none = vp8.v4l2_ctrl_vp8_frame.alloc({ num_dct_parts: 1 });
  for (const { data } of frames) {
    assert(rebuilder.isWhole(data, controlsOf()));
    assert(
      rebuilder.isWhole(data, controlsOf([vp8.V4L2_CID_STATELESS_VP8_FRAME, none.bytes])),
    );
  }
  const { data, controls } = frames[1];
  assertThrows(() => rebuilder.add(new Assembly(), data, controls), StreamError, "reference");
});

// VP9

type Vp9Control = ReturnType<Vp9Client["control"]>;

/** Those in superframes, too. */
const vp9Frames = (name: string): Sent<Vp9Control>[] =>
  sentFrames(
    singleFrames([...readStream(fixture(name))]),
    new Vp9Client(),
    vp9.V4L2_CID_STATELESS_VP9_FRAME,
  );

Deno.test("VP9: a frame stays as it is where its control names FFmpeg's references", () => {
  for (const name of names.filter((name) => /^vp9.*ivf$/.test(name))) {
    const frames = vp9Frames(name);
    const rebuilder = new Vp9Rebuilder();
    const to = new Assembly();
    for (const { data, control, controls } of frames) {
      to.clear();
      // One that shows an earlier frame has no headers.
      assertEquals(rebuilder.isWhole(data, controls), control.uncompressed_header_size === 0);
      rebuilder.add(to, data, controls);
      assertEquals(to.bytes, data);
    }
  }
  const alternate = vp9Frames("vp9-320x240.ivf").map(({ control }) => control.alt_frame_ts);
  assert(new Set(alternate).size > 1, "no frame is an alternate reference but the first one");
});

Deno.test("VP9: a control of another frame, or with other references, is refused", () => {
  const wrong: ((control: Vp9Control) => void)[] = [
    (control) => control.last_frame_ts++,
    (control) => control.golden_frame_ts += 1n << 32n,
    (control) => control.alt_frame_ts = 0n,
    (control) => control.flags |= vp9.V4L2_VP9_FRAME_FLAG_KEY_FRAME,
  ];
  const resize = (control: Vp9Control) => control.frame_width_minus_1++;
  expectRefused(() => new Vp9Rebuilder(), () => vp9Frames("vp9-322x182.ivf"), wrong, resize);
});

Deno.test("VP9: nothing refers to what FFmpeg rejected, or had before a seek", () => {
  expectForgotten(() => new Vp9Rebuilder(), vp9Frames("vp9-322x182.ivf"));
});

Deno.test("VP9: without a frame's control nothing is known of its references", () => {
  const [{ data, sequence: { controls: [{ payload }] } }] = readStream(fixture("vp9-322x182.ivf"));
  const rebuilder = new Vp9Rebuilder();
  assert(rebuilder.isWhole(data, controlsOf()));
  // What decode-file gives says what all frames are.
  assert(rebuilder.isWhole(data, controlsOf([vp9.V4L2_CID_STATELESS_VP9_FRAME, payload])));
  const second = vp9Frames("vp9-322x182.ivf")[1];
  assertThrows(
    () => rebuilder.add(new Assembly(), second.data, second.controls),
    StreamError,
    "reference",
  );
});

Deno.test("VP9: several frames have no control in common", () => {
  const superframe = [...readStream(fixture("vp9-320x240.ivf"))]
    .find(({ data }) => singleFrames([{ data, displayIndex: 0 }]).length > 1);
  assert(superframe !== undefined);
  const [{ controls }] = vp9Frames("vp9-320x240.ivf");
  const add = () => new Vp9Rebuilder().add(new Assembly(), superframe.data, controls);
  assertThrows(add, StreamError, "several frames");
});

// MPEG-2

const MPEG2_STREAMS = ["stateful/mpeg2-322x182.m2v", "stateful/mpeg2-interlaced.m2v"];

/** The pictures of a stream as a client sends them. */
const mpeg2Pictures = (name: string) => {
  const client = new Mpeg2Client();
  return [...readStream(fixture(name))].map(({ data }, number) => {
    const time = BigInt(number + 1) << 30n;
    const { slices, picture, controls } = client.parts(data, time);
    return { slices, picture, time, controls };
  });
};

type SentPicture = ReturnType<typeof mpeg2Pictures>[0];

const addMpeg2 = (rebuilder: Mpeg2Rebuilder, to: Assembly, sent: SentPicture) =>
  rebuilder.add(to, sent.slices, frameControls(sent.time, sent.controls));

Deno.test("MPEG-2: headers are read back as the controls had them", () => {
  for (const name of MPEG2_STREAMS) {
    const rebuilder = new Mpeg2Rebuilder();
    const again = new Mpeg2Client();
    const to = new Assembly();
    for (const [number, sent] of mpeg2Pictures(name).entries()) {
      to.clear();
      assert(!rebuilder.isWhole(sent.slices, frameControls(sent.time, sent.controls)));
      addMpeg2(rebuilder, to, sent);
      const { slices, controls } = again.parts(to.bytes.slice(), sent.time);
      assertEquals(slices, sent.slices);
      // What is no part of decoding is made up.
      const sequence = mpeg2.v4l2_ctrl_mpeg2_sequence.at(sent.controls[0].payload.slice());
      sequence.vbv_buffer_size = 0;
      assertEquals(controls[0].payload, sequence.bytes, name);
      assertEquals(controls.slice(1), sent.controls.slice(1), name);
      // A sequence's only once.
      assertEquals(readMpeg2Headers(to.bytes).sequence !== undefined, number === 0);
    }
  }
});

Deno.test("MPEG-2: bits of the headers, as section 6.2 has them", () => {
  const [sent] = mpeg2Pictures(MPEG2_STREAMS[0]);
  const sequence = mpeg2.v4l2_ctrl_mpeg2_sequence.at(sent.controls[0].payload);
  Object.assign(sequence, {
    horizontal_size: 0x1abc,
    vertical_size: 0x2def,
    profile_and_level_indication: 0x48,
    chroma_format: 1,
    flags: mpeg2.V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE,
  });
  Object.assign(sent.picture, {
    f_code: [1, 2, 3, 4],
    intra_dc_precision: 2,
    picture_structure: 3,
    flags: mpeg2.V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST | mpeg2.V4L2_MPEG2_PIC_FLAG_ALT_SCAN |
      mpeg2.V4L2_MPEG2_PIC_FLAG_PROGRESSIVE,
  });
  const to = new Assembly();
  addMpeg2(new Mpeg2Rebuilder(), to, sent);
  // deno-fmt-ignore
  assertEquals([...to.bytes.subarray(0, 12 + 10 + 8 + 8 + 9)], [
    0, 0, 1, 0xb3, 0xab, 0xcd, 0xef, 0x13, 0xff, 0xff, 0xe0, 0x00,
    0, 0, 1, 0xb5, 0x14, 0x8a, 0xc0, 0x01, 0x00, 0x00,
    0, 0, 1, 0xb8, 0x00, 0x08, 0x00, 0x40,
    0, 0, 1, 0x00, 0x00, 0x0f, 0xff, 0xf8,
    0, 0, 1, 0xb5, 0x81, 0x23, 0x4b, 0x85, 0x80,
  ]);
});

Deno.test("MPEG-2: other matrices are sent with the picture, and another sequence before it", () => {
  const sent = mpeg2Pictures(MPEG2_STREAMS[0]);
  const rebuilder = new Mpeg2Rebuilder();
  const codes = (picture: SentPicture) => {
    const to = new Assembly();
    addMpeg2(rebuilder, to, picture);
    const client = new Mpeg2Client();
    const { controls } = client.parts(to.bytes.slice(), 0n);
    const { sequence } = readMpeg2Headers(to.bytes);
    return [sequence !== undefined, controls[2].payload];
  };
  const matrices = sent[0].controls[2].payload;
  assertEquals(codes(sent[0]), [true, matrices]);
  const other = matrices.map((_, at) => at < 128 ? 255 - at : 0);
  sent[1].controls[2] = { ...sent[1].controls[2], payload: other };
  assertEquals(codes(sent[1]), [false, other]);
  mpeg2.v4l2_ctrl_mpeg2_sequence.at(sent[2].controls[0].payload).profile_and_level_indication ^= 1;
  assertEquals(codes(sent[2]), [true, matrices]);
});

Deno.test("MPEG-2: what no header can say", () => {
  const wrong: ((sent: SentPicture) => void)[] = [
    ({ picture }) => picture.f_code = [16, 1, 1, 1],
    ({ picture }) => picture.intra_dc_precision = 4,
    ({ picture }) => picture.picture_coding_type = 8,
    ({ controls }) => controls[0].payload.fill(0xff),
    ({ controls }) => controls[2].payload[5] = 0,
    ({ controls }) => void controls.splice(1, 1),
    ({ controls }) => controls[0] = { ...controls[0], payload: controls[0].payload.slice(1) },
  ];
  for (const change of wrong) {
    const rebuilder = new Mpeg2Rebuilder();
    const [sent] = mpeg2Pictures(MPEG2_STREAMS[0]);
    change(sent);
    assertThrows(() => addMpeg2(rebuilder, new Assembly(), sent), StreamError);
    // The next one has all headers.
    const to = new Assembly();
    addMpeg2(rebuilder, to, mpeg2Pictures(MPEG2_STREAMS[0])[0]);
    assert(readMpeg2Headers(to.bytes).sequence);
  }
});

Deno.test("MPEG-2: a reference that FFmpeg does not have is refused", () => {
  // I P B B P
  const wrong: [number, (sent: SentPicture) => void][] = [
    [1, ({ picture }) => picture.forward_ref_ts++],
    [2, ({ picture }) => picture.forward_ref_ts = picture.backward_ref_ts],
    [2, ({ picture }) => picture.backward_ref_ts += 1n << 32n],
  ];
  for (const [number, change] of wrong) {
    const sent = mpeg2Pictures(MPEG2_STREAMS[0]);
    assertEquals(sent.slice(0, 3).map(({ picture }) => picture.picture_coding_type), [1, 2, 3]);
    const rebuilder = new Mpeg2Rebuilder();
    for (const before of sent.slice(0, number)) addMpeg2(rebuilder, new Assembly(), before);
    change(sent[number]);
    assertThrows(() => addMpeg2(rebuilder, new Assembly(), sent[number]), StreamError, "reference");
  }
  for (const forget of ["reject", "flush"] as const) {
    const sent = mpeg2Pictures(MPEG2_STREAMS[0]);
    const rebuilder = new Mpeg2Rebuilder();
    addMpeg2(rebuilder, new Assembly(), sent[0]);
    addMpeg2(rebuilder, new Assembly(), sent[1]);
    rebuilder[forget]();
    for (const behind of sent.slice(2, 5)) {
      assertThrows(() => addMpeg2(rebuilder, new Assembly(), behind), StreamError, "reference");
    }
  }
});

Deno.test("MPEG-2: B-pictures before all others have one reference, and name no other", () => {
  const [first, , b] = mpeg2Pictures(MPEG2_STREAMS[0]);
  b.picture.backward_ref_ts = first.time;
  for (const [forward, right] of [[2n ** 64n - 1n, true], [first.time, false], [0n, false]]) {
    const rebuilder = new Mpeg2Rebuilder();
    addMpeg2(rebuilder, new Assembly(), first);
    b.picture.forward_ref_ts = forward as bigint;
    const add = () => addMpeg2(rebuilder, new Assembly(), b);
    if (right) add();
    else assertThrows(add, StreamError, "reference");
  }
});

Deno.test("MPEG-2: fields of a frame, in one packet or in two", () => {
  const [first, second] = mpeg2Pictures(MPEG2_STREAMS[0]);
  const field = (sent: SentPicture, structure: number, time = first.time) => {
    const picture = mpeg2.v4l2_ctrl_mpeg2_picture.at(sent.picture.bytes.slice());
    picture.picture_structure = structure;
    picture.forward_ref_ts = first.time;
    const controls = sent.controls.with(1, { ...sent.controls[1], payload: picture.bytes });
    return { ...sent, picture, controls, time };
  };
  const [top, bottom] = [field(first, 1), field(second, 2)];
  const rebuilder = new Mpeg2Rebuilder();
  const to = new Assembly();
  addMpeg2(rebuilder, to, top);
  const one = to.size;
  // Another slice of a field has no header.
  addMpeg2(rebuilder, to, top);
  assertEquals(to.size, one + top.slices.length);
  addMpeg2(rebuilder, to, bottom);
  to.clear();
  addMpeg2(rebuilder, to, top);
  to.clear();
  addMpeg2(rebuilder, to, bottom);
  // FFmpeg would take another frame's for the missing one, but where a sequence begins.
  to.clear();
  addMpeg2(rebuilder, to, top);
  to.clear();
  addMpeg2(rebuilder, to, field(first, 1, 7n));
  assert(readMpeg2Headers(to.bytes).sequence);
  to.clear();
  addMpeg2(rebuilder, to, field(second, 2, 7n));
  assertEquals(readMpeg2Headers(to.bytes).sequence, undefined);
  // What lacks a field is no reference, whether a frame is next or a field.
  addMpeg2(rebuilder, new Assembly(), field(first, 1, 8n));
  const named = field(second, 1, 9n);
  named.picture.forward_ref_ts = 8n;
  assertThrows(() => addMpeg2(rebuilder, new Assembly(), named), StreamError, "reference");
  rebuilder.giveUp();
  // A frame ends that.
  addMpeg2(rebuilder, new Assembly(), first);
});

Deno.test("MPEG-2: a stream with headers of its own stays as it is", () => {
  staysAsItIs(
    () => new Mpeg2Rebuilder(),
    [...readStream(fixture(MPEG2_STREAMS[0]))],
    mpeg2.V4L2_CID_STATELESS_MPEG2_SEQUENCE,
    {
      control: mpeg2.V4L2_CID_STATELESS_MPEG2_PICTURE,
      size: mpeg2.v4l2_ctrl_mpeg2_picture.size,
    },
  );
});

// What a client may give

/** The same numbers each time. */
function random(seed: number): () => number {
  return () => {
    seed = Math.imul(seed, 1_664_525) + 1_013_904_223 | 0;
    return (seed >>> 0) / 2 ** 32;
  };
}

/** Controls with some bytes wrong, or one control missing, or cut off. */
function damaged(controls: FrameControls, ids: readonly number[], next: () => number) {
  const payloads = new Map<number, Bytes>();
  for (const id of ids) {
    const payload = controls.find(id)?.slice();
    if (payload) payloads.set(id, payload);
  }
  const there = [...payloads.keys()];
  for (let changes = 1 + Math.floor(next() * 8); changes > 0; changes--) {
    const id = there[Math.floor(next() * there.length)];
    const payload = payloads.get(id)!;
    payload[Math.floor(next() * payload.length)] = Math.floor(next() * 256);
  }
  const id = there[Math.floor(next() * there.length)];
  const luck = next();
  if (luck < 0.05) payloads.delete(id);
  else if (luck < 0.1) payloads.set(id, payloads.get(id)!.slice(0, 8));
  const { timestampLow, timestampHigh } = controls;
  return { find: (id: number) => payloads.get(id), timestampLow, timestampHigh };
}

Deno.test("wrong bytes in controls give a packet or an error, soon", () => {
  const next = random(6);
  let refused = 0;
  const attempt = (add: () => void) => {
    try {
      add();
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      refused++;
    }
  };
  const begin = processorSeconds();
  const to = new Assembly();
  const av1Ids = [
    av1.V4L2_CID_STATELESS_AV1_SEQUENCE,
    av1.V4L2_CID_STATELESS_AV1_FRAME,
    av1.V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY,
    av1.V4L2_CID_STATELESS_AV1_FILM_GRAIN,
  ];
  const frames = clientFrames("av1-320x240.ivf").flatMap(({ coded }) => coded ? [coded] : []);
  for (let round = 0; round < 100; round++) {
    const rebuilder = new Av1Rebuilder();
    for (const { data, controls } of frames) {
      const bad = next() < 0.5 ? damaged(controls, av1Ids, next) : controls;
      to.clear();
      attempt(() => rebuilder.isWhole(data, bad) || rebuilder.add(to, data, bad));
    }
  }
  const { sps: [sps], pps: [pps] } = sequences(fixture("h264-320x240.h264"));
  const h264Ids = [
    c.V4L2_CID_STATELESS_H264_SPS,
    c.V4L2_CID_STATELESS_H264_PPS,
    c.V4L2_CID_STATELESS_H264_SCALING_MATRIX,
    c.V4L2_CID_STATELESS_H264_START_CODE,
  ];
  const good = controlsOf(
    [h264Ids[0], sps.control],
    [h264Ids[1], pps.control],
    [h264Ids[2], new Uint8Array(480).fill(16)],
    [h264Ids[3], new Uint8Array(4)],
  );
  const rebuilder = new H264Rebuilder();
  for (let round = 0; round < 3000; round++) {
    to.clear();
    attempt(() => rebuilder.add(to, Uint8Array.of(0x65, 1, 2), damaged(good, h264Ids, next)));
  }
  const pictures = mpeg2Pictures(MPEG2_STREAMS[1]);
  const frames8 = vp8Frames("stateful/vp8-hidden.ivf");
  const frames9 = vp9Frames("vp9-320x240.ivf");
  for (let round = 0; round < 100; round++) {
    const mpeg2Rebuilder = new Mpeg2Rebuilder();
    for (const { slices, time, controls } of pictures) {
      const good = frameControls(time, controls);
      const bad = next() < 0.5 ? damaged(good, controls.map(({ id }) => id), next) : good;
      to.clear();
      attempt(() => mpeg2Rebuilder.add(to, slices, bad));
    }
    const vp8Rebuilder = new Vp8Rebuilder();
    for (const { data, controls } of frames8) {
      const bad = next() < 0.5
        ? damaged(controls, [vp8.V4L2_CID_STATELESS_VP8_FRAME], next)
        : controls;
      to.clear();
      attempt(() => vp8Rebuilder.add(to, data, bad));
    }
    const vp9Rebuilder = new Vp9Rebuilder();
    for (const { data, controls } of frames9) {
      const bad = next() < 0.5
        ? damaged(controls, [vp9.V4L2_CID_STATELESS_VP9_FRAME], next)
        : controls;
      to.clear();
      attempt(() => vp9Rebuilder.add(to, data, bad));
    }
  }
  assert(refused > 1000 && refused < 11_000, `${refused} refused`);
  assert(processorSeconds() - begin < 60);
});

Deno.test("a picture that is too long is an error", () => {
  const to = new Assembly();
  const part = new Uint8Array(1 << 20);
  for (let i = 0; i < 64; i++) to.add(part);
  assertThrows(() => to.add(Uint8Array.of(1)), StreamError);
  assertEquals(to.size, 64 << 20);
});
