/**
 * VP8: what its frames refer to.
 *
 * @module
 */
import {
  V4L2_CID_STATELESS_VP8_FRAME,
  v4l2_ctrl_vp8_frame,
  V4L2_VP8_FRAME_FLAG_KEY_FRAME,
} from "../../lib/uapi/v4l2_controls_vp8.ts";
import { VP8_KEPT, VP8_LAST, VP8_THIS, Vp8Header } from "../../lib/codec/vp8/header.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import { NamedReferences } from "./named_references.ts";

const LAST = 0;
const GOLDEN = 1;
const ALTERNATE = 2;
const OLD_GOLDEN = 3;

/** A frame refers to all three slots; the fourth is the golden one's while they change. */
export class Vp8Rebuilder extends NamedReferences<typeof v4l2_ctrl_vp8_frame.fields> {
  readonly #header = new Vp8Header();

  constructor() {
    super(V4L2_CID_STATELESS_VP8_FRAME, v4l2_ctrl_vp8_frame, OLD_GOLDEN + 1);
  }

  protected override isOneFrames(): boolean {
    return this.control.first_part_size !== 0;
  }

  protected override take(bytes: Uint8Array<ArrayBuffer>): void {
    const header = this.#header;
    const { control, slots } = this;
    header.read(bytes);
    const key = (control.flags & V4L2_VP8_FRAME_FLAG_KEY_FRAME) !== 0;
    const size = control.width !== header.width || control.height !== header.height;
    if (key !== header.key || control.first_part_size !== header.firstPartSize || key && size) {
      throw new StreamError("the control is another frame's");
    }
    for (let slot = LAST; !key && slot <= ALTERNATE; slot++) this.expectReference(slot, slot);
    slots.copy(GOLDEN, OLD_GOLDEN);
    this.#update(GOLDEN, header.golden, ALTERNATE);
    this.#update(ALTERNATE, header.alternate, OLD_GOLDEN);
    if (header.last) slots.put(LAST, this.low, this.high);
  }

  #update(slot: number, by: number, other: number): void {
    if (by === VP8_THIS) this.slots.put(slot, this.low, this.high);
    else if (by !== VP8_KEPT) this.slots.copy(by === VP8_LAST ? LAST : other, slot);
  }
}
