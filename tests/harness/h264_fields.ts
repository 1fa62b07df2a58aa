/**
 * H.264 of field pictures, written bit by bit, as no encoder of FFmpeg's makes it: samples as they are, or copied
 * from a field that is named. So what is right in each sample is known without a decoder.
 * Source: ITU-T H.264, sections 7.3.3 to 7.3.5, 8.2.4.2 and 8.2.5.3.
 *
 * @module
 */
import { writeUnit } from "../../lib/codec/annexb.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { ppsUnit, spsUnit } from "../../lib/codec/h264/sps_writer.ts";
import { concatenate } from "../../lib/files/files.ts";
import * as c from "../../lib/uapi/v4l2_controls_h264.ts";
import {
  ACROSS,
  blank,
  BOTTOM,
  copyBlock,
  copyOfFrame,
  copySamples,
  FIELDS_HEIGHT,
  FIELDS_WIDTH,
  fieldSamples,
  type Parity,
  type Samples,
  TOP,
  woven,
} from "./field_samples.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const FIELD_MACROBLOCKS = ACROSS * FIELDS_HEIGHT / 32;

const FRAME_NUM_BITS = 4;
const POC_BITS = 8;
const REFERENCE_FRAMES = 2;
const MAIN_PROFILE = 77;

const I_PCM = 25;
const P_L0_16X16 = 0;

/** A picture to be coded. */
export interface FieldRecipe {
  /** Which field; undefined of a frame. */
  readonly parity?: Parity;
  /**
   * Samples of its own; or which place of the reference list its columns of macroblocks are copied from, by
   * turns. A frame has no samples of its own.
   */
  readonly from: "samples" | readonly number[];
  /** Begins the next frame. It goes on with the last one, as its other field, without. */
  readonly begins?: true;
  readonly idr?: true;
  /** No picture refers to it. */
  readonly unused?: true;
  /** How many slices it is of; 1 without. */
  readonly slices?: 1 | 2;
}

/** A frame, or what there is of one. */
interface Stored {
  readonly frame: number;
  readonly frameNum: number;
  readonly fields: [Samples | undefined, Samples | undefined];
  /** Which of them may be referred to. */
  readonly marked: [boolean, boolean];
}

/** A frame that may be referred to, and which fields of it: V4L2_H264_TOP_FIELD_REF and so on. */
export interface FieldReference {
  readonly frame: number;
  readonly fields: number;
  readonly frameNum: number;
}

/** A coded picture. */
export interface FieldPicture {
  /** Number of its frame, from 0 on; the fields of one frame have the same. */
  readonly frame: number;
  readonly parity?: Parity;
  readonly idr: boolean;
  readonly frameNum: number;
  /** NAL units with start codes. */
  readonly slices: readonly Bytes[];
  /** What it may refer to, its own first field included. */
  readonly references: readonly FieldReference[];
}

const latestFirst = (a: Stored, b: Stored) => b.frameNum - a.frameNum;

/** Codes one stream, of at most 16 frames behind an IDR picture. */
export class FieldEncoder {
  readonly #bits = new BitWriter();
  /** That may be referred to. */
  #stored: Stored[] = [];
  #frames: Stored[] = [];
  #referenceNum = -1;
  #seed = 0;
  #idrs = 0;
  /** Number of the frame of the latest IDR picture. */
  #first = 0;

  /** `struct v4l2_ctrl_h264_sps` */
  readonly sps = c.v4l2_ctrl_h264_sps.alloc({
    profile_idc: MAIN_PROFILE,
    level_idc: 30,
    chroma_format_idc: 1,
    log2_max_frame_num_minus4: FRAME_NUM_BITS - 4,
    log2_max_pic_order_cnt_lsb_minus4: POC_BITS - 4,
    max_num_ref_frames: REFERENCE_FRAMES,
    pic_width_in_mbs_minus1: ACROSS - 1,
    pic_height_in_map_units_minus1: FIELDS_HEIGHT / 32 - 1,
    flags: c.V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE,
  });
  /** `struct v4l2_ctrl_h264_pps` */
  readonly pps = c.v4l2_ctrl_h264_pps.alloc({
    flags: c.V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT,
  });

