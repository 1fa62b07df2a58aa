/**
 * VP8, whose frames have their header: FFmpeg finds the references there, and the control has to
 * name the same.
 *
 * @module
 */
import {
  V4L2_CID_STATELESS_VP8_FRAME,
  v4l2_ctrl_vp8_frame as FRAME,
  V4L2_VP8_FRAME_FLAG_KEY_FRAME,
} from "../../lib/uapi/v4l2_controls_vp8.ts";
import { VP8_KEPT, VP8_LAST, VP8_THIS, Vp8Header } from "../../lib/codec/vp8/header.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import type { Assembly } from "./access_unit_buffer.ts";
import type { FrameControls, Rebuilder } from "./rebuilder.ts";
import { ReferenceSlots } from "./reference_slots.ts";

const LAST = 0;
const GOLDEN = 1;
const ALTERNATE = 2;
const OLD_GOLDEN = 3;

/** In 32-bit words of the control: the slots' timestamps. */
const TIMESTAMPS = [
  FRAME.fields.last_frame_ts,
  FRAME.fields.golden_frame_ts,
  FRAME.fields.alt_frame_ts,
]
  .map(({ offset }) => offset >> 2);

/** Makes sure that a frame's references are those that its control names. */
export class Vp8Rebuilder implements Rebuilder {
  readonly #header = new Vp8Header();
  readonly #control = FRAME.alloc();
  readonly #words = new Uint32Array(this.#control.bytes.buffer);
  readonly #slots = new ReferenceSlots(4);
  #low = 0;
  #high = 0;

  /** Whether no single frame's control came with it, as of a client that parses no frames. */
  isWhole(_bytes: Uint8Array<ArrayBuffer>, controls: FrameControls): boolean {
    const payload = controls.find(V4L2_CID_STATELESS_VP8_FRAME);
    if (payload?.length === FRAME.size) {
      this.#control.bytes.set(payload);
      if (this.#control.first_part_size !== 0) return false;
    }
    // What this frame is to others nobody has looked at.
    this.#slots.clear();
    return true;
  }

  add(to: Assembly, bytes: Uint8Array<ArrayBuffer>, controls: FrameControls): void {
    if (!this.isWhole(bytes, controls)) this.#take(bytes, controls);
    to.add(bytes);
  }

  #take(bytes: Uint8Array<ArrayBuffer>, { timestampLow, timestampHigh }: FrameControls): void {
    const header = this.#header;
    const control = this.#control;
    header.read(bytes);
    const key = (control.flags & V4L2_VP8_FRAME_FLAG_KEY_FRAME) !== 0;
    const size = control.width !== header.width || control.height !== header.height;
    if (key !== header.key || control.first_part_size !== header.firstPartSize || key && size) {
      throw new StreamError("the control is another frame's");
    }
    for (let slot = LAST; !key && slot <= ALTERNATE; slot++) {
      const at = TIMESTAMPS[slot];
      if (!this.#slots.holds(slot, this.#words[at], this.#words[at + 1])) {
        throw new StreamError("a reference is not there");
      }
    }
    this.#low = timestampLow;
    this.#high = timestampHigh;
    this.#slots.copy(GOLDEN, OLD_GOLDEN);
    this.#update(GOLDEN, header.golden, ALTERNATE);
    this.#update(ALTERNATE, header.alternate, OLD_GOLDEN);
    if (header.last) this.#slots.put(LAST, timestampLow, timestampHigh);
  }

  #update(slot: number, by: number, other: number): void {
    if (by === VP8_THIS) this.#slots.put(slot, this.#low, this.#high);
    else if (by !== VP8_KEPT) this.#slots.copy(by === VP8_LAST ? LAST : other, slot);
  }

  reject(): void {
    this.#slots.drop(this.#low, this.#high);
  }

  flush(): void {
    this.#slots.clear();
  }
}
