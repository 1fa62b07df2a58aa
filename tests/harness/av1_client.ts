/**
 * AV1 as a stateless client sends it: single frames with the controls that stand for their headers, read from
 * the stream's own. Source: AV1 Bitstream & Decoding Process Specification, sections 5.9 to 5.11 and 7.20.
 *
 * @module
 */
import * as c from "../../lib/uapi/v4l2_controls_av1.ts";
import { type Av1Sequence, readSequenceHeader } from "../../lib/codec/av1/header.ts";
import { BitReader } from "../../lib/codec/bits/reader.ts";
import { OBU_FRAME, OBU_FRAME_HEADER, OBU_SEQUENCE_HEADER, obus } from "../../lib/codec/av1/obu.ts";
import type { FrameControls } from "../../daemon/rebuild/rebuilder.ts";
import { expect } from "./suite.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A frame as a client sends it, or one that it shows again without asking the decoder. */
export interface Av1ClientFrame {
  /** Undefined of a frame that is shown again. */
  readonly coded?: { readonly data: Bytes; readonly controls: FrameControls };
  /** Its timestamp in nanoseconds, below 2^32. */
  readonly timestamp: number;
  readonly shown: boolean;
}

const OBU_TILE_GROUP = 4;
const KEY = 0;
const INTER = 1;
const INTRA_ONLY = 2;
const SWITCH = 3;
const NONE = 7;
const ONE = 1 << 16;

const FEATURE_BITS = [8, 6, 6, 6, 6, 3, 0, 0];

const noMotion = () => Array.from({ length: 48 }, (_, i) => i % 6 % 3 === 2 ? ONE : 0);

/** What a frame leaves for later ones. */
interface Kept {
  timestamp: number;
  key: boolean;
  orderHint: number;
  width: number;
  height: number;
  motion: number[];
  refDeltas: readonly number[];
  modeDeltas: readonly number[];
  featureEnabled: readonly number[];
  featureData: readonly number[];
  grain: Bytes;
}

/** su(n) of AV1. */
function signed(bits: BitReader, count: number): number {
  const value = bits.bits(count);
  return value >= 2 ** (count - 1) ? value - 2 ** count : value;
}

function nonSymmetric(bits: BitReader, count: number): number {
  const width = 32 - Math.clz32(count);
  const short = 2 ** width - count;
  const value = bits.bits(width - 1);
  return value < short ? value : value * 2 - short + bits.bit();
}

function near(bits: BitReader, most: number, reference: number): number {
  const count = 2 * most + 1;
  let code = 0;
  for (let i = 0, base = 0;; i++) {
    const width = i ? 3 + i - 1 : 3;
    if (count <= base + 3 * 2 ** width) {
      code = base + nonSymmetric(bits, count - base);
      break;
    }
    if (!bits.flag()) {
      code = base + bits.bits(width);
      break;
    }
    base += 2 ** width;
  }
  const inverse = (r: number, v: number) =>
    v > 2 * r ? v : v & 1 ? r - ((v + 1) >> 1) : r + (v >> 1);
  const r = reference + most;
  const x = 2 * r <= count ? inverse(r, code) : count - 1 - inverse(count - 1 - r, code);
  return x - most;
}

const log2Above = (unit: number, size: number) => {
  let log2 = 0;
  while (unit << log2 < size) log2++;
  return log2;
};

/** Reads one stream, temporal unit by temporal unit. */
export class Av1Client {
  #sequence: Av1Sequence | undefined;
  #slots: Kept[] = [];
  #next = 1000;