  /** Both parameter sets, as a stream has them that has its headers in band. */
  get parameterSets(): Bytes {
    const matrix = c.v4l2_ctrl_h264_scaling_matrix.alloc();
    return concatenate([
      spsUnit(this.#bits, this.sps),
      ppsUnit(this.#bits, this.pps, this.sps, matrix),
    ]);
  }

  /** Codes a picture. */
  code(recipe: FieldRecipe): FieldPicture {
    const { parity, begins, idr = false, unused = false } = recipe;
    if (idr) {
      this.#stored = [];
      this.#referenceNum = -1;
      this.#idrs++;
      this.#first = this.#frames.length;
    }
    if (begins) this.#begin(unused);
    const current = this.#frames.at(-1)!;
    const list = this.#listFor(current, parity);
    const references = this.#references();
    const slices = this.#slices(recipe, current, list);
    if (!unused) {
      if (parity !== BOTTOM) current.marked[TOP] = true;
      if (parity !== TOP) current.marked[BOTTOM] = true;
    }
    const { frame, frameNum } = current;
    return { frame, parity, idr, frameNum, slices, references };
  }

  #begin(unused: boolean): void {
    const frameNum = this.#referenceNum + 1;
    const begun: Stored = {
      frame: this.#frames.length,
      frameNum,
      fields: [undefined, undefined],
      marked: [false, false],
    };
    this.#frames.push(begun);
    if (unused) return;
    this.#referenceNum = frameNum;
    this.#stored.sort(latestFirst).splice(REFERENCE_FRAMES);
    // The first field is a reference of the second one; the oldest frame leaves when the first one is there.
    this.#stored.unshift(begun);
  }

  /** The pictures that one may refer to, in the order of the list. */
  #listFor(current: Stored, parity: Parity | undefined): Samples[][] {
    const stored = this.#usable(current);
    if (parity === undefined) {
      return stored.filter(({ marked }) => marked[TOP] && marked[BOTTOM])
        .map(({ fields }) => [fields[TOP]!, fields[BOTTOM]!]);
    }
    const of = (which: Parity) =>
      stored.filter(({ marked }) => marked[which]).map(({ fields }) => [fields[which]!]);
    const sides = [of(parity), of(parity === TOP ? BOTTOM : TOP)];
    const list: Samples[][] = [];
    // By turns, beginning with its own parity; what is left when one side has no more.
    for (let side = 0; sides[side].length > 0; side = 1 - side) list.push(sides[side].shift()!);
    return [...list, ...sides.flat()];
  }

