import { assert, assertEquals, assertThrows } from "@std/assert";
import { processorSeconds } from "./processor_time.ts";
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import { HevcRebuilder } from "../../daemon/rebuild/hevc.ts";
import type { FrameControls } from "../../daemon/rebuild/rebuilder.ts";
import { BitReader } from "../../lib/codec/bits/reader.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { hevcNals, isIdr, isSlice, NAL_PPS, NAL_SPS } from "../../lib/codec/hevc/nal.ts";
import { readPps, readSps, type SpsControl } from "../../lib/codec/hevc/parameter_sets.ts";
import { ppsUnit, spsUnit, vpsUnit } from "../../lib/codec/hevc/parameter_sets_writer.ts";
import { readShortTermSet, type ShortTermSet } from "../../lib/codec/hevc/reference_set.ts";
import { HeaderBytes, readSlice, type Slice } from "../../lib/codec/hevc/slice.ts";
import { withSets } from "../../lib/codec/hevc/slice_writer.ts";
import { ParameterSets } from "../../lib/codec/hevc/stream.ts";
import { readStream, StreamError } from "../../lib/codec/stream.ts";
import * as c from "../../lib/uapi/v4l2_controls_hevc.ts";
import { DEFAULT_MATRIX, HevcClient } from "../harness/hevc_client.ts";
import { withSequenceSets } from "../harness/hevc_sequence_sets.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const FOLDER = new URL("../../fixtures/streams/stateful/", import.meta.url);
const NAMES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
  .filter((name) => name.endsWith(".hevc")).sort();
const fixture = (name: string): Bytes => Deno.readFileSync(new URL(name, FOLDER));

const PARAMS = c.v4l2_ctrl_hevc_decode_params;
const ENTRY = c.v4l2_hevc_dpb_entry;

const only = (unit: Bytes) => [...hevcNals(unit)].map(({ bytes }) => bytes)[0];
const without = (control: Bytes): SpsControl => {
  const sps = c.v4l2_ctrl_hevc_sps.at(control.slice());
  sps.num_short_term_ref_pic_sets = sps.num_long_term_ref_pics_sps = 0;
  return sps;
};

/** Sizes as the streams were made, coded and visible; bits; pictures held back. */
const EXPECTED = [
  ["hevc-10bit.hevc", "160x120", "160x120", 10, 2, 10],
  ["hevc-320x240.hevc", "320x240", "320x240", 8, 2, 30],
  ["hevc-322x182.hevc", "328x184", "322x182", 8, 2, 12],
  ["hevc-resize.hevc", "160x120 224x160", "160x120 224x160", 8, 2, 12],
  ["hevc-slices.hevc", "320x240", "320x240", 8, 2, 16],
] as const;

Deno.test("HEVC: streams: each one committed is tested", () => {
  assertEquals(EXPECTED.map(([name]) => name), NAMES);
});

for (const [name, coded, visible, depth, reorder, frames] of EXPECTED) {
  Deno.test(`HEVC: streams: ${name}`, () => {
    const file = fixture(name);
    const units = [...readStream(file)];
    const indices = units.map(({ displayIndex }) => displayIndex);
    assertEquals(indices.toSorted((a, b) => a - b), Array.from({ length: frames }, (_, i) => i));
    const sequences = [...new Set(units.map(({ sequence }) => sequence))];
    const size = ({ width, height }: { width: number; height: number }) => `${width}x${height}`;
    assertEquals(sequences.map(size).join(" "), coded);
    assertEquals(sequences.map(({ crop }) => size(crop)).join(" "), visible);
    for (const sequence of sequences) {
      assertEquals(
        [sequence.codec, sequence.bitDepth, sequence.reorder, sequence.chroma],
        ["hevc", depth, reorder, "4:2:0"],
      );
    }
    const whole = units.reduce((sum, { data }) => sum + data.length, 0);
    assertEquals(whole, file.length);
    assertEquals(units.filter(({ key }) => key).length, sequences.length);
  });
}

/** Up to the second random access point, and from there on. */
const cut = (): [Bytes, Bytes] => {
  const file = fixture("hevc-slices.hevc");
  const units = [...readStream(file)].map(({ data }) => data);
  const at = units.findIndex((data) => [...hevcNals(data)].some(({ type }) => type === 21));
  const length = units.slice(0, at).reduce((sum, data) => sum + data.length, 0);
  return [file.slice(0, length), file.slice(length)];
};

Deno.test("HEVC: streams: what needs pictures before the beginning is left out", () => {
  const [, tail] = cut();
  const units = [...readStream(tail)];
  const types = units.map(({ data }) =>
    [...hevcNals(data)].find(({ type }) => isSlice(type))!.type
  );
  // A CRA picture, whose RASL pictures are left out; those of the one behind it are not.
  assertEquals(types.filter((type) => type === 21).length, 2);
  assertEquals(types.indexOf(8) > types.lastIndexOf(21), true);
  assertEquals(units[0].key, true);
  assertEquals(units.filter(({ key }) => key).length, 1);
  const indices = units.map(({ displayIndex }) => displayIndex);
  assertEquals(indices.toSorted((a, b) => a - b), units.map((_, i) => i));
});

