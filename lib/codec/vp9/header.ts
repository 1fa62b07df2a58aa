/**
 * VP9's uncompressed header and superframe index.
 * Source: VP9 Bitstream & Decoding Process Specification 0.7, sections 6.2, 7.2 and annex B.
 *
 * @module
 */
import type { Chroma } from "../access_unit.ts";
import { BitReader } from "../bits/reader.ts";
import * as c from "../../uapi/v4l2_controls_vp9.ts";
import { StreamError } from "../stream_error.ts";

/** Reference slots of a decoder. */
export const VP9_SLOTS = 8;
/** What a frame begins with, two bits. */
export const FRAME_MARKER = 2;
const SYNC_CODE = 0x498342;
export const CS_RGB = 7;
/** The interpolation filters in the order of their code: smooth, regular, sharp, bilinear. */
const INTERPOLATION_FILTERS = [1, 0, 2, 3];
const SWITCHABLE = 4;
/** A tile's width in superblocks of 64 pixels. */
const MIN_TILE_WIDTH = 4;
const MAX_TILE_WIDTH = 64;
const SEGMENTS = 8;
const FEATURE_BITS = [8, 6, 2, 0];
const FEATURE_SIGNED = [true, true, false, false];

/** What a frame's buffer must be able to hold. */
export interface Vp9Format {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly chroma: Chroma;
}

/** One frame of a stream. */
export interface Vp9Frame {
  readonly key: boolean;
  readonly shown: boolean;
  readonly format: Vp9Format;
  /** `struct v4l2_ctrl_vp9_frame`; undefined of a frame that only shows an earlier one. */
  readonly control: Uint8Array<ArrayBuffer> | undefined;
}

type Control = ReturnType<typeof c.v4l2_ctrl_vp9_frame.alloc>;

interface Colour {
  readonly bitDepth: number;
  readonly chroma: Chroma;
  readonly flags: number;
}

const SUBSAMPLING_420 = c.V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | c.V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;

/**
 * The frames in what a container calls a frame.
 *
 * @returns views of `data`; `data` itself where there is no index
 * @throws {StreamError} where the sizes in the index do not fit
 */
export function splitSuperframe(data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const marker = data[data.length - 1];
  if ((marker & 0xe0) !== 0xc0) return [data];
  const count = (marker & 7) + 1;
  const sizeBytes = ((marker >> 3) & 3) + 1;
  const index = data.length - 2 - sizeBytes * count;
  if (index < 0 || data[index] !== marker) return [data];
  const frames = [];
  let start = 0;
  for (let i = 0; i < count; i++) {
    let size = 0;
    for (let byte = sizeBytes - 1; byte >= 0; byte--) {
      size = size * 256 + data[index + 1 + i * sizeBytes + byte];
    }
    if (size > index - start) throw new StreamError("the superframe index does not fit the frames");
    if (size > 0) frames.push(data.subarray(start, start + size));
    start += size;
  }
  return frames;
}

