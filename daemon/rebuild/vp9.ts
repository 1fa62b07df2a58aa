/**
 * VP9, whose frames have their header: FFmpeg finds the references there, and the control has to
 * name the same.
 *
 * @module
 */
import {
  V4L2_CID_STATELESS_VP9_FRAME,
  v4l2_ctrl_vp9_frame as FRAME,
  V4L2_VP9_FRAME_FLAG_KEY_FRAME,
} from "../../lib/uapi/v4l2_controls_vp9.ts";
import { splitSuperframe } from "../../lib/codec/vp9/header.ts";
import { VP9_REFERENCES, VP9_SLOTS, Vp9References } from "../../lib/codec/vp9/references.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import type { Assembly } from "./access_unit_buffer.ts";
import type { FrameControls, Rebuilder } from "./rebuilder.ts";
import { ReferenceSlots } from "./reference_slots.ts";

/** In 32-bit words of the control: the references' timestamps. */
const TIMESTAMPS = [
  FRAME.fields.last_frame_ts,
  FRAME.fields.golden_frame_ts,
  FRAME.fields.alt_frame_ts,
]
  .map(({ offset }) => offset >> 2);

/** Makes sure that a frame's references are those that its control names. */
export class Vp9Rebuilder implements Rebuilder {
  readonly #header = new Vp9References();
  readonly #control = FRAME.alloc();
  readonly #words = new Uint32Array(this.#control.bytes.buffer);
  readonly #slots = new ReferenceSlots(VP9_SLOTS);
  #low = 0;
  #high = 0;

  /** Whether no single frame's control came with it, as of a client that parses no frames. */
  isWhole(_bytes: Uint8Array<ArrayBuffer>, controls: FrameControls): boolean {
    const payload = controls.find(V4L2_CID_STATELESS_VP9_FRAME);
    if (payload?.length === FRAME.size) {
      this.#control.bytes.set(payload);
      if (this.#control.uncompressed_header_size !== 0) return false;
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
    if (splitSuperframe(bytes).length !== 1) throw new StreamError("a control of several frames");
    header.read(bytes);
    this.#low = timestampLow;
    this.#high = timestampHigh;
    if (header.existing) return;
    const key = (control.flags & V4L2_VP9_FRAME_FLAG_KEY_FRAME) !== 0;
    const size = control.frame_width_minus_1 + 1 !== header.width ||
      control.frame_height_minus_1 + 1 !== header.height;
    if (key !== header.key || key && size) throw new StreamError("the control is another frame's");
    for (let i = 0; header.inter && i < VP9_REFERENCES; i++) {
      const at = TIMESTAMPS[i];
      if (!this.#slots.holds(header.slots[i], this.#words[at], this.#words[at + 1])) {
        throw new StreamError("a reference is not there");
      }
    }
    for (let slot = 0; slot < VP9_SLOTS; slot++) {
      if (header.refresh >> slot & 1) this.#slots.put(slot, timestampLow, timestampHigh);
    }
  }

  reject(): void {
    this.#slots.drop(this.#low, this.#high);
  }

  flush(): void {
    this.#slots.clear();
  }
}