Deno.test("HEVC: streams: behind an end of sequence a CRA picture begins anew", () => {
  const [head, tail] = cut();
  const joined = (
    between: number[],
  ) => [...readStream(Uint8Array.of(...head, ...between, ...tail))];
  const plain = joined([]);
  const ended = joined([0, 0, 1, 36 << 1, 1, 0x80]);
  assertEquals(plain.filter(({ key }) => key).length, 1);
  assertEquals(ended.filter(({ key }) => key).length, 2);
  assertEquals(plain.length - ended.length, 1, "the RASL picture of the first one");
});

Deno.test("HEVC: streams: a broken slice is told of, and the others are there", () => {
  const file = fixture("hevc-322x182.hevc");
  const slices = [...hevcNals(file)].filter(({ type }) => isSlice(type));
  // slice_pic_parameter_set_id becomes another one.
  slices[3].bytes[2] = 0x80;
  const lost: number[] = [];
  const units = [...readStream(file, "hevc", (_, number) => lost.push(number))];
  assertEquals([units.length, lost], [11, [3]]);
  assertThrows(() => [...readStream(file, "hevc")], StreamError, "NAL unit at byte");
});

// Parameter sets

Deno.test("HEVC: parameter sets are read back as the controls had them", () => {
  const bits = new BitWriter();
  for (const name of NAMES) {
    for (const { type, bytes } of hevcNals(fixture(name))) {
      if (type === NAL_SPS) {
        const sps = without(readSps(bytes).control.bytes);
        assertEquals(readSps(only(spsUnit(bits, sps))).control.bytes, sps.bytes, name);
      } else if (type === NAL_PPS) {
        const pps = readPps(bytes).control;
        const sps = c.v4l2_ctrl_hevc_sps.alloc({ seq_parameter_set_id: 3 });
        const again = readPps(only(ppsUnit(bits, pps, sps, DEFAULT_MATRIX)));
        assertEquals([again.control.bytes, again.spsId], [pps.bytes, 3], name);
      }
    }
  }
});

const ALL_SPS = {
  video_parameter_set_id: 15,
  seq_parameter_set_id: 15,
  pic_width_in_luma_samples: 4096,
  pic_height_in_luma_samples: 2304,
  bit_depth_luma_minus8: 2,
  bit_depth_chroma_minus8: 2,
  log2_max_pic_order_cnt_lsb_minus4: 12,
  sps_max_dec_pic_buffering_minus1: 15,
  sps_max_num_reorder_pics: 15,
  sps_max_latency_increase_plus1: 255,
  log2_min_luma_coding_block_size_minus3: 3,
  log2_diff_max_min_luma_coding_block_size: 3,
  log2_min_luma_transform_block_size_minus2: 3,
  log2_diff_max_min_luma_transform_block_size: 3,
  max_transform_hierarchy_depth_inter: 4,
  max_transform_hierarchy_depth_intra: 3,
  pcm_sample_bit_depth_luma_minus1: 15,
  pcm_sample_bit_depth_chroma_minus1: 14,
  log2_min_pcm_luma_coding_block_size_minus3: 2,
  log2_diff_max_min_pcm_luma_coding_block_size: 1,
  chroma_format_idc: 1,
  sps_max_sub_layers_minus1: 6,
  flags: 0x1fe,
};

const ALL_PPS = {
  pic_parameter_set_id: 63,
  num_extra_slice_header_bits: 7,
  num_ref_idx_l0_default_active_minus1: 14,
  num_ref_idx_l1_default_active_minus1: 13,
  init_qp_minus26: -26,
  diff_cu_qp_delta_depth: 3,
  pps_cb_qp_offset: -12,
  pps_cr_qp_offset: 12,
  num_tile_columns_minus1: 19,
  num_tile_rows_minus1: 21,
  column_width_minus1: [...Array.from({ length: 19 }, (_, i) => i), 0],
  row_height_minus1: [...Array.from({ length: 21 }, (_, i) => 255 - i), 0],
  pps_beta_offset_div2: -6,
  pps_tc_offset_div2: 6,
  log2_parallel_merge_level_minus2: 4,
  // All but pps_deblocking_filter_disabled_flag and uniform_spacing_flag, which take others out.
  flags: 0x0e_ffff,
};

Deno.test("HEVC: all that parameter sets can say", () => {
  const bits = new BitWriter();
  const sps = c.v4l2_ctrl_hevc_sps.alloc(ALL_SPS);
  assertEquals(readSps(only(spsUnit(bits, sps))).control.bytes, sps.bytes);
  const pps = c.v4l2_ctrl_hevc_pps.alloc(ALL_PPS);
  assertEquals(readPps(only(ppsUnit(bits, pps, sps, DEFAULT_MATRIX))).control.bytes, pps.bytes);
});