function colourConfig(bits: BitReader, profile: number): Colour {
  let bitDepth = 8;
  if (profile >= 2) bitDepth = bits.flag() ? 12 : 10;
  const allSamples = profile === 1 || profile === 3;
  if (bits.bits(3) === CS_RGB) {
    if (!allSamples) throw new StreamError(`RGB in profile ${profile}`);
    bits.bit();
    return { bitDepth, chroma: "4:4:4", flags: c.V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING };
  }
  const range = bits.flag() ? c.V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING : 0;
  if (!allSamples) return { bitDepth, chroma: "4:2:0", flags: range | SUBSAMPLING_420 };
  const x = bits.flag();
  const y = bits.flag();
  bits.bit();
  if (x && y) throw new StreamError(`4:2:0 in profile ${profile}`);
  if (x) return { bitDepth, chroma: "4:2:2", flags: range | c.V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING };
  if (y) return { bitDepth, chroma: "4:4:0", flags: range | c.V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING };
  return { bitDepth, chroma: "4:4:4", flags: range };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function frameSize(bits: BitReader): Size {
  const width = bits.bits(16) + 1;
  return { width, height: bits.bits(16) + 1 };
}

/** Reads the headers of a stream's frames in decoding order, and keeps what later ones refer to. */
export class Vp9Headers {
  /** What lies in each reference slot. */
  readonly #references: (Vp9Format | undefined)[] = new Array(VP9_SLOTS).fill(undefined);
  #colour: Colour = { bitDepth: 8, chroma: "4:2:0", flags: SUBSAMPLING_420 };
  #refDeltas = [0, 0, 0, 0];
  #modeDeltas = [0, 0];
  #featureData: number[] = new Array(SEGMENTS * FEATURE_BITS.length).fill(0);
  #featureEnabled: number[] = new Array(SEGMENTS).fill(0);
  #absoluteFeatures = false;

  /**
   * Reads one frame's header.
   *
   * @throws {StreamError} where it is no VP9 frame, or refers to a frame that is not there
   */
  read(frame: Uint8Array): Vp9Frame {
    const bits = new BitReader(frame);
    if (bits.bits(2) !== FRAME_MARKER) throw new StreamError("not a VP9 frame");
    const profile = bits.bit() + 2 * bits.bit();
    if (profile === 3 && bits.flag()) throw new StreamError("a VP9 profile beyond 3");
    if (bits.flag()) {
      return { key: false, shown: true, format: this.#reference(bits.bits(3)), control: undefined };
    }
    const key = !bits.flag();
    const shown = bits.flag();
    const resilient = bits.flag();
    const control = c.v4l2_ctrl_vp9_frame.alloc({ profile });
    let intraOnly = false;
    let refresh = 0xff;
    let size: Size;
    if (key) {
      this.#sync(bits);
      this.#colour = colourConfig(bits, profile);
      size = frameSize(bits);
      this.#renderSize(bits, size, control);
    } else {
      intraOnly = !shown && bits.flag();
      control.reset_frame_context = resilient ? 0 : Math.max(0, bits.bits(2) - 1);
      if (intraOnly) {
        this.#sync(bits);
        this.#colour = profile > 0
          ? colourConfig(bits, profile)
          : { bitDepth: 8, chroma: "4:2:0", flags: SUBSAMPLING_420 };
        refresh = bits.bits(8);
        size = frameSize(bits);
        this.#renderSize(bits, size, control);
      } else {
        refresh = bits.bits(8);
        size = this.#interFrame(bits, control);
      }
    }
    const format: Vp9Format = {
      width: size.width,
      height: size.height,
      bitDepth: this.#colour.bitDepth,
      chroma: this.#colour.chroma,
    };

    let flags = control.flags | this.#colour.flags;
    if (key) flags |= c.V4L2_VP9_FRAME_FLAG_KEY_FRAME;
    if (shown) flags |= c.V4L2_VP9_FRAME_FLAG_SHOW_FRAME;
    if (resilient) flags |= c.V4L2_VP9_FRAME_FLAG_ERROR_RESILIENT;
    if (intraOnly) flags |= c.V4L2_VP9_FRAME_FLAG_INTRA_ONLY;
    if (!resilient && bits.flag()) flags |= c.V4L2_VP9_FRAME_FLAG_REFRESH_FRAME_CTX;
    if (resilient || bits.flag()) flags |= c.V4L2_VP9_FRAME_FLAG_PARALLEL_DEC_MODE;
    control.flags = flags;
    const context = bits.bits(2);
    if (key || intraOnly || resilient) this.#forget();
    else control.frame_context_idx = context;

    this.#loopFilter(bits, control);
    control.quant_base_q_idx = bits.bits(8);
    control.quant_delta_q_y_dc = bits.flag() ? bits.signed(4) : 0;
    control.quant_delta_q_uv_dc = bits.flag() ? bits.signed(4) : 0;
    control.quant_delta_q_uv_ac = bits.flag() ? bits.signed(4) : 0;
    this.#segmentation(bits, control);
    tiles(bits, size.width, control);
    control.compressed_header_size = bits.bits(16);
    if (control.compressed_header_size === 0) throw new StreamError("no compressed header");
    control.uncompressed_header_size = bits.bytesRead;
    control.bit_depth = format.bitDepth;
    control.frame_width_minus_1 = size.width - 1;
    control.frame_height_minus_1 = size.height - 1;

    for (let i = 0; i < VP9_SLOTS; i++) if (refresh & (1 << i)) this.#references[i] = format;
    return { key, shown, format, control: control.bytes };
  }

  #reference(slot: number): Vp9Format {
    const format = this.#references[slot];
    if (!format) throw new StreamError(`refers to slot ${slot}, where no frame has been put`);
    return format;
  }

  #sync(bits: BitReader): void {
    if (bits.bits(24) !== SYNC_CODE) throw new StreamError("wrong VP9 sync code");
  }

  #renderSize(bits: BitReader, size: Size, control: Control): void {
    const { width, height } = bits.flag() ? frameSize(bits) : size;
    control.render_width_minus_1 = width - 1;
    control.render_height_minus_1 = height - 1;
  }

  /** From the references to the interpolation filter; gives the size, its own or a reference's. */
  #interFrame(bits: BitReader, control: Control): Size {
    const references = [0, 1, 2].map((i) => {
      const reference = this.#reference(bits.bits(3));
      control.ref_frame_sign_bias |= bits.bit() << i;
      return reference;
    });
    const size = references.find(() => bits.flag()) ?? frameSize(bits);
    this.#renderSize(bits, size, control);
    if (bits.flag()) control.flags |= c.V4L2_VP9_FRAME_FLAG_ALLOW_HIGH_PREC_MV;
    control.interpolation_filter = bits.flag() ? SWITCHABLE : INTERPOLATION_FILTERS[bits.bits(2)];
    return size;
  }

  /** What a frame that refers to none starts from. */
  #forget(): void {
    this.#refDeltas = [1, 0, -1, -1];
    this.#modeDeltas = [0, 0];
    this.#featureData.fill(0);
    this.#featureEnabled.fill(0);
    this.#absoluteFeatures = false;
  }

  #loopFilter(bits: BitReader, control: Control): void {
    control.lf_level = bits.bits(6);
    control.lf_sharpness = bits.bits(3);
    if (bits.flag()) {
      control.lf_flags = c.V4L2_VP9_LOOP_FILTER_FLAG_DELTA_ENABLED;
      if (bits.flag()) {
        control.lf_flags |= c.V4L2_VP9_LOOP_FILTER_FLAG_DELTA_UPDATE;
        for (const deltas of [this.#refDeltas, this.#modeDeltas]) {
          for (let i = 0; i < deltas.length; i++) if (bits.flag()) deltas[i] = bits.signed(6);
        }
      }
    }
    control.lf_ref_deltas = this.#refDeltas;
    control.lf_mode_deltas = this.#modeDeltas;
  }

  #segmentation(bits: BitReader, control: Control): void {
    if (!bits.flag()) return;
    let flags = c.V4L2_VP9_SEGMENTATION_FLAG_ENABLED;
    const probability = () => bits.flag() ? bits.bits(8) : 255;
    if (bits.flag()) {
      flags |= c.V4L2_VP9_SEGMENTATION_FLAG_UPDATE_MAP;
      control.seg_tree_probs = Array.from({ length: 7 }, probability);
      const temporal = bits.flag();
      if (temporal) flags |= c.V4L2_VP9_SEGMENTATION_FLAG_TEMPORAL_UPDATE;
      control.seg_pred_probs = Array.from({ length: 3 }, () => temporal ? probability() : 255);
    }
    if (bits.flag()) {
      flags |= c.V4L2_VP9_SEGMENTATION_FLAG_UPDATE_DATA;
      this.#absoluteFeatures = bits.flag();
      this.#features(bits);
    }
    if (this.#absoluteFeatures) flags |= c.V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE;
    control.seg_flags = flags;
    control.seg_feature_data = this.#featureData;
    control.seg_feature_enabled = this.#featureEnabled;
  }

  #features(bits: BitReader): void {
    this.#featureData.fill(0);
    this.#featureEnabled.fill(0);
    for (let segment = 0; segment < SEGMENTS; segment++) {
      for (const [feature, width] of FEATURE_BITS.entries()) {
        if (!bits.flag()) continue;
        this.#featureEnabled[segment] |= 1 << feature;
        const value = FEATURE_SIGNED[feature] ? bits.signed(width) : bits.bits(width);
        this.#featureData[segment * FEATURE_BITS.length + feature] = value;
      }
    }
  }
}

function tiles(bits: BitReader, width: number, control: Control): void {
  const superblocks = Math.ceil(width / 64);
  let columns = 0;
  while ((MAX_TILE_WIDTH << columns) < superblocks) columns++;
  let most = 1;
  while ((superblocks >> most) >= MIN_TILE_WIDTH) most++;
  most--;
  while (columns < most && bits.flag()) columns++;
  control.tile_cols_log2 = columns;
  if (bits.flag()) control.tile_rows_log2 = 1 + bits.bit();
}
