/**
 * VP9: what its frames refer to.
 *
 * @module
 */
import {
  V4L2_CID_STATELESS_VP9_FRAME,
  v4l2_ctrl_vp9_frame,
  V4L2_VP9_FRAME_FLAG_KEY_FRAME,
} from "../../lib/uapi/v4l2_controls_vp9.ts";
import { splitSuperframe, VP9_SLOTS } from "../../lib/codec/vp9/header.ts";
import { VP9_REFERENCES, Vp9References } from "../../lib/codec/vp9/references.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import { NamedReferences } from "./named_references.ts";

/** A frame may refer to three of eight slots. */
export class Vp9Rebuilder extends NamedReferences<typeof v4l2_ctrl_vp9_frame.fields> {
  readonly #header = new Vp9References();

  constructor() {
    super(V4L2_CID_STATELESS_VP9_FRAME, v4l2_ctrl_vp9_frame, VP9_SLOTS);
  }

  protected override isOneFrames(): boolean {
    return this.control.uncompressed_header_size !== 0;
  }

  protected override take(bytes: Uint8Array<ArrayBuffer>): void {
    const header = this.#header;
    const { control, slots } = this;
    if (splitSuperframe(bytes).length !== 1) throw new StreamError("a control of several frames");
    header.read(bytes);
    if (header.existing) return;
    const key = (control.flags & V4L2_VP9_FRAME_FLAG_KEY_FRAME) !== 0;
    const size = control.frame_width_minus_1 + 1 !== header.width ||
      control.frame_height_minus_1 + 1 !== header.height;
    if (key !== header.key || key && size) throw new StreamError("the control is another frame's");
    for (let i = 0; header.inter && i < VP9_REFERENCES; i++) {
      this.expectReference(i, header.slots[i]);
    }
    for (let slot = 0; slot < VP9_SLOTS; slot++) {
      if (header.refresh >> slot & 1) slots.put(slot, this.low, this.high);
    }
  }
}
