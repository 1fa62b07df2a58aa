/**
 * Which pictures FFmpeg has as references of H.264, by the client's timestamps. It finds them itself, by
 * what slices say: where the client means others, its picture may be another one. May be: a list has all that
 * slices could refer to, and a lost picture stays in it, in the end up to the next IDR picture.
 *
 * @module
 */
import { behindStartCode } from "../../lib/codec/annexb.ts";
import { isIntra } from "../../lib/codec/h264/slice.ts";
import { isSlice, NAL_SLICE_IDR, NAL_TYPE_MASK } from "../../lib/codec/h264/nal_types.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import * as c from "../../lib/uapi/v4l2_controls_h264.ts";
import { BOTH, FieldPair } from "./field_pair.ts";
import type { FrameControls } from "./rebuilder.ts";

const { fields: ENTRY, size: ENTRY_BYTES } = c.v4l2_h264_dpb_entry;
const { dpb: DPB, flags: FLAGS } = c.v4l2_ctrl_h264_decode_params.fields;
const ACTIVE = c.V4L2_H264_DPB_ENTRY_FLAG_VALID | c.V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;

/** A picture that FFmpeg has: its timestamp, the lower and the upper 32 bits. */
interface Held {
  readonly low: number;
  readonly high: number;
  /** V4L2_H264_TOP_FIELD_REF and so on; as a reference 0 where the client does not say. */
  readonly fields: number;
}

/** Follows the pictures that references can be. */
export class H264References {
  #held: readonly Held[] = [];
  /** Before the latest picture. */
  #before: readonly Held[] = [];
  /** The latest picture. */
  readonly #pair = new FieldPair();

  /**
   * Looks at what one buffer has of a picture.
   *
   * @param bytes slices, each behind a start code, or one without
   * @param first whether no slice of the picture came before
   * @param gaps whether the client may name pictures that never were: FFmpeg makes these up, as it has to
   * @returns whether all is there that a slice may refer to
   */
  take(bytes: Uint8Array, first: boolean, gaps: boolean, controls: FrameControls): boolean {
    const params = paramsOf(controls);
    if (params === undefined) return true;
    const named = namedBy(params);
    const { timestampLow: low, timestampHigh: high } = controls;
    const fields = fieldsBy(params);
    const pair = this.#pair;
    const second = this.isSecond(controls);
    const begins = first && !second;
    const { idr, refers } = look(bytes);
    const there = idr ? [] : begins ? this.#held : this.#before;
    const has = (one: Held) => there.some((held) => isSame(held, one) && covers(held, one));
    // The first field of a frame is a reference of its second one.
    const picture = { low, high, fields };
    const itself = (one: Held) => isSame(one, picture);
    const complete = !refers || gaps || named.every((one) => has(one) || itself(one));
    if (begins || second) pair.take(fields, low, high);
    if (second) this.#complete();
    if (!begins) return complete;
    // What a picture names that refers to none is missed by no later one: where a stream begins in its
    // middle, or behind a loss, clients name what they made up, as FFmpeg does.
    const known = refers || idr ? named.filter(has) : named;
    this.#before = refers ? there : known;
    // A timestamp names the latest picture that has it.
    this.#held = [...known.filter((one) => !itself(one)), picture];
    return complete;
  }

  /** Whether a picture is the second field of the latest one. */
  isSecond(controls: FrameControls): boolean {
    const params = paramsOf(controls);
    const { timestampLow, timestampHigh } = controls;
    return params !== undefined &&
      this.#pair.isSecond(fieldsBy(params), timestampLow, timestampHigh);
  }

  /** Both fields of the latest picture are there. */
  #complete(): void {
    this.#held = this.#held.map((one) => isSame(one, this.#pair) ? { ...one, fields: BOTH } : one);
  }

  /** The latest picture is never to be there: it was not decoded. */
  drop(): void {
    this.#held = this.#held.filter((one) => !isSame(one, this.#pair));
  }

  /** No picture is there. */
  clear(): void {
    this.#held = [];
    this.#pair.clear();
  }
}

/** Whether two have one timestamp. */
const isSame = (a: Omit<Held, "fields">, b: Omit<Held, "fields">) =>
  a.low === b.low && a.high === b.high;

/** Whether there are all fields of a picture that are named. */
const covers = (held: Held, { fields }: Held) => held.fields === 0 || (fields & ~held.fields) === 0;

/** A picture's control; undefined where it has none. */
function paramsOf(controls: FrameControls): Uint8Array<ArrayBuffer> | undefined {
  const params = controls.find(c.V4L2_CID_STATELESS_H264_DECODE_PARAMS);
  return params?.length === c.v4l2_ctrl_h264_decode_params.size ? params : undefined;
}

/** Which fields a picture is, as its control says. */
function fieldsBy(params: Uint8Array): number {
  const flags = params[FLAGS.offset];
  if (!(flags & c.V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC)) return BOTH;
  return flags & c.V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD
    ? c.V4L2_H264_BOTTOM_FIELD_REF
    : c.V4L2_H264_TOP_FIELD_REF;
}

/** The references that a picture's control names. */
function namedBy(params: Uint8Array<ArrayBuffer>): Held[] {
  const words = new Uint32Array(params.buffer, params.byteOffset, params.length >> 2);
  const named: Held[] = [];
  for (let i = 0; i < c.V4L2_H264_NUM_DPB_ENTRIES; i++) {
    const at = DPB.offset + i * ENTRY_BYTES;
    if ((words[at + ENTRY.flags.offset >> 2] & ACTIVE) !== ACTIVE) continue;
    const timestamp = at + ENTRY.reference_ts.offset >> 2;
    const fields = params[at + ENTRY.fields.offset];
    named.push({ low: words[timestamp], high: words[timestamp + 1], fields });
  }
  return named;
}

/** Whether there is a slice of an IDR picture, and one that may refer to others. */
function look(bytes: Uint8Array): { idr: boolean; refers: boolean } {
  let idr = false;
  let refers = false;
  for (let at = Math.max(behindStartCode(bytes), 0); at >= 0; at = behindStartCode(bytes, at)) {
    const type = bytes[at] & NAL_TYPE_MASK;
    if (!isSlice(type)) continue;
    idr ||= type === NAL_SLICE_IDR;
    refers ||= mayRefer(bytes.subarray(at + 1));
  }
  return { idr, refers };
}

function mayRefer(slice: Uint8Array): boolean {
  try {
    return !isIntra(slice);
  } catch (error) {
    // Whatever is wrong with it, the decoder is to say.
    if (error instanceof StreamError) return false;
    throw error;
  }
}
