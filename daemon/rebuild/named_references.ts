/**
 * Codecs whose frames have their header: FFmpeg finds the references there, and the control has to
 * name the same.
 *
 * @module
 */
import { StreamError } from "../../lib/codec/stream_error.ts";
import type { Field, Fields, StructType, View } from "../../lib/uapi/struct.ts";
import type { Assembly } from "./access_unit_buffer.ts";
import type { FrameControls, Rebuilder } from "./rebuilder.ts";
import { ReferenceSlots } from "./reference_slots.ts";

/** The references' timestamps, as VP8's and VP9's controls have them. */
type Named = Fields & Record<"last_frame_ts" | "golden_frame_ts" | "alt_frame_ts", Field<bigint>>;

/** Makes sure that a frame's references are those that its control names. */
export abstract class NamedReferences<Control extends Named> implements Rebuilder {
  /** Of the latest frame. */
  protected readonly control: View<Control>;
  protected readonly slots: ReferenceSlots;
  /** Timestamp of the latest frame. */
  protected low = 0;
  protected high = 0;
  readonly #words: Uint32Array;
  /** In 32-bit words of the control. */
  readonly #timestamps: readonly number[];

  /**
   * @param id of the control
   * @param struct its payload
   * @param slots that a decoder has
   */
  constructor(
    readonly id: number,
    private readonly struct: StructType<Control>,
    slots: number,
  ) {
    const { last_frame_ts, golden_frame_ts, alt_frame_ts } = struct.fields;
    this.#timestamps = [last_frame_ts, golden_frame_ts, alt_frame_ts]
      .map(({ offset }) => offset >> 2);
    this.control = struct.alloc();
    this.#words = new Uint32Array(this.control.bytes.buffer);
    this.slots = new ReferenceSlots(slots);
  }

  /** Whether the control is of one frame: it has the size of its header. */
  protected abstract isOneFrames(): boolean;

  /**
   * Looks at a frame and its control, and keeps what later ones may refer to.
   *
   * @throws {StreamError} the control is another frame's, or a reference is not there
   */
  protected abstract take(bytes: Uint8Array<ArrayBuffer>): void;

  /** Whether no single frame's control came with it, as of a client that parses no frames. */
  isWhole(_bytes: Uint8Array<ArrayBuffer>, controls: FrameControls): boolean {
    const payload = controls.find(this.id);
    if (payload?.length === this.struct.size) {
      this.control.bytes.set(payload);
      if (this.isOneFrames()) return false;
    }
    // What this frame is to others nobody has looked at.
    this.slots.clear();
    return true;
  }

  add(to: Assembly, bytes: Uint8Array<ArrayBuffer>, controls: FrameControls): void {
    if (!this.isWhole(bytes, controls)) {
      this.low = controls.timestampLow;
      this.high = controls.timestampHigh;
      this.take(bytes);
    }
    to.add(bytes);
  }

  /**
   * @param reference 0 of the last frame, 1 of the golden, 2 of the alternate one
   * @throws {StreamError} the slot has another frame than the control names
   */
  protected expectReference(reference: number, slot: number): void {
    const at = this.#timestamps[reference];
    if (this.slots.holds(slot, this.#words[at], this.#words[at + 1])) return;
    throw new StreamError("a reference is not there");
  }

  reject(): void {
    this.slots.drop(this.low, this.high);
  }

  /** What it would have replaced is not known any more. */
  giveUp(): void {
    this.slots.clear();
  }

  flush(): void {
    this.slots.clear();
  }
}
