/**
 * VP9's uncompressed header, as far as what it says of references.
 * Source: VP9 Bitstream & Decoding Process Specification 0.7, section 6.2.
 *
 * @module
 */
import { BitReader } from "../bits/reader.ts";
import { StreamError } from "../stream_error.ts";
import { CS_RGB, FRAME_MARKER, VP9_SLOTS } from "./header.ts";

/** References of a frame: last, golden, alternate. */
export const VP9_REFERENCES = 3;

const ALL_SLOTS = 0xff;

/** Reads frames one after the other; fields are those of the latest. */
export class Vp9References {
  /** Whether it only shows an earlier one, and changes no slot. */
  existing = false;
  key = false;
  /** Whether it refers to others. */
  inter = false;
  /** Of a key frame, in pixels. */
  width = 0;
  height = 0;
  /** The slots that it goes to, a bit each. */
  refresh = 0;
  /** The slots that it refers to, where it does. */
  readonly slots = new Uint8Array(VP9_REFERENCES);

  /**
   * Reads a frame's header.
   *
   * @throws {StreamError} it is no VP9 frame, or cut off
   */
  read(frame: Uint8Array): void {
    const bits = new BitReader(frame);
    if (bits.bits(2) !== FRAME_MARKER) throw new StreamError("not a VP9 frame");
    const profile = bits.bit() + 2 * bits.bit();
    if (profile === 3) bits.bit();
    this.existing = bits.flag();
    this.key = false;
    this.inter = false;
    this.refresh = 0;
    if (this.existing) return;
    this.key = !bits.flag();
    const shown = bits.flag();
    const resilient = bits.flag();
    if (this.key) return this.#readKey(bits, profile);
    const intraOnly = !shown && bits.flag();
    if (!resilient) bits.bits(2);
    if (intraOnly) {
      bits.bits(24);
      if (profile > 0) passColours(bits, profile);
    }
    this.refresh = bits.bits(VP9_SLOTS);
    this.inter = !intraOnly;
    for (let i = 0; this.inter && i < VP9_REFERENCES; i++) {
      this.slots[i] = bits.bits(3);
      bits.bit();
    }
  }

  #readKey(bits: BitReader, profile: number): void {
    bits.bits(24);
    passColours(bits, profile);
    this.refresh = ALL_SLOTS;
    this.width = bits.bits(16) + 1;
    this.height = bits.bits(16) + 1;
  }
}

function passColours(bits: BitReader, profile: number): void {
  if (profile >= 2) bits.bit();
  const rgb = bits.bits(3) === CS_RGB;
  if (!rgb) bits.bit();
  // Subsampling, or nothing, and a bit that is reserved.
  if (profile === 1 || profile === 3) bits.bits(rgb ? 1 : 3);
}
