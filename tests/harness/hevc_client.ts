/**
 * HEVC as a stateless client sends it: slices in buffers, parameter sets and the decoded picture
 * buffer in controls. Source: ITU-T H.265, section 8.3.2.
 *
 * @module
 */
import type { FrameControls } from "../../daemon/rebuild/rebuilder.ts";
import type { Control } from "../../lib/codec/access_unit.ts";
import { BitReader } from "../../lib/codec/bits/reader.ts";
import { forgetsAll, hevcNals, isIdr, isIrap, isSlice } from "../../lib/codec/hevc/nal.ts";
import { PictureOrder } from "../../lib/codec/hevc/order.ts";
import { HeaderBytes, readSlice, type Slice } from "../../lib/codec/hevc/slice.ts";
import { type Parameters, ParameterSets } from "../../lib/codec/hevc/stream.ts";
import * as c from "../../lib/uapi/v4l2_controls_hevc.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const ENTRY = c.v4l2_hevc_dpb_entry;

// Tables 7-5 and 7-6, of 8x8 and larger blocks, in the order of the scan.
// deno-fmt-ignore
const INTRA = [
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 16, 17, 16, 17, 18, 17, 18, 18, 17, 18, 21, 19, 20, 21, 20,
  19, 21, 24, 22, 22, 24, 24, 22, 22, 24, 25, 25, 27, 30, 27, 25, 25, 29, 31, 35, 35, 31, 29, 36, 41, 44,
  41, 36, 47, 54, 54, 47, 65, 70, 65, 88, 88, 115,
];
// deno-fmt-ignore
const INTER = [
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 18, 20, 20, 20, 20, 20,
  20, 20, 24, 24, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 28, 28, 28, 28, 28, 28, 33, 33, 33,
  33, 33, 41, 41, 41, 41, 54, 54, 54, 71, 71, 91,
];

/** A list in raster order: section 6.5.3. */
function raster(scanned: readonly number[]): number[] {
  const list = new Array<number>(64);
  let next = 0;
  for (let diagonal = 0; diagonal < 15; diagonal++) {
    for (let y = Math.min(diagonal, 7); y >= 0 && diagonal - y < 8; y--) {
      list[8 * y + diagonal - y] = scanned[next++];
    }
  }
  return list;
}

const DEFAULT_8X8 = [INTRA, INTRA, INTRA, INTER, INTER, INTER].flatMap(raster);

/** What a sequence has that says nothing of its scaling lists. */
export const DEFAULT_MATRIX = c.v4l2_ctrl_hevc_scaling_matrix.alloc({
  scaling_list_4x4: new Array(96).fill(16),
  scaling_list_8x8: DEFAULT_8X8,
  scaling_list_16x16: DEFAULT_8X8,
  scaling_list_32x32: [INTRA, INTER].flatMap(raster),
  scaling_list_dc_coef_16x16: new Array(6).fill(16),
  scaling_list_dc_coef_32x32: new Array(2).fill(16),
});

/** A reference of the client's. */
interface Decoded {
  readonly timestamp: number;
  readonly poc: number;
  longTerm: boolean;
}

/** A picture in parts. */
export interface HevcParts {
  readonly slices: Bytes[];
  readonly controls: Control[];
}

/** Takes the parameter sets out of a stream, and follows its references. */
export class HevcClient {
  readonly #sets = new ParameterSets();
  readonly #order = new PictureOrder();
  #references: Decoded[] = [];

  /** @param startCode whether slices have one */
  constructor(readonly startCode: boolean) {}