  /** The frames of a temporal unit, in decoding order. */
  read(unit: Bytes): Av1ClientFrame[] {
    const frames: Av1ClientFrame[] = [];
    let open: { header: Header; groups: Bytes[] } | undefined;
    const close = () => {
      if (open) frames.push(this.#finish(open.header, open.groups));
      open = undefined;
    };
    for (const { type, payload } of obus(unit)) {
      if (type === OBU_SEQUENCE_HEADER) this.#sequence = readSequenceHeader(payload);
      else if (type === OBU_FRAME || type === OBU_FRAME_HEADER) {
        close();
        const bits = new BitReader(payload);
        const header = this.#header(bits);
        if (typeof header === "number") {
          const kept = this.#slots[header];
          frames.push({ timestamp: kept.timestamp, shown: true });
          if (kept.key) this.#slots.fill(kept);
          continue;
        }
        open = { header, groups: [] };
        if (type === OBU_FRAME) open.groups.push(payload.subarray(Math.ceil(bits.position / 8)));
      } else if (type === OBU_TILE_GROUP) open!.groups.push(payload);
    }
    close();
    return frames;
  }

  #finish({ kept, refresh, control, shown }: Header, groups: readonly Bytes[]): Av1ClientFrame {
    const data = new Uint8Array(groups.reduce((sum, { length }) => sum + length, 0));
    const { tile_info_tile_cols, tile_info_tile_rows, tileSizeBytes, tileBits } = control;
    const count = tile_info_tile_cols * tile_info_tile_rows;
    const tiles: Uint8Array[] = [];
    let offset = 0;
    for (const group of groups) {
      data.set(group, offset);
      let [first, last, at] = [0, count - 1, 0];
      if (count > 1) {
        const bits = new BitReader(group);
        if (bits.flag()) [first, last] = [bits.bits(tileBits), bits.bits(tileBits)];
        at = Math.ceil(bits.position / 8);
      }
      for (let tile = first; tile <= last; tile++) {
        let size = group.length - at;
        if (tile < last) {
          size = 1;
          for (let i = 0; i < tileSizeBytes; i++) size += group[at++] * 2 ** (8 * i);
        }
        const tile_row = Math.floor(tile / tile_info_tile_cols);
        const entry = {
          tile_offset: offset + at,
          tile_size: size,
          tile_row,
          tile_col: tile % tile_info_tile_cols,
        };
        tiles.push(c.v4l2_ctrl_av1_tile_group_entry.alloc(entry).bytes);
        at += size;
      }
      offset += group.length;
    }
    expect(tiles.length === count, `${tiles.length} of ${count} tiles`);
    const payloads = new Map<number, Bytes>([
      [c.V4L2_CID_STATELESS_AV1_SEQUENCE, this.#sequence!.control],
      [c.V4L2_CID_STATELESS_AV1_FRAME, control.bytes],
      [c.V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY, Uint8Array.from(tiles.flatMap((t) => [...t]))],
      [c.V4L2_CID_STATELESS_AV1_FILM_GRAIN, kept.grain],
    ]);
    const { timestamp } = kept;
    for (let i = 0; i < 8; i++) if (refresh >> i & 1) this.#slots[i] = kept;
    return {
      coded: {
        data,
        controls: {
          find: (id) => payloads.get(id),
          timestampLow: timestamp,
          timestampHigh: 0,
        },
      },
      timestamp,
      shown,
    };
  }

  /** A frame's header; the slot of a frame that is shown again. */
  #header(bits: BitReader): Header | number {
    const sequence = this.#sequence!;
    expect(
      !sequence.reducedStill && !sequence.timed && !sequence.frameIdBits,
      "a sequence that this reads no frames of",
    );
    const { flags: sequenceFlags } = c.v4l2_ctrl_av1_sequence.at(sequence.control);
    const has = (mask: number) => (sequenceFlags & mask) !== 0;
    const mono = has(c.V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME);
    const large = has(c.V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK);
    const separate = has(c.V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q);
    const { orderHintBits } = sequence;
    if (bits.flag()) return bits.bits(3);

    const frame = c.v4l2_ctrl_av1_frame.alloc();
    const grain = c.v4l2_ctrl_av1_film_grain.alloc();
    const timestamp = this.#next;
    this.#next += 1000;
    const flag = (mask: number, set = bits.flag()): boolean => {
      if (set) frame.flags |= mask;
      return set;
    };
    const words: number[] = [];
    for (let i = 0; i < 8; i++) words.push(this.#slots[i]?.timestamp ?? 0, 0);
    frame.reference_frame_ts = words;
    const type = frame.frame_type = bits.bits(2);
    const intra = type === KEY || type === INTRA_ONLY;
    const shown = bits.flag();
    const showable = shown ? type !== KEY : bits.flag();
    const restart = type === SWITCH || type === KEY && shown;
    const resilient = flag(c.V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE, restart || bits.flag());
    const cdfUpdate = !flag(c.V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE);
    const { screenContentTools, integerMv } = sequence;
    const screen = flag(
      c.V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS,
      screenContentTools === 2 ? bits.flag() : screenContentTools === 1,
    );
    const integer = flag(
      c.V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV,
      screen && (integerMv === 2 ? bits.flag() : integerMv === 1),
    );
    const override = type === SWITCH || bits.flag();
    frame.order_hint = bits.bits(orderHintBits);
    const primary = frame.primary_ref_frame = intra || resilient ? NONE : bits.bits(3);
    const refresh = frame.refresh_frame_flags = restart ? 0xff : bits.bits(8);
    if ((!intra || refresh !== 0xff) && resilient && orderHintBits) {
      for (let i = 0; i < 8; i++) bits.bits(orderHintBits);
    }

    let width = 0;
    const superres = () => {
      width = frame.upscaled_width;
      if (!has(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES)) return;
      if (!flag(c.V4L2_AV1_FRAME_FLAG_USE_SUPERRES)) return;
      frame.superres_denom = bits.bits(3) + 9;
      width = Math.floor((width * 8 + (frame.superres_denom >> 1)) / frame.superres_denom);
    };
    const ownSize = () => {
      const { maxSize, widthBits, heightBits } = sequence;
      frame.upscaled_width = override ? bits.bits(widthBits) + 1 : maxSize.width;
      frame.frame_height_minus_1 = (override ? bits.bits(heightBits) + 1 : maxSize.height) - 1;
      superres();
      if (bits.flag()) bits.bits(32);
    };
    let intrabc = false;
    let precise = false;
    const references: Kept[] = [];
    if (intra) {
      ownSize();
      intrabc = screen && width === frame.upscaled_width &&
        flag(c.V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC);
    } else {
      expect(!(orderHintBits && bits.flag()), "short signalling");
      const indices = Array.from({ length: 7 }, () => bits.bits(3));
      frame.ref_frame_idx = indices;
      for (const index of indices) references.push(this.#slots[index]);
      const found = override && !resilient ? references.find(() => bits.flag()) : undefined;
      if (found) {
        frame.upscaled_width = found.width;
        frame.frame_height_minus_1 = found.height - 1;
        superres();
      } else ownSize();
      precise = !integer && flag(c.V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV);
      frame.interpolation_filter = bits.flag() ? 4 : bits.bits(2);
      flag(c.V4L2_AV1_FRAME_FLAG_IS_MOTION_MODE_SWITCHABLE);
      if (!resilient && has(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS)) {
        flag(c.V4L2_AV1_FRAME_FLAG_USE_REF_FRAME_MVS);
      }
    }
    frame.frame_width_minus_1 = width - 1;
    flag(c.V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF, !cdfUpdate || bits.flag());

    const { tileSizeBytes, tileBits } = tiles(bits, frame, width, large);
    const previous = primary === NONE ? undefined : references[primary];
    const lossless = quantization(bits, frame, mono, separate, previous, intrabc);
    const filters = !lossless && !intrabc;
    let refDeltas: readonly number[] = previous?.refDeltas ?? [1, 0, 0, 0, -1, 0, -1, -1];
    let modeDeltas: readonly number[] = previous?.modeDeltas ?? [0, 0];
    if (filters) {
      const level = [bits.bits(6), bits.bits(6), 0, 0];
      if (!mono && (level[0] || level[1])) level.splice(2, 2, bits.bits(6), bits.bits(6));
      frame.loop_filter_level = level;
      frame.loop_filter_sharpness = bits.bits(3);
      if (bits.flag()) {
        frame.loop_filter_flags |= c.V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED;
        if (bits.flag()) {
          refDeltas = refDeltas.map((delta) => bits.flag() ? signed(bits, 7) : delta);
          modeDeltas = modeDeltas.map((delta) => bits.flag() ? signed(bits, 7) : delta);
        }
      }
    } else [refDeltas, modeDeltas] = [[1, 0, 0, 0, -1, 0, -1, -1], [0, 0]];
    frame.loop_filter_ref_deltas = refDeltas;
    frame.loop_filter_mode_deltas = modeDeltas;
    if (filters && has(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF)) {
      frame.cdef_damping_minus_3 = bits.bits(2);
      frame.cdef_bits = bits.bits(2);
      const strengths: number[][] = [[], [], [], []];
      const secondary = () => {
        const value = bits.bits(2);
        return value === 3 ? 4 : value;
      };
      for (let i = 0; i < 1 << frame.cdef_bits; i++) {
        strengths[0].push(bits.bits(4));
        strengths[1].push(secondary());
        if (mono) continue;
        strengths[2].push(bits.bits(4));
        strengths[3].push(secondary());
      }
      [
        frame.cdef_y_pri_strength,
        frame.cdef_y_sec_strength,
        frame.cdef_uv_pri_strength,
        frame.cdef_uv_sec_strength,
      ] = strengths;
    }
    const scaled = width !== frame.upscaled_width;
    if ((!lossless || scaled) && !intrabc && has(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION)) {
      const types = Array.from({ length: mono ? 1 : 3 }, () => [0, 3, 1, 2][bits.bits(2)]);
      frame.loop_restoration_frame_restoration_type = types;
      if (types.some((type) => type > 0)) {
        let shift = bits.bit();
        if (large) shift++;
        else if (shift) shift += bits.bit();
        const chroma = types.slice(1).some((type) => type > 0) &&
          has(c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X) &&
          has(c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y);
        const size = 64 << shift;
        const chromaSize = size >> (chroma ? bits.bit() : 0);
        frame.loop_restoration_loop_restoration_size = [size, chromaSize, chromaSize];
      }
    }
    frame.tx_mode = lossless ? 0 : 1 + bits.bit();
    const compound = !intra && flag(c.V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT);
    if (compound && skipMode(references, frame.order_hint, orderHintBits)) {
      flag(c.V4L2_AV1_FRAME_FLAG_SKIP_MODE_PRESENT);
    }
    if (!intra && !resilient && has(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION)) {
      flag(c.V4L2_AV1_FRAME_FLAG_ALLOW_WARPED_MOTION);
    }
    flag(c.V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET);
    const motion = noMotion();
    if (!intra) globalMotion(bits, frame, motion, previous?.motion ?? noMotion(), precise);
    frame.global_motion_params = motion;
    if (has(c.V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT) && (shown || showable)) {
      this.#grain(bits, grain, type === INTER, sequenceFlags);
    }
    return {
      control: Object.assign(frame, { tileSizeBytes, tileBits }),
      refresh,
      shown,
      kept: {
        timestamp,
        key: type === KEY,
        orderHint: frame.order_hint,
        width: frame.upscaled_width,
        height: frame.frame_height_minus_1 + 1,
        motion,
        refDeltas,
        modeDeltas,
        featureEnabled: frame.segmentation_feature_enabled,
        featureData: frame.segmentation_feature_data,
        grain: grain.bytes,
      },
    };
  }

  #grain(
    bits: BitReader,
    grain: ReturnType<typeof c.v4l2_ctrl_av1_film_grain.alloc>,
    inter: boolean,
    sequence: number,
  ): void {
    const flag = (mask: number) => {
      const set = bits.flag();
      if (set) grain.flags |= mask;
      return set;
    };
    if (!flag(c.V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN)) return;
    grain.grain_seed = bits.bits(16);
    if (!inter) grain.flags |= c.V4L2_AV1_FILM_GRAIN_FLAG_UPDATE_GRAIN;
    else if (!flag(c.V4L2_AV1_FILM_GRAIN_FLAG_UPDATE_GRAIN)) {
      grain.film_grain_params_ref_idx = bits.bits(3);
      return;
    }
    const points = (most: number) => {
      const count = bits.bits(4);
      expect(count <= most, `${count} points of film grain`);
      const pairs = Array.from({ length: count }, () => [bits.bits(8), bits.bits(8)]);
      return { count, values: pairs.map(([v]) => v), scaling: pairs.map(([, s]) => s) };
    };
    const y = points(14);
    [grain.num_y_points, grain.point_y_value, grain.point_y_scaling] = [
      y.count,
      y.values,
      y.scaling,
    ];
    const mono = (sequence & c.V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME) !== 0;
    const fromLuma = !mono && flag(c.V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA);
    const both = c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X | c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y;
    if (!mono && !fromLuma && !((sequence & both) === both && y.count === 0)) {
      const cb = points(10);
      [grain.num_cb_points, grain.point_cb_value, grain.point_cb_scaling] = [
        cb.count,
        cb.values,
        cb.scaling,
      ];
      const cr = points(10);
      [grain.num_cr_points, grain.point_cr_value, grain.point_cr_scaling] = [
        cr.count,
        cr.values,
        cr.scaling,
      ];
    }
    grain.grain_scaling_minus_8 = bits.bits(2);
    const lag = grain.ar_coeff_lag = bits.bits(2);
    const luma = 2 * lag * (lag + 1);
    const chroma = luma + (y.count ? 1 : 0);
    const coefficients = (count: number) => Array.from({ length: count }, () => bits.bits(8));
    if (y.count) grain.ar_coeffs_y_plus_128 = coefficients(luma);
    if (fromLuma || grain.num_cb_points) grain.ar_coeffs_cb_plus_128 = coefficients(chroma);
    if (fromLuma || grain.num_cr_points) grain.ar_coeffs_cr_plus_128 = coefficients(chroma);
    grain.ar_coeff_shift_minus_6 = bits.bits(2);
    grain.grain_scale_shift = bits.bits(2);
    if (grain.num_cb_points) {
      [grain.cb_mult, grain.cb_luma_mult, grain.cb_offset] = [
        bits.bits(8),
        bits.bits(8),
        bits.bits(9),
      ];
    }
    if (grain.num_cr_points) {
      [grain.cr_mult, grain.cr_luma_mult, grain.cr_offset] = [
        bits.bits(8),
        bits.bits(8),
        bits.bits(9),
      ];
    }
    flag(c.V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP);
    flag(c.V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE);
  }
}

type Control = ReturnType<typeof c.v4l2_ctrl_av1_frame.alloc>;

interface Header {
  control: Control & { tileSizeBytes: number; tileBits: number };
  refresh: number;
  shown: boolean;
  kept: Kept;
}

/** Reads tile_info(). */
function tiles(bits: BitReader, frame: Control, width: number, large: boolean) {
  const log2 = large ? 7 : 6;
  const [across, down] = [width, frame.frame_height_minus_1 + 1].map((n) =>
    Math.ceil(n / 2 ** log2)
  );
  const maxWidth = 4096 >> log2;
  const minColumns = log2Above(maxWidth, across);
  const minTiles = Math.max(minColumns, log2Above(4096 * 2304 >> 2 * log2, across * down));
  const uniform = bits.flag();
  const side = (superblocks: number, least: number, mostWidth: number) => {
    const starts: number[] = [];
    let bitsOfTiles = least;
    if (uniform) {
      const most = log2Above(1, Math.min(superblocks, 64));
      while (bitsOfTiles < most && bits.flag()) bitsOfTiles++;
      const step = Math.ceil(superblocks / 2 ** bitsOfTiles);
      for (let at = 0; at < superblocks; at += step) starts.push(at);
    } else {
      for (let at = 0; at < superblocks;) {
        starts.push(at);
        at += nonSymmetric(bits, Math.min(superblocks - at, mostWidth)) + 1;
      }
      bitsOfTiles = log2Above(1, starts.length);
    }
    return { starts, bitsOfTiles };
  };
  const columns = side(across, minColumns, maxWidth);
  const ends = [...columns.starts.slice(1), across];
  const widest = Math.max(...ends.map((end, i) => end - columns.starts[i]));
  const area = minTiles > 0 ? across * down >> (minTiles + 1) : across * down;
  const minRows = Math.max(minTiles - columns.bitsOfTiles, 0);
  const rows = side(down, minRows, Math.max(Math.floor(area / widest), 1));
  if (uniform) frame.tile_info_flags = c.V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING;
  frame.tile_info_tile_cols = columns.starts.length;
  frame.tile_info_tile_rows = rows.starts.length;
  frame.tile_info_mi_col_starts = columns.starts.map((start) => start << (log2 - 2));
  frame.tile_info_mi_row_starts = rows.starts.map((start) => start << (log2 - 2));
  const tileBits = columns.bitsOfTiles + rows.bitsOfTiles;
  if (tileBits > 0) frame.tile_info_context_update_tile_id = bits.bits(tileBits);
  return { tileSizeBytes: tileBits > 0 ? bits.bits(2) + 1 : 0, tileBits };
}

/** Reads from quantization_params() to delta_lf_params(); says whether the frame is lossless. */
function quantization(
  bits: BitReader,
  frame: Control,
  mono: boolean,
  separate: boolean,
  previous: Kept | undefined,
  intrabc: boolean,
): boolean {
  const delta = () => bits.flag() ? signed(bits, 7) : 0;
  frame.quantization_base_q_idx = bits.bits(8);
  frame.quantization_delta_q_y_dc = delta();
  if (!mono) {
    const different = separate && bits.flag();
    if (different) frame.quantization_flags |= c.V4L2_AV1_QUANTIZATION_FLAG_DIFF_UV_DELTA;
    frame.quantization_delta_q_v_dc = frame.quantization_delta_q_u_dc = delta();
    frame.quantization_delta_q_v_ac = frame.quantization_delta_q_u_ac = delta();
    if (different) {
      [frame.quantization_delta_q_v_dc, frame.quantization_delta_q_v_ac] = [delta(), delta()];
    }
  }
  if (bits.flag()) {
    frame.quantization_flags |= c.V4L2_AV1_QUANTIZATION_FLAG_USING_QMATRIX;
    [frame.quantization_qm_y, frame.quantization_qm_u] = [bits.bits(4), bits.bits(4)];
    frame.quantization_qm_v = separate ? bits.bits(4) : frame.quantization_qm_u;
  }
  const segmented = bits.flag();
  if (segmented) {
    let flags = c.V4L2_AV1_SEGMENTATION_FLAG_ENABLED | c.V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP;
    let update = true;
    if (previous) {
      if (!bits.flag()) flags = c.V4L2_AV1_SEGMENTATION_FLAG_ENABLED;
      else if (bits.flag()) flags |= c.V4L2_AV1_SEGMENTATION_FLAG_TEMPORAL_UPDATE;
      update = bits.flag();
    }
    frame.segmentation_flags = flags;
    const enabled: number[] = new Array(8).fill(0);
    const values: number[] = new Array(64).fill(0);
    for (let at = 0; update && at < 64; at++) {
      if (!bits.flag()) continue;
      const feature = at % 8;
      enabled[at >> 3] |= 1 << feature;
      const width = FEATURE_BITS[feature];
      values[at] = feature < 5 ? signed(bits, width + 1) : bits.bits(width);
    }
    frame.segmentation_feature_enabled = update ? enabled : previous!.featureEnabled;
    frame.segmentation_feature_data = update ? values : previous!.featureData;
  }
  if (frame.quantization_base_q_idx > 0 && bits.flag()) {
    frame.quantization_flags |= c.V4L2_AV1_QUANTIZATION_FLAG_DELTA_Q_PRESENT;
    frame.quantization_delta_q_res = bits.bits(2);
    if (!intrabc && bits.flag()) {
      frame.loop_filter_flags |= c.V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_PRESENT;
      frame.loop_filter_delta_lf_res = bits.bits(2);
      if (bits.flag()) frame.loop_filter_flags |= c.V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_MULTI;
    }
  }
  const deltas = [
    frame.quantization_delta_q_y_dc,
    frame.quantization_delta_q_u_dc,
    frame.quantization_delta_q_u_ac,
    frame.quantization_delta_q_v_dc,
  ];
  if ([...deltas, frame.quantization_delta_q_v_ac].some((value) => value !== 0)) return false;
  const { segmentation_feature_enabled, segmentation_feature_data } = frame;
  return segmentation_feature_enabled.every((enabled, segment) =>
    frame.quantization_base_q_idx +
        (segmented && enabled & 1 ? segmentation_feature_data[8 * segment] : 0) <= 0
  );
}

function skipMode(references: readonly Kept[], now: number, hintBits: number): boolean {
  if (!hintBits) return false;
  const half = 1 << (hintBits - 1);
  const distance = (a: number, b: number) => ((a - b) & (half - 1)) - ((a - b) & half);
  const hints = references.map(({ orderHint }) => orderHint);
  const before = hints.filter((hint) => distance(hint, now) < 0)
    .sort((a, b) => distance(b, a));
  if (before.length === 0) return false;
  return hints.some((hint) => distance(hint, now) > 0) ||
    before.some((hint) => distance(hint, before[0]) < 0);
}

/** Reads global_motion_params(). */
function globalMotion(
  bits: BitReader,
  frame: Control,
  motion: number[],
  previous: readonly number[],
  precise: boolean,
): void {
  const types = new Array<number>(8).fill(0);
  const none = noMotion();
  for (let reference = 1; reference < 8; reference++) {
    const type = !bits.flag() ? 0 : bits.flag() ? 2 : bits.flag() ? 1 : 3;
    types[reference] = type;
    const read = (index: number, width: number, precision: number) => {
      const at = 6 * reference + index;
      const unit = 1 << (16 - precision);
      const r = (previous[at] >> (16 - precision)) - none[at] / unit;
      motion[at] = near(bits, 1 << width, r) * unit + none[at];
    };
    if (type >= 2) {
      read(2, 12, 15);
      read(3, 12, 15);
      if (type === 3) {
        read(4, 12, 15);
        read(5, 12, 15);
      } else {
        motion[6 * reference + 4] = -motion[6 * reference + 3];
        motion[6 * reference + 5] = motion[6 * reference + 2];
      }
    }
    if (type >= 1) {
      const [width, precision] = type > 1 ? [12, 6] : precise ? [9, 3] : [8, 2];
      read(0, width, precision);
      read(1, width, precision);
    }
  }
  frame.global_motion_type = types;
}
