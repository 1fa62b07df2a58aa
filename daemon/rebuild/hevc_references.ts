/**
 * Which pictures FFmpeg has as references, by the client's timestamps, and how a slice names them.
 * Source: ITU-T H.265, section 8.3.2.
 *
 * @module
 */
import { forgetsAll, isIdr } from "../../lib/codec/hevc/nal.ts";
import type { ReferenceSets } from "../../lib/codec/hevc/slice_writer.ts";
import type { LongTermReference, Slice } from "../../lib/codec/hevc/slice.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import * as c from "../../lib/uapi/v4l2_controls_hevc.ts";
import type { FrameControls } from "./rebuilder.ts";

const { fields: PARAMS } = c.v4l2_ctrl_hevc_decode_params;
const { fields: ENTRY, size: ENTRY_BYTES } = c.v4l2_hevc_dpb_entry;
const MOST = c.V4L2_HEVC_DPB_ENTRIES_NUM_MAX;

/** A picture that FFmpeg has. */
interface Held {
  /** Of its timestamp, the lower and the upper 32 bits. */
  readonly low: number;
  readonly high: number;
  /** Its picture order count, as FFmpeg counts. */
  readonly poc: number;
}

/** What the current picture does with one that the client's list has. */
interface Kept extends Held {
  readonly longTerm: boolean;
  readonly used: boolean;
}

/** The indices of one of the control's lists. */
function indices(
  params: Uint8Array,
  countAt: { readonly offset: number },
  listAt: { readonly offset: number },
): number[] {
  const count = params[countAt.offset];
  const active = params[PARAMS.num_active_dpb_entries.offset];
  if (active > MOST) throw new StreamError(`${active} pictures in the DPB`);
  if (count > MOST) throw new StreamError(`${count} pictures in a list of references`);
  const list = [...params.subarray(listAt.offset, listAt.offset + count)];
  const wrong = list.find((index) => index >= active);
  if (wrong !== undefined) throw new StreamError(`reference ${wrong} of ${active} in the DPB`);
  return list;
}

/** Follows the pictures that references can be. */
export class HevcReferences {
  #held: readonly Held[] = [];
  #words = new Uint32Array(0);

  /**
   * Begins a picture: what it does not keep is forgotten, and it is there itself from then on.
   *
   * @param slice its first one
   * @param poc its picture order count
   * @param params payload of V4L2_CID_STATELESS_HEVC_DECODE_PARAMS
   * @throws {StreamError} it refers to a picture that is not there, or as none can; then nothing changes
   */
  begin(
    slice: Slice,
    poc: number,
    params: Uint8Array<ArrayBuffer>,
    { timestampLow: low, timestampHigh: high }: FrameControls,
  ): ReferenceSets {
    const there = forgetsAll(slice.nal.type) ? [] : this.#held;
    const kept = isIdr(slice.nal.type) ? [] : this.#kept(params, there, poc);
    const sets = setsOf(kept, poc, slice.parameters.sps.control.log2_max_pic_order_cnt_lsb_minus4);
    // A timestamp names the latest picture that has it.
    const others = kept.filter((picture) => picture.low !== low || picture.high !== high);
    this.#held = [...others, { low, high, poc }];
    return sets;
  }

