/**
 * VP8 as a stateless client sends it: whole frames, and references named in controls.
 *
 * @module
 */
import type { FrameControls } from "../../daemon/rebuild/rebuilder.ts";
import { Vp8Header } from "../../lib/codec/vp8/header.ts";
import * as c from "../../lib/uapi/v4l2_controls_vp8.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type FrameControl = ReturnType<typeof c.v4l2_ctrl_vp8_frame.alloc>;

/** What the daemon is told of a frame. */
export function frameControls(
  time: bigint,
  controls: readonly { readonly id: number; readonly payload: Bytes }[],
): FrameControls {
  const payloads = new Map(controls.map(({ id, payload }) => [id, payload]));
  return {
    find: (id) => payloads.get(id),
    timestampLow: Number(time & 0xffff_ffffn),
    timestampHigh: Number(time >> 32n),
  };
}

/** Reads frames one after the other, and keeps track of what they refer to. */
export class Vp8Client {
  readonly #header = new Vp8Header();
  #last = 0n;
  #golden = 0n;
  #alternate = 0n;

  /**
   * The control of a frame.
   *
   * @param time of its buffer, in nanoseconds
   */
  control(frame: Bytes, time: bigint): FrameControl {
    const header = this.#header;
    header.read(frame);
    const control = c.v4l2_ctrl_vp8_frame.alloc({
      width: header.width,
      height: header.height,
      num_dct_parts: 1,
      first_part_size: header.firstPartSize,
      flags: header.key ? c.V4L2_VP8_FRAME_FLAG_KEY_FRAME : 0,
      last_frame_ts: this.#last,
      golden_frame_ts: this.#golden,
      alt_frame_ts: this.#alternate,
    });
    const [last, golden, alternate] = [this.#last, this.#golden, this.#alternate];
    this.#golden = [golden, last, alternate, time][header.golden];
    this.#alternate = [alternate, last, golden, time][header.alternate];
    if (header.last) this.#last = time;
    return control;
  }
}
