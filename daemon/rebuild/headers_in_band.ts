/**
 * Streams that have their headers in band, as the kernel's documents do not want it and some clients
 * do: their controls say nothing.
 *
 * @module
 */
import { behindStartCode } from "../../lib/codec/annexb.ts";
import type { FrameControls } from "./rebuilder.ts";

/** Zeros in front of a start code. */
const MOST_ZEROS = 64;

/** A number of so many bytes in a control, which is 0 until somebody sets that. */
interface Told {
  readonly control: number;
  readonly offset: number;
  readonly size: number;
}

/** How the headers of a codec are told. */
export interface HeaderForms {
  /** Whether a unit has the headers of a sequence, by its first byte. */
  readonly isHeader: (first: number) => boolean;
  /** Whether it has a slice. */
  readonly isSlice: (first: number) => boolean;
  /** In the control that has the headers. */
  readonly sequence: Told;
  /** In the one of each picture, which clients leave alone that have the headers in band. */
  readonly picture: Told;
}

/** Whether a stream has headers of its own. */
export class HeadersInBand {
  #has: boolean | undefined;
  #anew = true;

  constructor(private readonly forms: HeaderForms) {}

  /**
   * Looks at a buffer: where it begins with headers, they are the stream's own from there on. A stream
   * that begins without is as the one before it, unless its pictures have a control.
   */
  look(bytes: Uint8Array, controls: FrameControls): boolean {
    const { sequence, picture } = this.forms;
    if (this.#begins(bytes)) this.#has = true;
    else if (this.#has === undefined) this.#has = !isSet(sequence, controls, true);
    else if (this.#anew && isSet(picture, controls, false)) this.#has = false;
    this.#anew = false;
    return this.#has;
  }

  /** Whether headers come before any slice. */
  #begins(bytes: Uint8Array): boolean {
    const { isHeader, isSlice } = this.forms;
    const one = bytes.subarray(0, MOST_ZEROS).findIndex((byte) => byte !== 0);
    if (one < 2 || bytes[one] !== 1) return false;
    for (let at = one + 1; at >= 0; at = behindStartCode(bytes, at)) {
      if (isHeader(bytes[at])) return true;
      if (isSlice(bytes[at])) return false;
    }
    return false;
  }

  /** A stream may begin anew, and be another one. */
  forget(): void {
    this.#anew = true;
  }
}

/** @param without where the frame came without that control */
function isSet(
  { control, offset, size }: Told,
  controls: FrameControls,
  without: boolean,
): boolean {
  const payload = controls.find(control);
  if (payload === undefined) return without;
  return payload.subarray(offset, offset + size).some((byte) => byte > 0);
}
