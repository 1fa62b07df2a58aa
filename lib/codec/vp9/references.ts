/**
 * VP9's uncompressed header, as far as what it says of references.
 * Source: VP9 Bitstream & Decoding Process Specification 0.7, section 6.2.
 *
 * @module
 */
import { StreamError } from "../stream_error.ts";

/** Slots of a decoder. */
export const VP9_SLOTS = 8;
/** References of a frame: last, golden, alternate. */
export const VP9_REFERENCES = 3;

const FRAME_MARKER = 2;
const ALL_SLOTS = 0xff;
const CS_RGB = 7;

/** Reads frames one after the other, and allocates nothing; fields are those of the latest. */
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
  #bytes = new Uint8Array();
  #next = 0;

  /**
   * Reads a frame's header.
   *
   * @throws {StreamError} it is no VP9 frame, or cut off
   */
  read(frame: Uint8Array<ArrayBuffer>): void {
    this.#bytes = frame;
    this.#next = 0;
    if (this.#bits(2) !== FRAME_MARKER) throw new StreamError("not a VP9 frame");
    const profile = this.#bits(1) + 2 * this.#bits(1);
    if (profile === 3) this.#bits(1);
    this.existing = this.#bits(1) === 1;
    this.key = false;
    this.inter = false;
    this.refresh = 0;
    if (this.existing) return;
    this.key = this.#bits(1) === 0;
    const shown = this.#bits(1) === 1;
    const resilient = this.#bits(1) === 1;
    if (this.key) return this.#readKey(profile);
    const intraOnly = !shown && this.#bits(1) === 1;
    if (!resilient) this.#bits(2);
    if (intraOnly) {
      this.#bits(24);
      if (profile > 0) this.#passColours(profile);
    }
    this.refresh = this.#bits(VP9_SLOTS);
    this.inter = !intraOnly;
    for (let i = 0; this.inter && i < VP9_REFERENCES; i++) {
      this.slots[i] = this.#bits(3);
      this.#bits(1);
    }
  }

  #readKey(profile: number): void {
    this.#bits(24);
    this.#passColours(profile);
    this.refresh = ALL_SLOTS;
    this.width = this.#bits(16) + 1;
    this.height = this.#bits(16) + 1;
  }

  #passColours(profile: number): void {
    if (profile >= 2) this.#bits(1);
    const rgb = this.#bits(3) === CS_RGB;
    if (!rgb) this.#bits(1);
    // Subsampling, or nothing, and a bit that is reserved.
    if (profile === 1 || profile === 3) this.#bits(rgb ? 1 : 3);
  }

  #bits(count: number): number {
    const bytes = this.#bytes;
    let value = 0;
    for (const end = this.#next + count; this.#next < end; this.#next++) {
      const at = this.#next >> 3;
      if (at >= bytes.length) throw new StreamError("the header is cut off");
      value = value << 1 | bytes[at] >> 7 - (this.#next & 7) & 1;
    }
    return value;
  }
}
