/**
 * MPEG-2 whose headers are in controls: the slices of a frame, or of its fields one after the other.
 *
 * @module
 */
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { isMpeg2Slice, MPEG2_SEQUENCE } from "../../lib/codec/mpeg2/headers.ts";
import {
  writeMpeg2Matrices,
  writeMpeg2Picture,
  writeMpeg2Sequence,
} from "../../lib/codec/mpeg2/writer.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import * as c from "../../lib/uapi/v4l2_controls_mpeg2.ts";
import type { Assembly } from "./access_unit_buffer.ts";
import { FieldPair } from "./field_pair.ts";
import { HeadersInBand } from "./headers_in_band.ts";
import { Latest } from "./latest.ts";
import type { FrameControls, Rebuilder } from "./rebuilder.ts";
import { ReferenceSlots } from "./reference_slots.ts";

/** The latest two frames that others refer to. */
const NEWEST = 0;
const OLDER = 1;

/** In 32-bit words of the picture's control. */
const BACKWARD = c.v4l2_ctrl_mpeg2_picture.fields.backward_ref_ts.offset >> 2;
const FORWARD = c.v4l2_ctrl_mpeg2_picture.fields.forward_ref_ts.offset >> 2;
/** Each half of what GStreamer has for no timestamp. */
const NONE = 0xffff_ffff;

/** Puts a picture's headers in front of its slices, and those of the sequence when they are others. */
export class Mpeg2Rebuilder implements Rebuilder {
  readonly #inBand = new HeadersInBand({
    isHeader: (first) => first === MPEG2_SEQUENCE,
    isSlice: isMpeg2Slice,
    sequence: {
      control: c.V4L2_CID_STATELESS_MPEG2_SEQUENCE,
      ...c.v4l2_ctrl_mpeg2_sequence.fields.horizontal_size,
    },
    picture: {
      control: c.V4L2_CID_STATELESS_MPEG2_PICTURE,
      ...c.v4l2_ctrl_mpeg2_picture.fields.f_code,
    },
  });
  readonly #bits = new BitWriter();
  readonly #latestSequence = new Latest(c.v4l2_ctrl_mpeg2_sequence.size);
  readonly #latestPicture = new Latest(c.v4l2_ctrl_mpeg2_picture.size);
  readonly #latestMatrices = new Latest(c.v4l2_ctrl_mpeg2_quantisation.size);
  readonly #sequence = c.v4l2_ctrl_mpeg2_sequence.at(this.#latestSequence.bytes);
  readonly #picture = c.v4l2_ctrl_mpeg2_picture.at(this.#latestPicture.bytes);
  readonly #matrices = c.v4l2_ctrl_mpeg2_quantisation.at(this.#latestMatrices.bytes);
  readonly #words = new Uint32Array(this.#latestPicture.bytes.buffer);
  readonly #slots = new ReferenceSlots(2);
  readonly #pair = new FieldPair();

  isWhole(bytes: Uint8Array, controls: FrameControls): boolean {
    return this.#inBand.look(bytes, controls);
  }

  add(to: Assembly, bytes: Uint8Array, controls: FrameControls): void {
    if (this.isWhole(bytes, controls)) return to.add(bytes);
    try {
      this.#addHeaders(to, controls);
      to.add(bytes);
    } catch (error) {
      this.#forgetHeaders();
      throw error;
    }
  }

  #addHeaders(to: Assembly, controls: FrameControls): void {
    const begins = to.size === 0;
    const other = this.#latestPicture.update(
      controls.find(c.V4L2_CID_STATELESS_MPEG2_PICTURE),
      "picture",
    );
    // Another slice of the same.
    if (!begins && !other) return;
    const { timestampLow, timestampHigh } = controls;
    const second = this.#pair.isSecond(
      this.#picture.picture_structure,
      timestampLow,
      timestampHigh,
    );
    if (this.#pair.half && !second) this.#loseHalf();
    const sequence = this.#latestSequence.update(
      controls.find(c.V4L2_CID_STATELESS_MPEG2_SEQUENCE),
      "sequence",
    );
    const matrices = this.#latestMatrices.update(
      controls.find(c.V4L2_CID_STATELESS_MPEG2_QUANTISATION),
      "quantisation",
    );
    if (sequence && !begins) throw new StreamError("another sequence within a frame");
    this.#refer(controls, second);
    const bits = this.#bits;
    bits.clear();
    if (sequence) writeMpeg2Sequence(bits, this.#sequence);
    writeMpeg2Picture(bits, this.#picture);
    // A sequence header has the default ones.
    if (sequence || matrices) writeMpeg2Matrices(bits, this.#matrices);
    to.add(bits.bytes);
  }

  /** The second field of the latest frame is missing. */
  #loseHalf(): void {
    const { low, high } = this.#pair;
    this.#slots.drop(low, high);
    // FFmpeg would take any other field for it, but where a sequence begins.
    this.#latestSequence.forget();
  }

  /** Makes sure that FFmpeg has the references that are named, and notes what it has next. */
  #refer({ timestampLow, timestampHigh }: FrameControls, second: boolean): void {
    const { picture_structure: structure, picture_coding_type: type } = this.#picture;
    if (!this.#hasReferences(type, second)) throw new StreamError("a reference is not there");
    this.#pair.take(structure, timestampLow, timestampHigh);
    if (second || type === c.V4L2_MPEG2_PIC_CODING_TYPE_B) return;
    this.#slots.copy(NEWEST, OLDER);
    this.#slots.put(NEWEST, timestampLow, timestampHigh);
  }

  #hasReferences(type: number, second: boolean): boolean {
    if (type === c.V4L2_MPEG2_PIC_CODING_TYPE_I) return true;
    if (type === c.V4L2_MPEG2_PIC_CODING_TYPE_P) {
      if (!second) return this.#holds(NEWEST, FORWARD);
      // It may refer to the first field alone, which need not be named.
      return this.#slots.isEmpty(OLDER) || this.#holds(OLDER, FORWARD) ||
        this.#holds(NEWEST, FORWARD);
    }
    // Those in front of a stream's first picture refer to that alone.
    const forward = this.#slots.isEmpty(OLDER)
      ? this.#words[FORWARD] === NONE && this.#words[FORWARD + 1] === NONE
      : this.#holds(OLDER, FORWARD);
    return forward && this.#holds(NEWEST, BACKWARD);
  }

  #holds(slot: number, at: number): boolean {
    return this.#slots.holds(slot, this.#words[at], this.#words[at + 1]);
  }

  #forgetHeaders(): void {
    this.#latestSequence.forget();
    this.#latestPicture.forget();
    this.#latestMatrices.forget();
  }

  reject(): void {
    this.#slots.drop(this.#pair.low, this.#pair.high);
    this.#forgetHeaders();
  }

  /** As of one that FFmpeg rejects: what it would have replaced is not known any more. */
  giveUp(): void {
    this.reject();
    this.#pair.clear();
  }

  /** The headers are sent again. */
  flush(): void {
    this.#inBand.forget();
    this.#slots.clear();
    this.#pair.clear();
    this.#forgetHeaders();
  }
}