  /** The slices of an access unit, and its controls. */
  parts(unit: Bytes, timestamp: number): HevcParts {
    const slices: Bytes[] = [];
    let first: Slice<Parameters> | undefined;
    for (const nal of hevcNals(unit)) {
      if (!isSlice(nal.type)) {
        this.#sets.read(nal);
        continue;
      }
      slices.push(Uint8Array.of(...this.startCode ? [0, 0, 1] : [], ...nal.bytes));
      const bits = new BitReader(new HeaderBytes(nal).bytes);
      first ??= readSlice(nal, bits, (id) => this.#sets.find(id));
    }
    const { sps, pps } = first!.parameters;
    const params = this.#decodeParams(first!, timestamp);
    const slice = c.v4l2_ctrl_hevc_slice_params;
    const lengths = new Uint8Array(slices.length * slice.size);
    slices.forEach(({ length }, i) => slice.at(lengths, i * slice.size).bit_size = 8 * length);
    const controls = [
      { id: c.V4L2_CID_STATELESS_HEVC_SPS, payload: sps.control.bytes },
      { id: c.V4L2_CID_STATELESS_HEVC_PPS, payload: pps.bytes },
      { id: c.V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, payload: params },
      { id: c.V4L2_CID_STATELESS_HEVC_SLICE_PARAMS, payload: lengths },
      { id: c.V4L2_CID_STATELESS_HEVC_SCALING_MATRIX, payload: DEFAULT_MATRIX.bytes },
    ];
    return { slices, controls };
  }

  #decodeParams(slice: Slice<Parameters>, timestamp: number): Bytes {
    const { nal: { type }, shortTerm, longTerm } = slice;
    const poc = this.#order.next(slice, forgetsAll(type));
    if (forgetsAll(type)) this.#references = [];
    const range = 2 ** (slice.parameters.sps.control.log2_max_pic_order_cnt_lsb_minus4 + 4);
    const before: number[] = [];
    const after: number[] = [];
    const lasting: number[] = [];
    const kept: Decoded[] = [];
    const keep = (picture: Decoded | undefined, to: number[] | undefined, longTerm: boolean) => {
      if (!picture) {
        // What is named and is not there has no index.
        to?.push(0xff);
        return;
      }
      picture.longTerm = longTerm;
      to?.push(kept.length);
      kept.push(picture);
    };
    for (const { delta, used } of shortTerm ? [...shortTerm.negative, ...shortTerm.positive] : []) {
      const picture = this.#references.find((one) => one.poc === poc + delta && !one.longTerm);
      keep(picture, used ? delta < 0 ? before : after : undefined, false);
    }
    for (const { lsb, used, cycle } of longTerm) {
      const count = cycle === undefined
        ? undefined
        : Math.floor(poc / range) * range - cycle * range + lsb;
      const picture = this.#references.find((one) =>
        count === undefined ? (one.poc - lsb) % range === 0 : one.poc === count
      );
      keep(picture, used ? lasting : undefined, true);
    }
    // The driver is not to rely on their order.
    const order = kept.map((_, i) => i).reverse();
    const at = (indices: number[]) => indices.map((i) => i === 0xff ? i : order.indexOf(i));
    const params = c.v4l2_ctrl_hevc_decode_params.alloc({
      pic_order_cnt_val: poc,
      num_active_dpb_entries: kept.length,
      num_poc_st_curr_before: before.length,
      num_poc_st_curr_after: after.length,
      num_poc_lt_curr: lasting.length,
      poc_st_curr_before: at(before),
      poc_st_curr_after: at(after),
      poc_lt_curr: at(lasting),
      num_delta_pocs_of_ref_rps_idx: shortTerm?.predictedFrom ?? 0,
      flags: (isIrap(type) ? c.V4L2_HEVC_DECODE_PARAM_FLAG_IRAP_PIC : 0) |
        (isIdr(type) ? c.V4L2_HEVC_DECODE_PARAM_FLAG_IDR_PIC : 0),
    });
    const { offset } = c.v4l2_ctrl_hevc_decode_params.fields.dpb;
    order.forEach((from, i) => {
      const picture = kept[from];
      const entry = ENTRY.at(params.bytes, offset + i * ENTRY.size);
      entry.timestamp = picture.timestamp;
      entry.pic_order_cnt_val = picture.poc;
      entry.flags = picture.longTerm ? c.V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE : 0;
    });
    this.#references = [...kept, { timestamp, poc, longTerm: false }];
    return params.bytes;
  }

  /** The same controls as the daemon has them. */
  frameControls(controls: readonly Control[], timestamp: number): FrameControls {
    const startCode = Uint8Array.of(this.startCode ? 1 : 0, 0, 0, 0);
    const payloads = new Map<number, Bytes>([
      ...controls.map(({ id, payload }): [number, Bytes] => [id, payload]),
      [c.V4L2_CID_STATELESS_HEVC_START_CODE, startCode],
    ]);
    return {
      find: (id) => payloads.get(id),
      timestampLow: timestamp % 2 ** 32,
      timestampHigh: Math.floor(timestamp / 2 ** 32),
    };
  }
}
