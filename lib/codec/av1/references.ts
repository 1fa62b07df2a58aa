/**
 * What lies in a decoder's eight reference slots: which frame, and what headers of later frames are
 * written against.
 *
 * A client names references by timestamp, and shows a frame again by itself, which in a bitstream
 * may put it into all slots. So its slots are not the decoder's: a frame goes into a slot of the
 * decoder's whose frame the client has no longer.
 *
 * @module
 */

/** Slots of a decoder. */
export const AV1_SLOTS = 8;
/** Parameters of each reference frame's motion, and reference frames with the intra frame. */
export const AV1_MOTION_PARAMETERS = 6;
const REFERENCE_FRAMES = 8;

/** Scale of the parameters: 1 << WARPEDMODEL_PREC_BITS. */
const ONE = 1 << 16;

/** Parameters of no motion at all, for each reference frame. */
export const AV1_NO_MOTION: Int32Array = Int32Array.from(
  { length: REFERENCE_FRAMES * AV1_MOTION_PARAMETERS },
  (_, i) => i % AV1_MOTION_PARAMETERS % 3 === 2 ? ONE : 0,
);

/** One slot. */
export interface Av1Slot {
  used: boolean;
  /** Timestamp of its frame, in 32-bit words: what is only compared needs no BigInt. */
  low: number;
  high: number;
  orderHint: number;
  /** The frame's global motion, as AV1_NO_MOTION has it. */
  readonly motion: Int32Array;
}

/** The slots of one decoder. */
export class Av1References {
  readonly slots: readonly Av1Slot[] = Array.from({ length: AV1_SLOTS }, () => ({
    used: false,
    low: 0,
    high: 0,
    orderHint: 0,
    motion: new Int32Array(AV1_NO_MOTION),
  }));

  /** The slot with the frame of a timestamp; -1 where it is not there. */
  find(low: number, high: number): number {
    for (let i = 0; i < AV1_SLOTS; i++) {
      const slot = this.slots[i];
      if (slot.used && slot.low === low && slot.high === high) return i;
    }
    return -1;
  }

  /**
   * A slot whose frame the client has no longer once the next one is decoded, or that holds what
   * another one holds too. There always is one, as the client has at most seven others then.
   *
   * @param timestamps of the client's slots before that frame, low and high words
   * @param refresh the client's slots that the frame goes to, a bit each
   */
  free(timestamps: Uint32Array, refresh: number): number {
    for (let i = 0; i < AV1_SLOTS; i++) {
      const { low, high } = this.slots[i];
      if (this.find(low, high) !== i || !isHeld(low, high, timestamps, refresh)) return i;
    }
    return 0;
  }

  /**
   * Puts a frame into slots.
   *
   * @param refresh a bit each
   */
  put(refresh: number, low: number, high: number, orderHint: number, motion: Int32Array): void {
    for (let i = 0; i < AV1_SLOTS; i++) {
      if (!(refresh >> i & 1)) continue;
      const slot = this.slots[i];
      slot.used = true;
      slot.low = low;
      slot.high = high;
      slot.orderHint = orderHint;
      slot.motion.set(motion);
    }
  }

  /** Forgets a frame, wherever it is: there is none to refer to. */
  drop(low: number, high: number): void {
    for (const slot of this.slots) {
      if (slot.low === low && slot.high === high) slot.used = false;
    }
  }

  /** Forgets all frames. */
  clear(): void {
    for (const slot of this.slots) slot.used = false;
  }
}

/** Whether the client still has a frame when another one went to some of its slots. */
function isHeld(low: number, high: number, timestamps: Uint32Array, refresh: number): boolean {
  for (let i = 0; i < AV1_SLOTS; i++) {
    if (refresh >> i & 1) continue;
    if (timestamps[2 * i] === low && timestamps[2 * i + 1] === high) return true;
  }
  return false;
}
