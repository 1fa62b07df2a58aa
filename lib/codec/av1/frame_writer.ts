/**
 * AV1's frame header from the control that stands for it.
 * Source: AV1 Bitstream & Decoding Process Specification, sections 5.9 and 7.20.
 *
 * Every frame is written as one that is shown, so that a decoder gives out its picture: a client
 * shows it when it likes. Of what a header may take from other frames, all is written out but the
 * global motion, which only exists as a difference.
 *
 * @module
 */
import type { Field } from "../../uapi/struct.ts";
import * as c from "../../uapi/v4l2_controls_av1.ts";
import { type Av1GrainControl, writeAv1Grain } from "./grain_writer.ts";
import { writeAv1Motion } from "./motion_writer.ts";
import { AV1_NO_MOTION, AV1_SLOTS, Av1References } from "./references.ts";
import { AV1_SIZE_BITS, type Av1SequenceControl } from "./sequence_writer.ts";
import { writeAv1Tiles } from "./tiles_writer.ts";
import type { BitWriter } from "../bits/writer.ts";
import { sameBytes } from "../same_bytes.ts";
import { StreamError } from "../stream_error.ts";

const KEY_FRAME = 0;
const INTER_FRAME = 1;
const INTRA_ONLY_FRAME = 2;
const SWITCH_FRAME = 3;

const ALL_SLOTS = 0xff;
const REFERENCES = 7;
const NO_PRIMARY_REFERENCE = 7;
const SEGMENTS = 8;
/** Bits of each segment feature's value, and whether there is a sign in front of them. */
const FEATURE_BITS = [8, 6, 6, 6, 6, 3, 0, 0];
const FEATURE_SIGNED = [true, true, true, true, true, false, false, false];
const DELTA_BITS = 7;
const SUPERRES_NUM = 8;
const SUPERRES_DENOM_MIN = 9;
const SUPERRES_DENOM_BITS = 3;
const INTERPOLATION_SWITCHABLE = 4;
/** lr_type by V4L2_AV1_FRAME_RESTORE_*. */
const RESTORATION_TYPES = [0, 2, 3, 1];
const RESTORATION_SIZES = [64, 128, 256];
const TX_MODE_LARGEST = 1;
const TX_MODE_SELECT = 2;

type Place = Pick<Field<unknown>, "offset" | "size">;

/** The control, and its arrays over the same memory: reading them allocates nothing. */
function frameControl() {
  const view = c.v4l2_ctrl_av1_frame.alloc();
  const { buffer } = view.bytes;
  const { fields } = c.v4l2_ctrl_av1_frame;
  const u8s = ({ offset, size }: Place) => new Uint8Array(buffer, offset, size);
  const s8s = ({ offset, size }: Place) => new Int8Array(buffer, offset, size);
  const s16s = ({ offset, size }: Place) => new Int16Array(buffer, offset, size / 2);
  const s32s = ({ offset, size }: Place) => new Int32Array(buffer, offset, size / 4);
  const u32s = ({ offset, size }: Place) => new Uint32Array(buffer, offset, size / 4);
  return {
    view,
    miColStarts: u32s(fields.tile_info_mi_col_starts),
    miRowStarts: u32s(fields.tile_info_mi_row_starts),
    featureEnabled: u8s(fields.segmentation_feature_enabled),
    featureData: s16s(fields.segmentation_feature_data),
    level: u8s(fields.loop_filter_level),
    refDeltas: s8s(fields.loop_filter_ref_deltas),
    modeDeltas: s8s(fields.loop_filter_mode_deltas),
    yPriStrength: u8s(fields.cdef_y_pri_strength),
    ySecStrength: u8s(fields.cdef_y_sec_strength),
    uvPriStrength: u8s(fields.cdef_uv_pri_strength),
    uvSecStrength: u8s(fields.cdef_uv_sec_strength),
    restorationType: u32s(fields.loop_restoration_frame_restoration_type),
    restorationSize: u32s(fields.loop_restoration_loop_restoration_size),
    globalMotionType: u32s(fields.global_motion_type),
    globalMotionParams: s32s(fields.global_motion_params),
    referenceFrameTs: u32s(fields.reference_frame_ts),
    refFrameIdx: s8s(fields.ref_frame_idx),
  };
}

