/**
 * Streams that have their headers in band, as the kernel's documents do not want it and some clients
 * do: their controls say nothing.
 *
 * @module
 */
import { behindStartCode } from "../../lib/codec/annexb.ts";
import type { FrameControls } from "./rebuilder.ts";

/** The longest start code, behind which the first unit begins. */
const START_CODE_BYTES = 4;

/** How the headers of a codec are told. */
export interface HeaderForms {
  /** Whether a unit has the headers of a sequence, by its first byte. */
  readonly isHeader: (first: number) => boolean;
  /** Whether it has a slice. */
  readonly isSlice: (first: number) => boolean;
  /** The control that has the headers. */
  readonly control: number;
  /** In it a number of so many bytes, which is 0 until somebody sets the control. */
  readonly told: { readonly offset: number; readonly size: number };
}

/** Whether a stream has headers of its own. */
export class HeadersInBand {
  #has = false;

  constructor(private readonly forms: HeaderForms) {}

  /** Looks at a buffer: once there were some, or no control says what they are, they are the stream's. */
  look(bytes: Uint8Array, controls: FrameControls): boolean {
    return this.#has ||= this.#begins(bytes) || !this.#told(controls);
  }

  /** Whether headers come before any slice. */
  #begins(bytes: Uint8Array): boolean {
    if (behindStartCode(bytes.subarray(0, START_CODE_BYTES)) < 0) return false;
    const { isHeader, isSlice } = this.forms;
    for (let at = behindStartCode(bytes); at >= 0; at = behindStartCode(bytes, at)) {
      if (isHeader(bytes[at])) return true;
      if (isSlice(bytes[at])) return false;
    }
    return false;
  }

  #told(controls: FrameControls): boolean {
    const { control, told: { offset, size } } = this.forms;
    const payload = controls.find(control);
    return payload === undefined ||
      payload.subarray(offset, offset + size).some((byte) => byte > 0);
  }

  /** A stream may begin anew, and another one. */
  forget(): void {
    this.#has = false;
  }
}