  /** Those that are there when a picture of the current frame is decoded. */
  #usable(current: Stored): Stored[] {
    const other = current.marked[TOP] || current.marked[BOTTOM];
    const behind = this.#stored.filter((stored) => stored !== current);
    const kept = other ? REFERENCE_FRAMES - 1 : REFERENCE_FRAMES;
    return [...other ? [current] : [], ...behind.slice(0, kept)];
  }

  #references(): FieldReference[] {
    return this.#usable(this.#frames.at(-1)!).map(({ frame, frameNum, marked }) => ({
      frame,
      frameNum,
      fields: (marked[TOP] ? c.V4L2_H264_TOP_FIELD_REF : 0) |
        (marked[BOTTOM] ? c.V4L2_H264_BOTTOM_FIELD_REF : 0),
    })).filter(({ fields }) => fields !== 0);
  }

  #slices(recipe: FieldRecipe, current: Stored, list: readonly Samples[][]): Bytes[] {
    const { parity, from, slices = 1 } = recipe;
    const made = from === "samples" ? fieldSamples(this.#seed++) : blank();
    const sides = parity === undefined ? [made, blank()] : [made];
    const count = FIELD_MACROBLOCKS * sides.length;
    const parts = Array.from({ length: slices }, (_, part) => {
      const [first, end] = [count * part / slices, count * (part + 1) / slices];
      this.#sliceHeader(recipe, current, first, list.length);
      for (let macroblock = first; macroblock < end; macroblock++) {
        if (from === "samples") this.#pcm(made, macroblock);
        else this.#copied(from[macroblock % ACROSS % from.length], list, macroblock, sides);
      }
      this.#bits.stop();
      const refIdc = recipe.unused ? 0 : 3;
      return writeUnit([refIdc << 5 | (recipe.idr ? 5 : 1)], this.#bits.bytes).slice(1);
    });
    if (parity !== undefined) current.fields[parity] = made;
    else [current.fields[TOP], current.fields[BOTTOM]] = sides;
    return parts;
  }

  #sliceHeader(recipe: FieldRecipe, current: Stored, first: number, references: number): void {
    const { parity, from, idr, unused } = recipe;
    const bits = this.#bits;
    const inter = from !== "samples";
    bits.clear();
    bits.exponential(first, 255);
    // All slices of the picture are of type I or P.
    bits.exponential(inter ? 5 : 7, 9);
    bits.exponential(0, 0);
    bits.bits(current.frameNum, FRAME_NUM_BITS);
    bits.flag(parity !== undefined);
    if (parity !== undefined) bits.flag(parity === BOTTOM);
    if (idr) bits.exponential(this.#idrs, 0xffff);
    // The field that comes first is shown first.
    const second = current.fields[TOP] !== undefined || current.fields[BOTTOM] !== undefined;
    bits.bits(2 * (current.frame - this.#first) + (second ? 1 : 0), POC_BITS);
    if (inter) {
      // num_ref_idx_active_override_flag
      bits.flag(true);
      bits.exponential(references - 1, 31);
      // ref_pic_list_modification_flag_l0
      bits.flag(false);
    }
    // no_output_of_prior_pics_flag and long_term_reference_flag, or adaptive_ref_pic_marking_mode_flag
    if (!unused) bits.bits(0, idr ? 2 : 1);
    // slice_qp_delta, disable_deblocking_filter_idc
    bits.signedExponential(0);
    bits.exponential(1, 2);
  }

  #pcm({ luma, chroma }: Samples, macroblock: number): void {
    const bits = this.#bits;
    bits.exponential(I_PCM, 25);
    bits.align();
    const put = (plane: Bytes, width: number, size: number) => {
      const block = new Uint8Array(plane.length);
      copyBlock(block, plane, width, size, macroblock);
      const left = macroblock % ACROSS * size;
      const top = Math.floor(macroblock / ACROSS) * size;
      for (let y = top; y < top + size; y++) {
        for (let x = left; x < left + size; x++) bits.bits(block[y * width + x], 8);
      }
    };
    put(luma, FIELDS_WIDTH, 16);
    for (const plane of chroma) put(plane, FIELDS_WIDTH / 2, 8);
  }

  /** A macroblock of one reference, where nothing moves. */
  #copied(
    index: number,
    list: readonly Samples[][],
    macroblock: number,
    sides: readonly Samples[],
  ): void {
    const bits = this.#bits;
    // mb_skip_run
    bits.exponential(0, 0);
    bits.exponential(P_L0_16X16, 0);
    // Of two it is a bit that says the contrary.
    if (list.length === 2) bits.flag(index === 0);
    else if (list.length > 2) bits.exponential(index, list.length - 1);
    // mvd_l0, coded_block_pattern
    bits.signedExponential(0);
    bits.signedExponential(0);
    bits.exponential(0, 0);
    const [from] = [list[index]];
    if (sides.length === 1) return copySamples(sides[0], from[0], macroblock);
    copyOfFrame(sides, from, macroblock);
  }

  /** All frames so far as NV12, without padding; a field that is not there is as the other one. */
  get pictures(): Bytes[] {
    return this.#frames.map(({ fields: [top, bottom] }) =>
      woven((top ?? bottom)!, (bottom ?? top)!)
    );
  }
}