/** Takes a control's payload over. */
function load({ bytes }: { bytes: Uint8Array }, payload: Uint8Array, what: string): void {
  if (payload.length !== bytes.length) throw new StreamError(`${what} of ${payload.length} bytes`);
  bytes.set(payload);
}

/** Writes the frame headers of one stream, in decoding order. */
export class Av1FrameWriter {
  readonly #bits: BitWriter;
  readonly #references = new Av1References();
  readonly #sequence: Av1SequenceControl = c.v4l2_ctrl_av1_sequence.alloc();
  readonly #grain: Av1GrainControl = c.v4l2_ctrl_av1_film_grain.alloc();
  readonly #arrays = frameControl();
  readonly #frame = this.#arrays.view;
  /** The decoder's slot of each reference. */
  readonly #slots = new Int32Array(REFERENCES);
  readonly #motion = new Int32Array(AV1_NO_MOTION);
  // Of the frame that is being written.
  #refresh = 0;
  #intra = false;
  #resilient = false;
  #intrabc = false;
  #precise = false;
  #width = 0;

  constructor(bits: BitWriter) {
    this.#bits = bits;
  }

  /** The sequence that `load` had. */
  get sequence(): Av1SequenceControl {
    return this.#sequence;
  }

  /** How many tiles the frame has. */
  get tiles(): number {
    return this.#frame.tile_info_tile_cols * this.#frame.tile_info_tile_rows;
  }