  /**
   * In the order of the control's lists; then those that are for later pictures alone. Of one that is not
   * there the control says its count, and FFmpeg makes it up, which it tells: a stream may have no random
   * access point before which all is forgotten.
   */
  #kept(params: Uint8Array<ArrayBuffer>, there: readonly Held[], poc: number): Kept[] {
    const { num_poc_st_curr_before, num_poc_st_curr_after, num_poc_lt_curr } = PARAMS;
    const shortTerm = [
      ...indices(params, num_poc_st_curr_before, PARAMS.poc_st_curr_before),
      ...indices(params, num_poc_st_curr_after, PARAMS.poc_st_curr_after),
    ];
    const longTerm = indices(params, num_poc_lt_curr, PARAMS.poc_lt_curr);
    const named = [...shortTerm, ...longTerm];
    if (new Set(named).size < named.length) throw new StreamError("a reference in two lists");
    this.#words = new Uint32Array(params.buffer, params.byteOffset, params.length >> 2);
    const kept: Kept[] = [];
    for (const [i, index] of named.entries()) {
      const picture = this.#find(index, there) ?? this.#missing(index, params, poc, there);
      kept.push({ ...picture, longTerm: i >= shortTerm.length, used: true });
    }
    for (let index = 0; index < params[PARAMS.num_active_dpb_entries.offset]; index++) {
      // Those that were lost are not missed until a picture refers to them.
      const picture = named.includes(index) ? undefined : this.#find(index, there);
      if (!picture) continue;
      const flags = params[PARAMS.dpb.offset + index * ENTRY_BYTES + ENTRY.flags.offset];
      const longTerm = (flags & c.V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE) !== 0;
      kept.push({ ...picture, longTerm, used: false });
    }
    return kept;
  }

  #find(index: number, there: readonly Held[]): Held | undefined {
    const at = PARAMS.dpb.offset + index * ENTRY_BYTES + ENTRY.timestamp.offset >> 2;
    const low = this.#words[at];
    const high = this.#words[at + 1];
    return there.find((picture) => picture.low === low && picture.high === high);
  }

  /** What a picture with the count `poc` refers to, and nobody has. */
  #missing(
    index: number,
    params: Uint8Array<ArrayBuffer>,
    poc: number,
    there: readonly Held[],
  ): Held {
    const at = PARAMS.dpb.offset + index * ENTRY_BYTES;
    const { timestamp, pic_order_cnt_val } = ENTRY;
    const own = c.v4l2_ctrl_hevc_decode_params.at(params).pic_order_cnt_val;
    const count =
      new Int32Array(params.buffer, params.byteOffset + at + pic_order_cnt_val.offset, 1)[0];
    const missing = poc + count - own;
    // FFmpeg would take another one for it, without a word.
    if (missing === poc || there.some((picture) => picture.poc === missing)) {
      throw new StreamError(`reference ${index} is not there`);
    }
    const word = at + timestamp.offset >> 2;
    return { low: this.#words[word], high: this.#words[word + 1], poc: missing };
  }

  /** The latest picture is never to be there: it was not decoded. */
  drop(): void {
    this.#held = this.#held.slice(0, -1);
  }

  /** No picture is there. */
  clear(): void {
    this.#held = [];
  }
}

/** What a slice says of the pictures that its decoder keeps. */
function setsOf(kept: readonly Kept[], poc: number, log2Range: number): ReferenceSets {
  const shortTerm = kept.filter(({ longTerm }) => !longTerm)
    .map((picture) => ({ delta: picture.poc - poc, used: picture.used }));
  const byDistance = (sign: number) => {
    const half = shortTerm.filter(({ delta }) => Math.sign(delta) === sign);
    const near = half.toSorted((a, b) => sign * (a.delta - b.delta));
    const order = half.filter(({ used }) => used);
    if (near.filter(({ used }) => used).some((one, i) => one !== order[i])) {
      throw new StreamError("references that are not in the order of their distance");
    }
    return near;
  };
  if (shortTerm.some(({ delta }) => delta === 0)) {
    throw new StreamError("a picture that refers to itself");
  }
  return {
    negative: byDistance(-1),
    positive: byDistance(1),
    longTerm: longTermOf(kept, poc, 2 ** (log2Range + 4)),
  };
}

function longTermOf(kept: readonly Kept[], poc: number, range: number): LongTermReference[] {
  const cycleOf = (count: number) => Math.floor(poc / range) - Math.floor(count / range);
  const lsbOf = (count: number) => (count % range + range) % range;
  let last = 0;
  return kept.filter(({ longTerm }) => longTerm).map((picture) => {
    const cycle = cycleOf(picture.poc);
    const lsb = lsbOf(picture.poc);
    // Said by all it can be said by: cycles count on from one to the next.
    if (cycle >= last) return { lsb, used: picture.used, cycle: last = cycle };
    if (kept.filter((other) => lsbOf(other.poc) === lsb).length > 1) {
      throw new StreamError("long-term references in an order that no slice can have");
    }
    return { lsb, used: picture.used, cycle: undefined };
  });
}
