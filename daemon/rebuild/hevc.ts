/**
 * HEVC whose parameter sets are in controls: frames or slices, with start codes or without. The
 * sequence's control has no reference picture sets, so that each slice is written with its own.
 *
 * @module
 */
import { BitReader } from "../../lib/codec/bits/reader.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import * as c from "../../lib/uapi/v4l2_controls_hevc.ts";
import {
  forgetsAll,
  type HevcNal,
  hevcNal,
  hevcNals,
  isIdr,
  isSlice,
  NAL_SPS,
} from "../../lib/codec/hevc/nal.ts";
import { PictureOrder } from "../../lib/codec/hevc/order.ts";
import { ppsUnit, spsUnit, vpsUnit } from "../../lib/codec/hevc/parameter_sets_writer.ts";
import { MAX_REFERENCES, type ShortTermSet } from "../../lib/codec/hevc/reference_set.ts";
import { HeaderBytes, readSlice, type SliceParameters } from "../../lib/codec/hevc/slice.ts";
import { type ReferenceSets, withSets } from "../../lib/codec/hevc/slice_writer.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import type { Assembly } from "./access_unit_buffer.ts";
import { HeadersInBand } from "./headers_in_band.ts";
import { HevcReferences } from "./hevc_references.ts";
import { Latest } from "./latest.ts";
import type { FrameControls, Rebuilder } from "./rebuilder.ts";

const START_CODE = Uint8Array.of(0, 0, 1);

/** nal_unit_type */
const typeOf = (first: number) => first >> 1 & 0x3f;

/** The picture whose slices come. */
interface Picture {
  readonly sets: ReferenceSets;
  readonly low: number;
  readonly high: number;
}