  /**
   * Takes a frame's controls over.
   *
   * @param grain where the client gives it
   * @throws {StreamError} a control of another size
   */
  load(sequence: Uint8Array, frame: Uint8Array, grain: Uint8Array | undefined): void {
    // A decoder forgets all frames at a sequence header that is not the last one.
    if (!sameBytes(this.#sequence.bytes, sequence)) this.#references.clear();
    load(this.#sequence, sequence, "a sequence");
    load(this.#frame, frame, "a frame");
    if (grain) load(this.#grain, grain, "film grain");
    else this.#grain.bytes.fill(0);
  }

  /** Forgets all frames: the next one stands alone. */
  clear(): void {
    this.#references.clear();
  }

  /**
   * The frame was sent to the decoder: others may refer to it.
   *
   * @param low,high words of its timestamp
   */
  keep(low: number, high: number): void {
    this.#references.put(this.#refresh, low, high, this.#frame.order_hint, this.#motion);
  }

  /** The decoder has no frame of that timestamp, which is given as to `keep`. */
  drop(low: number, high: number): void {
    this.#references.drop(low, high);
  }

  #has(mask: number): boolean {
    return (this.#frame.flags & mask) !== 0;
  }

  #flag(mask: number): boolean {
    const set = (this.#frame.flags & mask) !== 0;
    this.#bits.flag(set);
    return set;
  }

  #enabled(mask: number): boolean {
    return (this.#sequence.flags & mask) !== 0;
  }

  get #planes(): number {
    return this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME) ? 1 : 3;
  }

  /** Bits of an order hint; 0 without. */
  get #hintBits(): number {
    const { order_hint_bits } = this.#sequence;
    return this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT) ? order_hint_bits : 0;
  }

  /**
   * Writes the header, without what ends it.
   *
   * @throws {StreamError} no header can say what the controls do, or a reference is not there
   */
  write(): void {
    const bits = this.#bits;
    const frame = this.#frame;
    const refresh = frame.refresh_frame_flags;
    let type = frame.frame_type;
    // A key frame that is shown goes into all slots. One that does not is decoded like this.
    if (type === KEY_FRAME && refresh !== ALL_SLOTS) type = INTRA_ONLY_FRAME;
    const restart = type === KEY_FRAME || type === SWITCH_FRAME;
    const { referenceFrameTs } = this.#arrays;
    if (restart) this.#refresh = ALL_SLOTS;
    else this.#refresh = refresh && 1 << this.#references.free(referenceFrameTs, refresh);
    this.#intra = type === KEY_FRAME || type === INTRA_ONLY_FRAME;
    this.#resilient = restart || this.#has(c.V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE);
    if (!this.#intra) this.#findReferences();

    // show_existing_frame
    bits.flag(false);
    bits.bits(type, 2);
    // show_frame
    bits.flag(true);
    if (!restart) bits.flag(this.#resilient);
    const cdfUpdate = !this.#flag(c.V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE);
    const screenContent = this.#flag(c.V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS);
    const integerMv = screenContent && this.#flag(c.V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV);
    const { max_frame_width_minus_1, max_frame_height_minus_1 } = this.#sequence;
    const ownSize = type === SWITCH_FRAME || frame.upscaled_width !== max_frame_width_minus_1 + 1 ||
      frame.frame_height_minus_1 !== max_frame_height_minus_1;
    if (type !== SWITCH_FRAME) bits.flag(ownSize);
    const hintBits = this.#hintBits;
    if (hintBits) bits.bits(frame.order_hint, hintBits);
    let primary = NO_PRIMARY_REFERENCE;
    if (!this.#intra && !this.#resilient) bits.bits(primary = frame.primary_ref_frame, 3);
    if (!restart) bits.bits(this.#refresh, AV1_SLOTS);
    if ((!this.#intra || this.#refresh !== ALL_SLOTS) && this.#resilient && hintBits) {
      for (let i = 0; i < AV1_SLOTS; i++) {
        bits.bits(this.#references.slots[i].orderHint, hintBits);
      }
    }
    if (this.#intra) this.#writeIntra(ownSize, screenContent);
    else this.#writeInter(ownSize, integerMv);
    if (cdfUpdate) this.#flag(c.V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF);
    this.#writeTiles();
    this.#writeQuantization();
    this.#writeSegmentation(primary);
    this.#writeDeltas();
    this.#writeFilters();
    this.#writeModes(primary);
    if (!this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT)) return;
    writeAv1Grain(bits, this.#grain, this.#sequence, type === INTER_FRAME, this.#grainSlot);
  }

  #findReferences(): void {
    const { refFrameIdx } = this.#arrays;
    for (let i = 0; i < REFERENCES; i++) this.#slots[i] = this.#slotOf(refFrameIdx[i]);
  }

  /** The decoder's slot with the frame that is in one of the client's. */
  #slotOf(index: number): number {
    const { referenceFrameTs: words } = this.#arrays;
    if (index < 0 || index >= AV1_SLOTS) throw new StreamError(`reference slot ${index}`);
    const slot = this.#references.find(words[2 * index], words[2 * index + 1]);
    if (slot < 0) throw new StreamError("refers to a frame that is not there");
    return slot;
  }

  readonly #grainSlot = () => this.#slotOf(this.#grain.film_grain_params_ref_idx);

  #writeIntra(ownSize: boolean, screenContent: boolean): void {
    this.#writeSize(ownSize);
    this.#intrabc = screenContent && this.#width === this.#frame.upscaled_width &&
      this.#flag(c.V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC);
  }

  #writeInter(ownSize: boolean, integerMv: boolean): void {
    const bits = this.#bits;
    const { interpolation_filter } = this.#frame;
    this.#intrabc = false;
    // frame_refs_short_signaling
    if (this.#hintBits) bits.flag(false);
    for (let i = 0; i < REFERENCES; i++) bits.bits(this.#slots[i], 3);
    // found_ref
    if (ownSize && !this.#resilient) bits.bits(0, REFERENCES);
    this.#writeSize(ownSize);
    this.#precise = !integerMv && this.#flag(c.V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV);
    bits.flag(interpolation_filter === INTERPOLATION_SWITCHABLE);
    if (interpolation_filter !== INTERPOLATION_SWITCHABLE) bits.bits(interpolation_filter, 2);
    this.#flag(c.V4L2_AV1_FRAME_FLAG_IS_MOTION_MODE_SWITCHABLE);
    if (this.#resilient || !this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS)) return;
    this.#flag(c.V4L2_AV1_FRAME_FLAG_USE_REF_FRAME_MVS);
  }

  #writeSize(own: boolean): void {
    const bits = this.#bits;
    const { upscaled_width, frame_height_minus_1, superres_denom } = this.#frame;
    if (own) {
      bits.bits(upscaled_width - 1, AV1_SIZE_BITS);
      bits.bits(frame_height_minus_1, AV1_SIZE_BITS);
    }
    this.#width = upscaled_width;
    if (
      this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES) &&
      this.#flag(c.V4L2_AV1_FRAME_FLAG_USE_SUPERRES)
    ) {
      bits.bits(superres_denom - SUPERRES_DENOM_MIN, SUPERRES_DENOM_BITS);
      const rounded = upscaled_width * SUPERRES_NUM + (superres_denom >> 1);
      this.#width = Math.floor(rounded / superres_denom);
    }
    // render_and_frame_size_different: nothing is decoded by it
    bits.flag(false);
  }

  #writeTiles(): void {
    const frame = this.#frame;
    const { miColStarts, miRowStarts } = this.#arrays;
    writeAv1Tiles(
      this.#bits,
      this.#width,
      frame.frame_height_minus_1 + 1,
      this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK) ? 7 : 6,
      (frame.tile_info_flags & c.V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING) !== 0,
      frame.tile_info_tile_cols,
      miColStarts,
      frame.tile_info_tile_rows,
      miRowStarts,
      frame.tile_info_context_update_tile_id,
    );
  }

  #writeQuantization(): void {
    const bits = this.#bits;
    const frame = this.#frame;
    const flags = frame.quantization_flags;
    bits.bits(frame.quantization_base_q_idx, 8);
    this.#writeDeltaQ(frame.quantization_delta_q_y_dc);
    const separate = this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q);
    if (this.#planes > 1) {
      const different = separate && (flags & c.V4L2_AV1_QUANTIZATION_FLAG_DIFF_UV_DELTA) !== 0;
      if (separate) bits.flag(different);
      this.#writeDeltaQ(frame.quantization_delta_q_u_dc);
      this.#writeDeltaQ(frame.quantization_delta_q_u_ac);
      if (different) {
        this.#writeDeltaQ(frame.quantization_delta_q_v_dc);
        this.#writeDeltaQ(frame.quantization_delta_q_v_ac);
      }
    }
    const matrix = (flags & c.V4L2_AV1_QUANTIZATION_FLAG_USING_QMATRIX) !== 0;
    bits.flag(matrix);
    if (!matrix) return;
    bits.bits(frame.quantization_qm_y, 4);
    bits.bits(frame.quantization_qm_u, 4);
    if (separate) bits.bits(frame.quantization_qm_v, 4);
  }

  #writeDeltaQ(delta: number): void {
    this.#bits.flag(delta !== 0);
    if (delta !== 0) this.#bits.signed(delta, DELTA_BITS);
  }

  #writeSegmentation(primary: number): void {
    const bits = this.#bits;
    const { segmentation_flags: flags } = this.#frame;
    const { featureEnabled, featureData } = this.#arrays;
    const enabled = (flags & c.V4L2_AV1_SEGMENTATION_FLAG_ENABLED) !== 0;
    bits.flag(enabled);
    if (!enabled) return;
    if (primary !== NO_PRIMARY_REFERENCE) {
      const updateMap = (flags & c.V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP) !== 0;
      bits.flag(updateMap);
      if (updateMap) bits.flag((flags & c.V4L2_AV1_SEGMENTATION_FLAG_TEMPORAL_UPDATE) !== 0);
      // segmentation_update_data
      bits.flag(true);
    }
    for (let segment = 0; segment < SEGMENTS; segment++) {
      for (let feature = 0; feature < FEATURE_BITS.length; feature++) {
        const set = (featureEnabled[segment] >> feature & 1) === 1;
        bits.flag(set);
        if (!set) continue;
        const value = featureData[segment * FEATURE_BITS.length + feature];
        if (FEATURE_SIGNED[feature]) bits.signed(value, 1 + FEATURE_BITS[feature]);
        else bits.bits(value, FEATURE_BITS[feature]);
      }
    }
  }

