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
import type { FrameControls } from "./rebuilder.ts";

const { fields: ENTRY, size: ENTRY_BYTES } = c.v4l2_h264_dpb_entry;
const { dpb: DPB } = c.v4l2_ctrl_h264_decode_params.fields;
const ACTIVE = c.V4L2_H264_DPB_ENTRY_FLAG_VALID | c.V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;

/** A picture that FFmpeg has: its timestamp, the lower and the upper 32 bits. */
interface Held {
  readonly low: number;
  readonly high: number;
}

/** Follows the pictures that references can be. */
export class H264References {
  #held: readonly Held[] = [];
  /** Before the latest picture. */
  #before: readonly Held[] = [];
  /** The latest picture. */
  #low = 0;
  #high = 0;

  /**
   * Looks at what one buffer has of a picture.
   *
   * @param bytes slices, each behind a start code, or one without
   * @param first whether no slice of the picture came before
   * @param gaps whether the client may name pictures that never were: FFmpeg makes these up, as it has to
   * @returns whether all is there that a slice may refer to
   */
  take(bytes: Uint8Array, first: boolean, gaps: boolean, controls: FrameControls): boolean {
    const named = namedBy(controls);
    if (named === undefined) return true;
    const { timestampLow: low, timestampHigh: high } = controls;
    this.#low = low;
    this.#high = high;
    const { idr, refers } = look(bytes);
    const there = idr ? [] : first ? this.#held : this.#before;
    const has = (one: Held) => there.some((held) => held.low === one.low && held.high === one.high);
    // The first field of a frame is a reference of its second one.
    const itself = (one: Held) => one.low === low && one.high === high;
    const complete = !refers || gaps || named.every((one) => has(one) || itself(one));
    if (!first) return complete;
    // What a picture names that refers to none is missed by no later one: where a stream begins in its
    // middle, or behind a loss, clients name what they made up, as FFmpeg does.
    const known = refers || idr ? named.filter(has) : named;
    this.#before = refers ? there : known;
    // A timestamp names the latest picture that has it.
    this.#held = [...known.filter((one) => !itself(one)), { low, high }];
    return complete;
  }

  /** The latest picture is never to be there: it was not decoded. */
  drop(): void {
    this.#held = this.#held.filter(({ low, high }) => low !== this.#low || high !== this.#high);
  }

  /** No picture is there. */
  clear(): void {
    this.#held = [];
  }
}

/** The references that a frame's control names; undefined where it has none. */
function namedBy(controls: FrameControls): Held[] | undefined {
  const params = controls.find(c.V4L2_CID_STATELESS_H264_DECODE_PARAMS);
  if (params?.length !== c.v4l2_ctrl_h264_decode_params.size) return undefined;
  const words = new Uint32Array(params.buffer, params.byteOffset, params.length >> 2);
  const named: Held[] = [];
  for (let i = 0; i < c.V4L2_H264_NUM_DPB_ENTRIES; i++) {
    const at = DPB.offset + i * ENTRY_BYTES;
    if ((words[at + ENTRY.flags.offset >> 2] & ACTIVE) !== ACTIVE) continue;
    const timestamp = at + ENTRY.reference_ts.offset >> 2;
    named.push({ low: words[timestamp], high: words[timestamp + 1] });
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