/** Puts parameter sets in front of slices, and their reference pictures into them. */
export class HevcRebuilder implements Rebuilder {
  readonly #inBand = new HeadersInBand({
    isHeader: (first) => typeOf(first) === NAL_SPS,
    isSlice: (first) => isSlice(typeOf(first)),
    sequence: {
      control: c.V4L2_CID_STATELESS_HEVC_SPS,
      ...c.v4l2_ctrl_hevc_sps.fields.pic_width_in_luma_samples,
    },
    picture: {
      control: c.V4L2_CID_STATELESS_HEVC_DECODE_PARAMS,
      ...{ offset: 0, size: c.v4l2_ctrl_hevc_decode_params.size },
    },
  });
  readonly #bits = new BitWriter();
  readonly #latestSps = new Latest(c.v4l2_ctrl_hevc_sps.size);
  readonly #latestPps = new Latest(c.v4l2_ctrl_hevc_pps.size);
  readonly #latestMatrix = new Latest(c.v4l2_ctrl_hevc_scaling_matrix.size);
  readonly #sps = c.v4l2_ctrl_hevc_sps.at(this.#latestSps.bytes);
  readonly #pps = c.v4l2_ctrl_hevc_pps.at(this.#latestPps.bytes);
  readonly #matrix = c.v4l2_ctrl_hevc_scaling_matrix.at(this.#latestMatrix.bytes);
  readonly #order = new PictureOrder();
  readonly #references = new HevcReferences();
  #picture: Picture | undefined;
  /** Of the picture before: what its successor counts on if it is not decoded. */
  #lastOrder = 0;

  isWhole(bytes: Uint8Array<ArrayBuffer>, controls: FrameControls): boolean {
    return this.#inBand.look(bytes, controls);
  }

  add(to: Assembly, bytes: Uint8Array<ArrayBuffer>, controls: FrameControls): void {
    if (this.isWhole(bytes, controls)) return to.add(bytes);
    if (to.size === 0) this.#end();
    try {
      this.#addParameterSets(to, controls);
      const parameters = this.#parameters(paramsOf(controls));
      for (const nal of slicesIn(bytes, controls)) this.#addSlice(to, nal, parameters, controls);
    } catch (error) {
      this.giveUp();
      throw error;
    }
  }

  #addParameterSets(to: Assembly, controls: FrameControls): void {
    const sps = this.#latestSps.update(controls.find(c.V4L2_CID_STATELESS_HEVC_SPS), "SPS");
    const pps = this.#latestPps.update(controls.find(c.V4L2_CID_STATELESS_HEVC_PPS), "PPS");
    const lists = this.#updateMatrix(controls);
    if (sps) {
      to.add(vpsUnit(this.#bits, this.#sps));
      to.add(spsUnit(this.#bits, this.#sps));
    }
    // A new sequence parameter set takes the picture's with it.
    if (sps || pps || lists) to.add(ppsUnit(this.#bits, this.#pps, this.#sps, this.#matrix));
  }

  #updateMatrix(controls: FrameControls): boolean {
    if ((this.#sps.flags & c.V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED) === 0) return false;
    const payload = controls.find(c.V4L2_CID_STATELESS_HEVC_SCALING_MATRIX);
    return this.#latestMatrix.update(payload, "scaling matrix");
  }

  /** What is known of the parameter sets that the client's slices refer to. */
  #parameters(params: Uint8Array): SliceParameters {
    const pictures =
      params[c.v4l2_ctrl_hevc_decode_params.fields.num_delta_pocs_of_ref_rps_idx.offset];
    if (pictures > MAX_REFERENCES) throw new StreamError(`${pictures} pictures in a set`);
    // Which pictures a set has is nobody's to know here: how many there are says how many bits a set
    // that is predicted from it takes.
    const set: ShortTermSet = {
      negative: Array.from({ length: pictures }, () => ({ delta: 0, used: false })),
      positive: [],
      predictedFrom: 0,
    };
    const sets = new Array<ShortTermSet>(this.#sps.num_short_term_ref_pic_sets).fill(set);
    return { sps: { control: this.#sps, sets, longTerm: undefined }, pps: this.#pps };
  }

  #addSlice(
    to: Assembly,
    nal: HevcNal,
    parameters: SliceParameters,
    controls: FrameControls,
  ): void {
    const header = new HeaderBytes(nal);
    const id = this.#pps.pic_parameter_set_id;
    const slice = readSlice(
      nal,
      new BitReader(header.bytes),
      (ppsId) => ppsId === id ? parameters : undefined,
    );
    const { timestampLow: low, timestampHigh: high } = controls;
    if (slice.first) {
      // As FFmpeg counts: a CRA picture goes on, wherever it is.
      const poc = this.#order.next(slice, forgetsAll(nal.type));
      const sets = this.#references.begin(slice, poc, paramsOf(controls), controls);
      this.#picture = { sets, low, high };
    }
    const picture = this.#picture;
    if (picture?.low !== low || picture.high !== high) {
      throw new StreamError("a slice of a picture whose first one is missing");
    }
    if (isIdr(nal.type) || slice.dependent) {
      to.add(START_CODE);
      return to.add(nal.bytes);
    }
    const written = withSets(this.#bits, header, slice, picture.sets);
    to.add(written.header);
    to.add(written.data);
  }

  /** The picture before is sent. */
  #end(): void {
    this.#picture = undefined;
    this.#lastOrder = this.#order.last;
  }

  giveUp(): void {
    this.#order.last = this.#lastOrder;
    if (this.#picture) this.#references.drop();
    this.#picture = undefined;
    this.#forgetSets();
  }

  /** What FFmpeg rejected is no reference either, unless it was in a slice: the picture is there by then. */
  reject(begun: boolean): void {
    if (this.#picture && !begun) this.#references.drop();
    this.#picture = undefined;
  }

  #forgetSets(): void {
    this.#latestSps.forget();
    this.#latestPps.forget();
    this.#latestMatrix.forget();
  }

  /** The parameter sets are sent again, and there are no references. */
  flush(): void {
    this.#inBand.forget();
    this.#forgetSets();
    this.#references.clear();
    this.#picture = undefined;
  }
}

function paramsOf(controls: FrameControls): Uint8Array<ArrayBuffer> {
  const params = controls.find(c.V4L2_CID_STATELESS_HEVC_DECODE_PARAMS);
  if (params?.length !== c.v4l2_ctrl_hevc_decode_params.size) {
    throw new StreamError("no decode parameters");
  }
  return params;
}

/**
 * The slices in a buffer. Without start codes it has one, or, of a frame, as many as the slices' control,
 * which says how long each is.
 *
 * @throws {StreamError} there is none, or one that is none
 */
function* slicesIn(
  bytes: Uint8Array<ArrayBuffer>,
  controls: FrameControls,
): Generator<HevcNal> {
  const startCode = controls.find(c.V4L2_CID_STATELESS_HEVC_START_CODE);
  let count = 0;
  // An enumeration: its low byte says all.
  if (startCode?.[0] === c.V4L2_STATELESS_HEVC_START_CODE_NONE) {
    for (const part of partsOf(bytes, controls)) {
      const nal = hevcNal({ start: 0, bytes: part });
      if (!nal || !isSlice(nal.type)) throw new StreamError("what is no slice");
      count++;
      yield nal;
    }
  } else {
    for (const nal of hevcNals(bytes)) {
      if (!isSlice(nal.type)) continue;
      count++;
      yield nal;
    }
  }
  if (count === 0) throw new StreamError("no slice");
}

function* partsOf(
  bytes: Uint8Array<ArrayBuffer>,
  controls: FrameControls,
): Generator<Uint8Array<ArrayBuffer>> {
  const { size } = c.v4l2_ctrl_hevc_slice_params;
  const slices = controls.find(c.V4L2_CID_STATELESS_HEVC_SLICE_PARAMS);
  const mode = controls.find(c.V4L2_CID_STATELESS_HEVC_DECODE_MODE);
  const single = mode?.[0] === c.V4L2_STATELESS_HEVC_DECODE_MODE_SLICE_BASED;
  if (single || !slices || slices.length < 2 * size) return yield bytes;
  let at = 0;
  for (let i = 0; i + size <= slices.length; i += size) {
    const length = c.v4l2_ctrl_hevc_slice_params.at(slices, i).bit_size / 8;
    if (!Number.isInteger(length) || at + length > bytes.length) {
      throw new StreamError(`a slice of ${length} bytes, ${bytes.length - at} are there`);
    }
    yield bytes.subarray(at, at += length);
  }
}