Deno.test("HEVC: what no parameter set can say", () => {
  const bits = new BitWriter();
  const refused = (values: Partial<typeof ALL_SPS>) =>
    assertThrows(() => {
      const sps = c.v4l2_ctrl_hevc_sps.alloc({ ...ALL_SPS, ...values });
      vpsUnit(bits, sps);
      spsUnit(bits, sps);
    }, StreamError);
  refused({ video_parameter_set_id: 16 });
  refused({ seq_parameter_set_id: 16 });
  refused({ sps_max_sub_layers_minus1: 7 });
  refused({ bit_depth_luma_minus8: 9 });
  refused({ log2_max_pic_order_cnt_lsb_minus4: 13 });
  refused({ sps_max_dec_pic_buffering_minus1: 16 });
  refused({ log2_min_luma_coding_block_size_minus3: 4 });
  refused({ pcm_sample_bit_depth_luma_minus1: 16 });
  const sps = c.v4l2_ctrl_hevc_sps.alloc({ ...ALL_SPS, flags: 0 });
  const zeros = c.v4l2_ctrl_hevc_scaling_matrix.alloc();
  const lists = c.v4l2_ctrl_hevc_sps.alloc(ALL_SPS);
  assertThrows(() => ppsUnit(bits, c.v4l2_ctrl_hevc_pps.alloc(), lists, zeros), StreamError);
  for (
    const values of [
      { pic_parameter_set_id: 64 },
      { num_extra_slice_header_bits: 8 },
      { num_ref_idx_l0_default_active_minus1: 15 },
      { num_tile_columns_minus1: 20 },
      { num_tile_rows_minus1: 22 },
      { log2_parallel_merge_level_minus2: 5 },
    ]
  ) {
    const pps = c.v4l2_ctrl_hevc_pps.alloc({ ...ALL_PPS, ...values });
    assertThrows(() => ppsUnit(bits, pps, sps, zeros), StreamError);
  }
});

Deno.test("HEVC: scaling lists in the order of the up-right diagonals", () => {
  const numbered = (lists: number, size: number) =>
    Array.from({ length: lists * size }, (_, i) => 1 + i % size);
  const matrix = c.v4l2_ctrl_hevc_scaling_matrix.alloc({
    scaling_list_4x4: numbered(6, 16),
    scaling_list_8x8: numbered(6, 64),
    scaling_list_16x16: numbered(6, 64),
    scaling_list_32x32: numbered(2, 64),
    scaling_list_dc_coef_16x16: [1, 2, 3, 4, 5, 255],
    scaling_list_dc_coef_32x32: [7, 8],
  });
  const flags = c.V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED;
  const unit = only(
    ppsUnit(
      new BitWriter(),
      c.v4l2_ctrl_hevc_pps.alloc(),
      c.v4l2_ctrl_hevc_sps.alloc({ flags }),
      matrix,
    ),
  );
  const bits = new BitReader(
    new HeaderBytes({ bytes: unit, start: 0, type: 34, temporalId: 0 }).bytes,
  );
  // Ids, flags and offsets of nothing: 1 1 0 0 000 0 0 1 1 1 0 0 0 1 1 0 0 0 0 0 0 0 0
  bits.bits(25);
  assertEquals(bits.bit(), 1, "pps_scaling_list_data_present_flag");
  const list = (size: number, dc?: number) => {
    assertEquals(bits.bit(), 1, "scaling_list_pred_mode_flag");
    let last = 8;
    if (dc !== undefined) assertEquals(last = 8 + bits.signedExponential(), dc);
    return Array.from({ length: size }, () => last = last + bits.signedExponential() & 0xff);
  };
  const small = [1, 5, 2, 9, 6, 3, 13, 10, 7, 4, 14, 11, 8, 15, 12, 16];
  for (let i = 0; i < 6; i++) assertEquals(list(16), small);
  const large = [1, 9, 2, 17, 10, 3, 25, 18, 11, 4];
  for (let i = 0; i < 6; i++) assertEquals(list(64).slice(0, 10), large);
  for (const dc of [1, 2, 3, 4, 5, 255]) assertEquals(list(64, dc).slice(0, 10), large);
  for (const dc of [7, 8]) assertEquals(list(64, dc).at(-1), 64);
});

// Reference picture sets

const bitsOf = (...parts: readonly (string | number)[]): BitReader => {
  const text = parts.map((part) => {
    if (typeof part === "string") return part;
    const code = (part + 1).toString(2);
    return "0".repeat(code.length - 1) + code;
  }).join("");
  const padded = text.padEnd(8 * Math.ceil(text.length / 8), "0");
  return new BitReader(Uint8Array.from(padded.match(/.{8}/g) ?? [], (byte) => parseInt(byte, 2)));
};

