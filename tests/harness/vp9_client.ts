/**
 * VP9 as a stateless client sends it: single frames, and references named in controls.
 *
 * @module
 */
import { splitSuperframe, VP9_SLOTS, Vp9Headers } from "../../lib/codec/vp9/header.ts";
import { Vp9References } from "../../lib/codec/vp9/references.ts";
import * as c from "../../lib/uapi/v4l2_controls_vp9.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type FrameControl = ReturnType<typeof c.v4l2_ctrl_vp9_frame.alloc>;

/** The frames in units of a container, each by itself. */
export function singleFrames<Unit extends { data: Bytes; displayIndex: number }>(
  units: readonly Unit[],
): Unit[] {
  return units.flatMap((unit) => {
    const frames = splitSuperframe(unit.data);
    // The one that is shown is the last one.
    return frames.map((data, i) => ({
      ...unit,
      data,
      displayIndex: i + 1 < frames.length ? -1 : unit.displayIndex,
    }));
  });
}

/** Reads frames one after the other, and keeps track of what they refer to. */
export class Vp9Client {
  readonly #headers = new Vp9Headers();
  readonly #references = new Vp9References();
  /** Timestamps of what is in each slot. */
  readonly #slots = new BigUint64Array(VP9_SLOTS);

  /**
   * The control of a frame; one that only shows an earlier frame has one that says so little.
   *
   * @param time of its buffer, in nanoseconds
   */
  control(frame: Bytes, time: bigint): FrameControl {
    const { control } = this.#headers.read(frame);
    const references = this.#references;
    references.read(frame);
    const named = control === undefined
      ? c.v4l2_ctrl_vp9_frame.alloc({ bit_depth: 8, flags: FOUR_TWO_ZERO })
      : c.v4l2_ctrl_vp9_frame.at(control);
    const [last, golden, alternate] = [...references.slots].map((slot) => this.#slots[slot]);
    if (references.inter) {
      Object.assign(named, {
        last_frame_ts: last,
        golden_frame_ts: golden,
        alt_frame_ts: alternate,
      });
    }
    for (let slot = 0; slot < VP9_SLOTS; slot++) {
      if (references.refresh >> slot & 1) this.#slots[slot] = time;
    }
    return named;
  }
}

const FOUR_TWO_ZERO = c.V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | c.V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
