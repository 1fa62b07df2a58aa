/**
 * H.264 whose parameter sets are in controls: slices or fields, with start codes or without.
 *
 * @module
 */
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import * as c from "../../lib/uapi/v4l2_controls_h264.ts";
import { isSlice, NAL_SPS, NAL_TYPE_MASK } from "../../lib/codec/h264/nal_types.ts";
import { ppsUnit, spsUnit } from "../../lib/codec/h264/sps_writer.ts";
import type { Assembly } from "./access_unit_buffer.ts";
import { H264References } from "./h264_references.ts";
import { HeadersInBand } from "./headers_in_band.ts";
import { Latest } from "./latest.ts";
import type { FrameControls, Rebuilder } from "./rebuilder.ts";

const START_CODE = Uint8Array.of(0, 0, 1);

/** Puts parameter sets in front of slices, whenever the controls have other ones. */
export class H264Rebuilder implements Rebuilder {
  readonly #inBand = new HeadersInBand({
    isHeader: (first) => (first & NAL_TYPE_MASK) === NAL_SPS,
    isSlice: (first) => isSlice(first & NAL_TYPE_MASK),
    sequence: {
      control: c.V4L2_CID_STATELESS_H264_SPS,
      ...c.v4l2_ctrl_h264_sps.fields.profile_idc,
    },
    picture: {
      control: c.V4L2_CID_STATELESS_H264_DECODE_PARAMS,
      ...{ offset: 0, size: c.v4l2_ctrl_h264_decode_params.size },
    },
  });
  readonly #bits = new BitWriter();
  readonly #latestSps = new Latest(c.v4l2_ctrl_h264_sps.size);
  readonly #latestPps = new Latest(c.v4l2_ctrl_h264_pps.size);
  readonly #latestMatrix = new Latest(c.v4l2_ctrl_h264_scaling_matrix.size);
  readonly #sps = c.v4l2_ctrl_h264_sps.at(this.#latestSps.bytes);
  readonly #pps = c.v4l2_ctrl_h264_pps.at(this.#latestPps.bytes);
  readonly #matrix = c.v4l2_ctrl_h264_scaling_matrix.at(this.#latestMatrix.bytes);
  readonly #references = new H264References();
  #doubtful = false;
  /** The picture that is added is kept for later ones. */
  #kept = false;

  get doubtful(): boolean {
    return this.#doubtful;
  }

  isWhole(bytes: Uint8Array, controls: FrameControls): boolean {
    return this.#inBand.look(bytes, controls);
  }

  add(to: Assembly, bytes: Uint8Array, controls: FrameControls): void {
    if (this.isWhole(bytes, controls)) return to.add(bytes);
    const first = to.size === 0;
    if (first) this.#kept = false;
    // The picture of a second field has the first one's lines, too.
    if (first && !this.#references.isSecond(controls)) this.#doubtful = false;
    try {
      this.#addParameterSets(to, controls);
      const gaps = this.#sps.flags & c.V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED;
      if (!this.#references.take(bytes, first, gaps !== 0, controls)) this.#doubtful = true;
      this.#kept = true;
      const startCode = controls.find(c.V4L2_CID_STATELESS_H264_START_CODE);
      // An enumeration: its low byte says all.
      if (startCode?.[0] === c.V4L2_STATELESS_H264_START_CODE_NONE) to.add(START_CODE);
      to.add(bytes);
    } catch (error) {
      this.giveUp();
      throw error;
    }
  }

  #addParameterSets(to: Assembly, controls: FrameControls): void {
    const sps = this.#latestSps.update(controls.find(c.V4L2_CID_STATELESS_H264_SPS), "SPS");
    const pps = this.#latestPps.update(controls.find(c.V4L2_CID_STATELESS_H264_PPS), "PPS");
    const lists = this.#updateMatrix(controls);
    if (sps) to.add(spsUnit(this.#bits, this.#sps));
    // A new sequence parameter set takes the picture's with it.
    if (sps || pps || lists) to.add(ppsUnit(this.#bits, this.#pps, this.#sps, this.#matrix));
  }

  #updateMatrix(controls: FrameControls): boolean {
    const present = this.#pps.flags & c.V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT;
    if (!present) return false;
    const payload = controls.find(c.V4L2_CID_STATELESS_H264_SCALING_MATRIX);
    return this.#latestMatrix.update(payload, "scaling matrix");
  }

  reject(): void {
    this.#references.drop();
  }

  giveUp(): void {
    if (this.#kept) this.#references.drop();
    this.#kept = false;
    this.#forgetSets();
  }

  /** The parameter sets are sent again, and there are no references. */
  flush(): void {
    this.#inBand.forget();
    this.#forgetSets();
    this.#references.clear();
  }

  #forgetSets(): void {
    this.#latestSps.forget();
    this.#latestPps.forget();
    this.#latestMatrix.forget();
  }
}