Deno.test("HEVC: a reference picture set, and one that is predicted from it", () => {
  const first = readShortTermSet(bitsOf(2, 1, 0, "1", 1, "0", 3, "1"), [], false);
  assertEquals(first, {
    negative: [{ delta: -1, used: true }, { delta: -3, used: false }],
    positive: [{ delta: 4, used: true }],
    predictedFrom: 0,
  });
  // By -1: -2, -4 and 3 become of the three, and -1 of the picture itself.
  const second = readShortTermSet(bitsOf("1", "1", 0, "1", "00", "01", "1"), [first], false);
  assertEquals(second, {
    negative: [{ delta: -1, used: true }, { delta: -2, used: true }],
    positive: [{ delta: 3, used: false }],
    predictedFrom: 3,
  });
  // In a slice, from the last but one.
  const third = readShortTermSet(bitsOf("1", 1, "0", 0, "1", "1", "1", "1"), [first, second], true);
  assertEquals(third.positive.map(({ delta }) => delta), [1, 5]);
  assertEquals(third.negative.map(({ delta }) => delta), [-2]);
  assertEquals(third.predictedFrom, 3);
});

Deno.test("HEVC: reference picture sets that cannot be", () => {
  const set: ShortTermSet = { negative: [], positive: [], predictedFrom: 0 };
  for (
    const [bits, sets, inSlice] of [
      [bitsOf(17, 0), [], false],
      [bitsOf(9, 8), [], false],
      [bitsOf(1, 0, 2 ** 15), [], false],
      // From one that is not there.
      [bitsOf("1", 1), [set], true],
      [bitsOf("1"), [set], false],
    ] as const
  ) assertThrows(() => readShortTermSet(bits, sets, inSlice), StreamError);
});

// Slices

/** All slices of a stream, and the references that they name. */
function slicesOf(file: Bytes): Slice[] {
  const sets = new ParameterSets();
  const slices: Slice[] = [];
  for (const nal of hevcNals(file)) {
    if (!isSlice(nal.type)) sets.read(nal);
    else {slices.push(readSlice(nal, new BitReader(new HeaderBytes(nal).bytes), (id) =>
        sets.find(id)));}
  }
  return slices;
}