  /** delta_q_params() and delta_lf_params(). */
  #writeDeltas(): void {
    const bits = this.#bits;
    const frame = this.#frame;
    if (frame.quantization_base_q_idx === 0) return;
    const deltaQ = (frame.quantization_flags & c.V4L2_AV1_QUANTIZATION_FLAG_DELTA_Q_PRESENT) !== 0;
    bits.flag(deltaQ);
    if (!deltaQ) return;
    bits.bits(frame.quantization_delta_q_res, 2);
    if (this.#intrabc) return;
    const deltaLf = (frame.loop_filter_flags & c.V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_PRESENT) !== 0;
    bits.flag(deltaLf);
    if (!deltaLf) return;
    bits.bits(frame.loop_filter_delta_lf_res, 2);
    bits.flag((frame.loop_filter_flags & c.V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_MULTI) !== 0);
  }

  /** CodedLossless: every segment is. */
  get #lossless(): boolean {
    const frame = this.#frame;
    const { featureEnabled, featureData } = this.#arrays;
    if (frame.quantization_delta_q_y_dc || this.#planes > 1 && this.#chromaDeltas) return false;
    const segmented = (frame.segmentation_flags & c.V4L2_AV1_SEGMENTATION_FLAG_ENABLED) !== 0;
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const own = segmented && (featureEnabled[segment] & 1) === 1;
      const delta = own ? featureData[segment * FEATURE_BITS.length] : 0;
      if (frame.quantization_base_q_idx + delta > 0) return false;
    }
    return true;
  }

  get #chromaDeltas(): boolean {
    const frame = this.#frame;
    const different = this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q) &&
      (frame.quantization_flags & c.V4L2_AV1_QUANTIZATION_FLAG_DIFF_UV_DELTA) !== 0;
    return frame.quantization_delta_q_u_dc !== 0 || frame.quantization_delta_q_u_ac !== 0 ||
      different && (frame.quantization_delta_q_v_dc !== 0 || frame.quantization_delta_q_v_ac !== 0);
  }

  /** From loop_filter_params() to read_tx_mode(). */
  #writeFilters(): void {
    const lossless = this.#lossless;
    if (!lossless && !this.#intrabc) {
      this.#writeLoopFilter();
      if (this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF)) this.#writeCdef();
    }
    const scaled = this.#width !== this.#frame.upscaled_width;
    if (
      (!lossless || scaled) && !this.#intrabc &&
      this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION)
    ) this.#writeRestoration();
    if (lossless) return;
    const { tx_mode } = this.#frame;
    if (tx_mode !== TX_MODE_LARGEST && tx_mode !== TX_MODE_SELECT) {
      throw new StreamError(`tx_mode ${tx_mode} of a frame with losses`);
    }
    this.#bits.flag(tx_mode === TX_MODE_SELECT);
  }

  #writeLoopFilter(): void {
    const bits = this.#bits;
    const { loop_filter_flags, loop_filter_sharpness } = this.#frame;
    const { level, refDeltas, modeDeltas } = this.#arrays;
    bits.bits(level[0], 6);
    bits.bits(level[1], 6);
    if (this.#planes > 1 && (level[0] || level[1])) {
      bits.bits(level[2], 6);
      bits.bits(level[3], 6);
    }
    bits.bits(loop_filter_sharpness, 3);
    const deltas = (loop_filter_flags & c.V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED) !== 0;
    bits.flag(deltas);
    if (!deltas) return;
    // loop_filter_delta_update
    bits.flag(true);
    for (let i = 0; i < refDeltas.length; i++) this.#writeDelta(refDeltas[i]);
    for (let i = 0; i < modeDeltas.length; i++) this.#writeDelta(modeDeltas[i]);
  }

  #writeDelta(delta: number): void {
    this.#bits.flag(true);
    this.#bits.signed(delta, DELTA_BITS);
  }

  #writeCdef(): void {
    const bits = this.#bits;
    const { cdef_damping_minus_3, cdef_bits } = this.#frame;
    const { yPriStrength, ySecStrength, uvPriStrength, uvSecStrength } = this.#arrays;
    bits.bits(cdef_damping_minus_3, 2);
    bits.bits(cdef_bits, 2);
    for (let i = 0; i < 1 << cdef_bits; i++) {
      this.#writeStrength(yPriStrength[i], ySecStrength[i]);
      if (this.#planes > 1) this.#writeStrength(uvPriStrength[i], uvSecStrength[i]);
    }
  }

  #writeStrength(primary: number, secondary: number): void {
    this.#bits.bits(primary, 4);
    // A 3 in the bitstream stands for 4.
    this.#bits.bits(secondary === 4 ? 3 : secondary, 2);
  }

  #writeRestoration(): void {
    const bits = this.#bits;
    const { restorationType: types, restorationSize: sizes } = this.#arrays;
    let luma = false;
    let chroma = false;
    for (let plane = 0; plane < this.#planes; plane++) {
      const type = types[plane];
      if (type >= RESTORATION_TYPES.length) throw new StreamError(`loop restoration ${type}`);
      bits.bits(RESTORATION_TYPES[type], 2);
      if (plane === 0) luma = type > 0;
      else chroma ||= type > 0;
    }
    if (!luma && !chroma) return;
    const shift = RESTORATION_SIZES.indexOf(sizes[0]);
    if (shift < 0) throw new StreamError(`loop restoration in units of ${sizes[0]}`);
    if (this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK)) bits.bits(shift - 1, 1);
    else {
      bits.flag(shift > 0);
      if (shift > 0) bits.flag(shift > 1);
    }
    const subsampled = this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X) &&
      this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y);
    if (chroma && subsampled) bits.flag(sizes[1] < sizes[0]);
  }

  /** From frame_reference_mode() to global_motion_params(). */
  #writeModes(primary: number): void {
    const bits = this.#bits;
    if (this.#intra) {
      this.#flag(c.V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET);
      this.#motion.set(AV1_NO_MOTION);
      return;
    }
    const compound = this.#flag(c.V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT);
    if (compound && this.#skipModeAllowed) this.#flag(c.V4L2_AV1_FRAME_FLAG_SKIP_MODE_PRESENT);
    if (!this.#resilient && this.#enabled(c.V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION)) {
      this.#flag(c.V4L2_AV1_FRAME_FLAG_ALLOW_WARPED_MOTION);
    }
    this.#flag(c.V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET);
    const { globalMotionType, globalMotionParams } = this.#arrays;
    const previous = primary === NO_PRIMARY_REFERENCE
      ? AV1_NO_MOTION
      : this.#references.slots[this.#slots[primary]].motion;
    const precise = this.#precise;
    writeAv1Motion(bits, globalMotionType, globalMotionParams, previous, precise, this.#motion);
  }

  /** How much later `a` is than `b`, both order hints. */
  #distance(a: number, b: number): number {
    const half = 1 << (this.#hintBits - 1);
    const difference = a - b;
    return (difference & (half - 1)) - (difference & half);
  }

  /** Whether there is a frame to both sides, or two frames before this one: section 5.9.22. */
  get #skipModeAllowed(): boolean {
    if (!this.#hintBits) return false;
    const { order_hint } = this.#frame;
    let forward = -1;
    let backward = -1;
    for (let i = 0; i < REFERENCES; i++) {
      const hint = this.#references.slots[this.#slots[i]].orderHint;
      const distance = this.#distance(hint, order_hint);
      if (distance > 0) backward = hint;
      else if (distance < 0 && (forward < 0 || this.#distance(hint, forward) > 0)) forward = hint;
    }
    if (forward < 0 || backward >= 0) return forward >= 0;
    for (let i = 0; i < REFERENCES; i++) {
      const hint = this.#references.slots[this.#slots[i]].orderHint;
      if (this.#distance(hint, forward) < 0) return true;
    }
    return false;
  }
}