/** What is sent for a stream's controls, all of it one file. */
function rebuilt(file: Bytes, startCode = true): Bytes {
  const client = new HevcClient(startCode);
  const rebuilder = new HevcRebuilder();
  const parts: Bytes[] = [];
  for (const [number, { data }] of [...readStream(file)].entries()) {
    const timestamp = (number + 1) * 1e9;
    const { slices, controls } = client.parts(data, timestamp);
    const to = new Assembly();
    const bytes = Uint8Array.from(slices.flatMap((slice) => [...slice]));
    rebuilder.add(to, bytes, client.frameControls(controls, timestamp));
    parts.push(to.bytes.slice());
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const named = ({ shortTerm, longTerm }: Slice) => ({
  negative: shortTerm?.negative,
  positive: shortTerm?.positive,
  longTerm: longTerm.map(({ lsb, used }) => ({ lsb, used })),
});

const NAMINGS = [
  { predicted: false, longTerm: false },
  { predicted: true, longTerm: false },
  { predicted: true, longTerm: true },
];

Deno.test("HEVC: slices name the same references, wherever the client's had them", () => {
  for (const name of NAMES) {
    const file = fixture(name);
    for (const one of [file, ...NAMINGS.map((naming) => withSequenceSets(file, naming))]) {
      const before = slicesOf(one);
      for (const startCode of [true, false]) {
        const after = slicesOf(rebuilt(one, startCode));
        assertEquals(after.map(named), before.map(named), name);
        for (const { parameters: { sps } } of after) assertEquals(sps.sets.length, 0);
      }
    }
  }
  const [first, last] = [NAMINGS[0], NAMINGS[2]].map((naming) =>
    slicesOf(withSequenceSets(fixture("hevc-slices.hevc"), naming))
  );
  assert(first.every(({ parameters: { sps } }) => sps.sets.length > 2));
  assert(last.some(({ longTerm }) => longTerm.length > 0));
});

Deno.test("HEVC: a slice's data stays as it is", () => {
  let rewritten = 0;
  for (const name of NAMES) {
    const file = fixture(name);
    const before = slicesOf(file);
    const after = slicesOf(rebuilt(file));
    for (const [i, { nal }] of before.entries()) {
      // A start code may have a zero in front.
      const bytes = (slice: Slice) => {
        const { bytes } = slice.nal;
        return bytes.subarray(0, 1 + bytes.findLastIndex((byte) => byte !== 0));
      };
      const [one, other] = [before[i], after[i]].map(bytes);
      assertEquals(other.subarray(-8), one.subarray(-8));
      if (isIdr(nal.type)) assertEquals(other, one);
      else rewritten++;
    }
  }
  assert(rewritten > 100);
});

Deno.test("HEVC: 00 00 03 is taken out of a header, and put where a new one needs it", () => {
  const sps = c.v4l2_ctrl_hevc_sps.alloc({
    pic_width_in_luma_samples: 64,
    pic_height_in_luma_samples: 64,
    log2_diff_max_min_luma_coding_block_size: 3,
    log2_max_pic_order_cnt_lsb_minus4: 12,
    chroma_format_idc: 1,
  });
  // first, id 0, three bits more, an I slice; not shown; 16 bits of POC; a set of 15 pictures before it;
  // slice_qp_delta 0, and the end.
  const header = "11" + "000" + "011" + "0" + "0".repeat(16) + "0" + "000010000" + "1" +
    "11".repeat(15) + "1" + "1" + "0000";
  const bytes = header.match(/.{8}/g)!.map((byte) => parseInt(byte, 2));
  assertEquals(bytes.slice(0, 5), [0xc3, 0, 0, 2, 0x1f]);
  const data = [0, 0, 3, 1, 0xff];
  const unit = Uint8Array.of(2, 1, 0xc3, 0, 0, 3, ...bytes.slice(3), ...data);
  const nal = { type: 1, temporalId: 0, start: 0, bytes: unit };
  const read = new HeaderBytes(nal);
  assertEquals([...read.bytes.subarray(0, bytes.length)], bytes);
  const pps = c.v4l2_ctrl_hevc_pps.alloc({
    num_extra_slice_header_bits: 3,
    flags: c.V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT,
  });
  const parameters = { sps: { control: sps, sets: [], longTerm: undefined }, pps };
  const slice = readSlice(nal, new BitReader(read.bytes), () => parameters);
  assertEquals([slice.output, slice.shortTerm!.negative.at(-1)!.delta], [false, -15]);
  const same = withSets(new BitWriter(), read, slice, { ...slice.shortTerm!, longTerm: [] });
  assertEquals([...same.header], [0, 0, 0, 1, ...unit.subarray(0, -data.length)]);
  assertEquals([...same.data], data);
  const none = { negative: [], positive: [], longTerm: [] };
  const shorter = withSets(new BitWriter(), read, slice, none);
  // Of the set 0 1 1 are left.
  assertEquals([...shorter.header], [0, 0, 0, 1, 2, 1, 0xc3, 0, 0, 0b0_0_1_1_1_1_00]);
  assertEquals([...shorter.data], data);
});

// References by timestamp

interface Picture {
  readonly type?: number;
  readonly lsb: number;
  /** Timestamps of the DPB, those that are long-term ones, and indices in it. */
  readonly dpb?: readonly number[];
  readonly lasting?: readonly number[];
  readonly before?: readonly number[];
  readonly after?: readonly number[];
  readonly long?: readonly number[];
}

const SPS = c.v4l2_ctrl_hevc_sps.alloc({
  pic_width_in_luma_samples: 64,
  pic_height_in_luma_samples: 64,
  log2_diff_max_min_luma_coding_block_size: 3,
  chroma_format_idc: 1,
  flags: c.V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT,
});

/** I slices of 4 bits of POC, as a client sends them: sets and long-term pictures are of no account. */
function sliceOf(type: number, lsb: number): Bytes {
  const idr = type === 19;
  const irap = type >= 16;
  const text = "1" + (irap ? "0" : "") + "1" + "011" +
    (idr ? "" : lsb.toString(2).padStart(4, "0") + "0" + "11" + "1") + "1" + "1";
  const padded = text.padEnd(8 * Math.ceil(text.length / 8), "0");
  const bytes = padded.match(/.{8}/g)!.map((byte) => parseInt(byte, 2));
  return Uint8Array.of(0, 0, 1, type << 1, 1, ...bytes, 0xaa, 0x55);
}

function controlsOf({ dpb = [], lasting = [], before = [], after = [], long = [] }: Picture) {
  const params = PARAMS.alloc({
    num_active_dpb_entries: dpb.length,
    num_poc_st_curr_before: before.length,
    num_poc_st_curr_after: after.length,
    num_poc_lt_curr: long.length,
    poc_st_curr_before: before,
    poc_st_curr_after: after,
    poc_lt_curr: long,
  });
  for (const [i, timestamp] of dpb.slice(0, 16).entries()) {
    const entry = ENTRY.at(params.bytes, PARAMS.fields.dpb.offset + i * ENTRY.size);
    entry.timestamp = timestamp;
    entry.flags = lasting.includes(timestamp) ? c.V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE : 0;
  }
  return params.bytes;
}

const frame = (params: Bytes, timestamp: number, startCode = 1): FrameControls => {
  const payloads = new Map<number, Bytes>([
    [c.V4L2_CID_STATELESS_HEVC_SPS, SPS.bytes],
    [c.V4L2_CID_STATELESS_HEVC_PPS, c.v4l2_ctrl_hevc_pps.alloc().bytes],
    [c.V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, params],
    [c.V4L2_CID_STATELESS_HEVC_START_CODE, Uint8Array.of(startCode, 0, 0, 0)],
  ]);
  return { find: (id) => payloads.get(id), timestampLow: timestamp, timestampHigh: 0 };
};

/** Sends pictures, whose timestamps count from 100; gives what the last one names. */
function send(rebuilder: HevcRebuilder, pictures: readonly Picture[]) {
  let last: Bytes = new Uint8Array();
  for (const [i, picture] of pictures.entries()) {
    const to = new Assembly();
    const bytes = sliceOf(picture.type ?? 1, picture.lsb);
    rebuilder.add(to, bytes, frame(controlsOf(picture), 100 + i));
    last = to.bytes.slice();
  }
  // The parameter sets are in front of the first one alone.
  const header = [...hevcNals(last)].find(({ type }) => isSlice(type))!;
  const parameters = {
    sps: { control: without(SPS.bytes), sets: [], longTerm: undefined },
    pps: c.v4l2_ctrl_hevc_pps.alloc(),
  };
  const slice = readSlice(
    header,
    new BitReader(new HeaderBytes(header).bytes),
    () => parameters,
  );
  return { ...named(slice), longTerm: slice.longTerm };
}

const IDR: Picture = { type: 19, lsb: 0 };

Deno.test("HEVC: references are found by their timestamps, in any order", () => {
  const sets = send(new HevcRebuilder(), [
    IDR,
    { lsb: 8, dpb: [100], before: [0] },
    // Counts on past its four bits: 16.
    { lsb: 0, dpb: [101, 100], before: [0, 1] },
    { lsb: 12, dpb: [102, 100, 101], before: [2], after: [0] },
  ]);
  assertEquals(sets, {
    negative: [{ delta: -4, used: true }, { delta: -12, used: false }],
    positive: [{ delta: 4, used: true }],
    longTerm: [],
  });
});

Deno.test("HEVC: long-term references, and how far behind they are", () => {
  const pictures: Picture[] = [
    IDR,
    { lsb: 8, dpb: [100], before: [0] },
    { lsb: 0, dpb: [101, 100], before: [0], lasting: [100] },
    { lsb: 8, dpb: [102, 101, 100], lasting: [101, 100], before: [0], long: [1, 2] },
  ];
  const sets = send(new HevcRebuilder(), pictures);
  assertEquals(sets.negative, [{ delta: -8, used: true }]);
  // 24 is 16 + 8: both are of the range before.
  assertEquals(sets.longTerm, [
    { lsb: 8, used: true, cycle: 1 },
    { lsb: 0, used: true, cycle: 1 },
  ]);
  // What is nearer cannot be said behind what is farther, but by its bits alone; those have to be its own.
  const far: Picture[] = [
    IDR,
    { lsb: 7, dpb: [100], before: [0] },
    { lsb: 14, dpb: [101, 100], before: [0] },
    { lsb: 5, dpb: [102, 100], before: [0] },
    { lsb: 12, dpb: [103, 100], lasting: [103, 100], long: [1, 0] },
  ];
  assertEquals(send(new HevcRebuilder(), far).longTerm, [
    { lsb: 0, used: true, cycle: 1 },
    { lsb: 5, used: true, cycle: undefined },
  ]);
  const alike = [
    ...pictures.slice(0, 3),
    { lsb: 8, dpb: [102, 100], lasting: [102, 100], long: [1, 0] },
  ];
  assertThrows(() => send(new HevcRebuilder(), alike), StreamError, "no slice can have");
});

Deno.test("HEVC: a picture that was lost is missed by those that refer to it", () => {
  const rebuilder = new HevcRebuilder();
  const begin = [IDR, { lsb: 2, dpb: [100], before: [0] }];
  send(rebuilder, begin);
  const add = (picture: Picture, timestamp: number) =>
    rebuilder.add(
      new Assembly(),
      sliceOf(picture.type ?? 1, picture.lsb),
      frame(controlsOf(picture), timestamp),
    );
  // Never there, and no longer there.
  assertThrows(() => add({ lsb: 4, dpb: [77, 100], before: [0] }, 200), StreamError, "not there");
  add({ lsb: 6, dpb: [101, 77], before: [0] }, 201);
  assertThrows(() => add({ lsb: 8, dpb: [100], before: [0] }, 202), StreamError, "not there");
  // What was refused above is no reference itself.
  assertThrows(() => add({ lsb: 10, dpb: [202], before: [0] }, 203), StreamError, "not there");
  add({ lsb: 10, dpb: [201], before: [0] }, 204);
  // Nor is a picture of which a later slice is broken.
  const broken = Uint8Array.of(...sliceOf(1, 11), 0, 0, 1, 2, 1, 0x2e, 0xaa);
  const params = controlsOf({ lsb: 11, dpb: [204], before: [0] });
  assertThrows(() => rebuilder.add(new Assembly(), broken, frame(params, 300)), StreamError);
  assertThrows(() => add({ lsb: 12, dpb: [300], before: [0] }, 301), StreamError, "not there");
  add({ lsb: 12, dpb: [204], before: [0] }, 204);
  // Nor one that FFmpeg rejected before it began the picture; those before it are.
  add({ lsb: 13, dpb: [204], before: [0] }, 301);
  rebuilder.reject(true);
  add({ lsb: 14, dpb: [301, 204], before: [0, 1] }, 304);
  add({ lsb: 15, dpb: [204], before: [0] }, 302);
  rebuilder.reject(false);
  assertThrows(() => add({ lsb: 0, dpb: [302], before: [0] }, 303), StreamError, "not there");
  add({ lsb: 0, dpb: [204], before: [0] }, 204);
  rebuilder.flush();
  assertThrows(() => add({ lsb: 12, dpb: [204], before: [0] }, 205), StreamError, "not there");
  // A BLA picture forgets all, whatever the client's list has.
  send(rebuilder, [...begin, { type: 16, lsb: 4, dpb: [101] }]);
  assertThrows(() => add({ lsb: 6, dpb: [101], before: [0] }, 206), StreamError, "not there");
});

Deno.test("HEVC: a stream that begins with what others refer to names them by their counts", () => {
  // As the client counts, and as FFmpeg does, which begins with 0.
  const counted = (picture: Picture, own: number, counts: readonly number[]) => {
    const params = PARAMS.at(controlsOf(picture));
    params.pic_order_cnt_val = own;
    for (const [i, count] of counts.entries()) {
      const at = PARAMS.fields.dpb.offset + i * ENTRY.size;
      ENTRY.at(params.bytes, at).pic_order_cnt_val = count;
    }
    return params.bytes;
  };
  const rebuilder = new HevcRebuilder();
  const add = (lsb: number, params: Bytes, timestamp: number) =>
    rebuilder.add(new Assembly(), sliceOf(1, lsb), frame(params, timestamp));
  add(2, counted({ lsb: 2, dpb: [90, 89], before: [0, 1] }, 34, [33, 32]), 100);
  // What was made up stays as long as it is named.
  add(3, counted({ lsb: 3, dpb: [100, 90], before: [0, 1] }, 35, [34, 33]), 101);
  // With the count of one that is there FFmpeg would have that one.
  const taken = counted({ lsb: 4, dpb: [100, 88], before: [0, 1] }, 36, [34, 35]);
  assertThrows(() => add(4, taken, 102), StreamError, "not there");
  add(4, counted({ lsb: 4, dpb: [101], before: [0] }, 36, [35]), 103);
});

Deno.test("HEVC: lists of references that cannot be", () => {
  const begin = [IDR, { lsb: 4, dpb: [100], before: [0] }, {
    lsb: 2,
    dpb: [100, 101],
    before: [0],
    after: [1],
  }];
  const cases: readonly (readonly [string, Picture])[] = [
    ["reference 2 of 2", { lsb: 3, dpb: [100, 101], before: [2] }],
    ["reference 255 of 2", { lsb: 3, dpb: [100, 101], after: [255] }],
    ["17 pictures in the DPB", { lsb: 3, dpb: new Array(17).fill(100), before: [0] }],
    ["17 pictures in a list", { lsb: 3, dpb: [100], before: new Array(17).fill(0) }],
    ["in two lists", { lsb: 3, dpb: [100, 101], before: [0], after: [0] }],
    ["order of their distance", { lsb: 6, dpb: [100, 101], before: [0, 1] }],
    ["refers to itself", { lsb: 4, dpb: [101], before: [0] }],
  ];
  for (const [message, picture] of cases) {
    const rebuilder = new HevcRebuilder();
    assertThrows(() => send(rebuilder, [...begin, picture]), StreamError, message);
  }
});

// The rebuilder

const types = (bytes: Bytes) => [...hevcNals(bytes)].map(({ type }) => type);

Deno.test("HEVC: parameter sets come first, and again when they are others", () => {
  const rebuilder = new HevcRebuilder();
  const to = new Assembly();
  const add = (bytes: Bytes, controls: FrameControls) => {
    to.clear();
    rebuilder.add(to, bytes, controls);
    return types(to.bytes);
  };
  const idr = sliceOf(19, 0);
  const params = controlsOf(IDR);
  assert(!rebuilder.isWhole(idr, frame(params, 1)));
  assertEquals(add(idr, frame(params, 1)), [32, 33, 34, 19]);
  assertEquals(add(idr, frame(params, 2)), [19]);
  assertEquals(add(idr.subarray(3), frame(params, 3, 0)), [19]);
  const other = c.v4l2_ctrl_hevc_pps.alloc({ init_qp_minus26: 3 }).bytes;
  const good = frame(params, 4);
  const find = (id: number) => id === c.V4L2_CID_STATELESS_HEVC_PPS ? other : good.find(id);
  assertEquals(add(idr, { ...good, find }), [34, 19]);
  for (const id of [c.V4L2_CID_STATELESS_HEVC_SPS, c.V4L2_CID_STATELESS_HEVC_DECODE_PARAMS]) {
    const lacks = { ...good, find: (one: number) => one === id ? undefined : good.find(one) };
    assertThrows(() => add(idr, lacks), StreamError);
  }
  assertEquals(add(idr, good), [32, 33, 34, 19]);
  rebuilder.flush();
  assertEquals(add(idr, good), [32, 33, 34, 19]);
});

Deno.test("HEVC: slices that do not belong", () => {
  const rebuilder = new HevcRebuilder();
  const add = (bytes: Bytes, timestamp: number, startCode = 1, to = new Assembly()) =>
    rebuilder.add(to, bytes, frame(controlsOf(IDR), timestamp, startCode));
  const idr = sliceOf(19, 0);
  // Not the first of its picture: the address is behind the parameter set's number.
  const second = Uint8Array.of(0, 0, 1, 19 << 1, 1, 0x2e, 0xaa);
  assertThrows(() => add(second, 1), StreamError, "whose first one is missing");
  assertThrows(() => add(Uint8Array.of(0, 0, 1, 39 << 1, 1, 2), 1), StreamError, "no slice");
  assertThrows(() => add(Uint8Array.of(1, 2, 3), 1), StreamError, "no slice");
  assertThrows(() => add(Uint8Array.of(39 << 1, 1, 2), 1, 0), StreamError, "no slice");
  const other = idr.slice();
  // slice_pic_parameter_set_id 1.
  other[5] = 0b1_0_010_011;
  assertThrows(() => add(other, 1), StreamError, "parameter set 1: not there");
  const to = new Assembly();
  add(idr, 1, 1, to);
  // Another picture's, in the same access unit.
  assertThrows(() => add(second, 2, 1, to), StreamError, "whose first one is missing");
});

Deno.test("HEVC: a stream with parameter sets of its own stays as it is", () => {
  const rebuilder = new HevcRebuilder();
  const none = { find: () => undefined, timestampLow: 0, timestampHigh: 0 };
  for (const { data } of readStream(fixture("hevc-320x240.hevc"))) {
    assert(rebuilder.isWhole(data, none));
  }
  rebuilder.flush();
  const idr = sliceOf(19, 0);
  const flags = c.V4L2_HEVC_DECODE_PARAM_FLAG_IDR_PIC;
  const params = c.v4l2_ctrl_hevc_decode_params.alloc({ flags }).bytes;
  assert(!rebuilder.isWhole(idr, frame(params, 1)), "another stream's are in controls");
});

Deno.test("HEVC: slices without start codes lie where their control says", () => {
  const file = fixture("hevc-slices.hevc");
  const client = new HevcClient(false);
  const [{ data }] = readStream(file);
  const { slices, controls } = client.parts(data, 1);
  assertEquals(slices.length, 3);
  const bytes = Uint8Array.from(slices.flatMap((slice) => [...slice]));
  const add = (bytes: Bytes) => {
    const to = new Assembly();
    new HevcRebuilder().add(to, bytes, client.frameControls(controls, 1));
    return types(to.bytes);
  };
  assertEquals(add(bytes), [32, 33, 34, 20, 20, 20]);
  // One by one each is alone, whatever the control has.
  const rebuilder = new HevcRebuilder();
  const to = new Assembly();
  const frame = client.frameControls(controls, 1);
  const mode = new Uint8Array(4).fill(c.V4L2_STATELESS_HEVC_DECODE_MODE_SLICE_BASED);
  const find = (id: number) => id === c.V4L2_CID_STATELESS_HEVC_DECODE_MODE ? mode : frame.find(id);
  for (const slice of slices) rebuilder.add(to, slice, { ...frame, find });
  assertEquals(types(to.bytes), [32, 33, 34, 20, 20, 20]);
  assertThrows(() => add(bytes.subarray(0, -1)), StreamError, "bytes");
});

/** The same numbers each time. */
function random(seed: number): () => number {
  return () => {
    seed = Math.imul(seed, 1_664_525) + 1_013_904_223 | 0;
    return (seed >>> 0) / 2 ** 32;
  };
}

Deno.test("HEVC: wrong bytes in controls and slices give a packet or an error, soon", () => {
  const next = random(6);
  const client = new HevcClient(true);
  const frames = [...readStream(fixture("hevc-slices.hevc"))].map(({ data }, i) => ({
    ...client.parts(data, i + 1),
    timestamp: i + 1,
  }));
  const begin = processorSeconds();
  const to = new Assembly();
  const counts = { whole: 0, refused: 0 };
  for (let round = 0; round < 250; round++) {
    const rebuilder = new HevcRebuilder();
    for (const { slices, controls, timestamp } of frames) {
      const bytes = Uint8Array.from(slices.flatMap((slice) => [...slice]));
      const payloads = new Map(controls.map(({ id, payload }) => [id, payload.slice()]));
      if (next() < 0.3) {
        const parts = [...payloads.values(), bytes];
        const part = parts[Math.floor(next() * parts.length)];
        // What comes first is what all depends on.
        const end = Math.min(part.length, next() < 0.5 ? 32 : part.length);
        part[Math.floor(next() * end)] = Math.floor(next() * 256);
      }
      if (next() < 0.02) payloads.delete([...payloads.keys()][Math.floor(next() * payloads.size)]);
      const find = (id: number) => payloads.get(id);
      to.clear();
      try {
        rebuilder.add(to, bytes, { find, timestampLow: timestamp, timestampHigh: 0 });
        counts.whole++;
      } catch (error) {
        if (!(error instanceof StreamError)) throw error;
        counts.refused++;
      }
    }
  }
  assert(counts.whole > 400 && counts.refused > 100, JSON.stringify(counts));
  assert(processorSeconds() - begin < 60);
});
