/**
 * VP8's frame header, as far as what it says of references.
 * Source: RFC 6386, sections 7.3, 9.1 to 9.7 and 19.2.
 *
 * @module
 */
import { StreamError } from "../stream_error.ts";

/** Bytes of the frame tag, and of what a key frame has behind it. */
const TAG = 3;
const KEY_HEADER = 7;
const START_CODE = 0x2a019d;

/** What golden or alternate reference frame become; the first three as the bitstream has it. */
export const VP8_KEPT = 0;
export const VP8_LAST = 1;
/** The golden one becomes the alternate one, or the other way round. */
export const VP8_OTHER = 2;
export const VP8_THIS = 3;

/** A bit's probability of being 0, of 256, where both values are as likely. */
const EVEN = 128;

/** Reads frames one after the other, and allocates nothing; fields are those of the latest. */
export class Vp8Header {
  key = false;
  /** Whether it is to be shown. */
  shown = false;
  version = 0;
  /** Bytes of the first partition, which is behind the bytes that are not compressed. */
  firstPartSize = 0;
  /** Of the latest key frame, in pixels. */
  width = 0;
  height = 0;
  /** Upscaling that the encoder proposes, 0 to 3: no decoder's matter. */
  horizontalScale = 0;
  verticalScale = 0;
  /** VP8_KEPT, VP8_LAST, VP8_OTHER or VP8_THIS, of the references as they are before the frame. */
  golden = VP8_THIS;
  alternate = VP8_THIS;
  /** Whether the last frame is this one afterwards. */
  last = true;
  #bytes = new Uint8Array();
  #next = 0;
  #value = 0;
  #range = 0;
  #shifted = 0;

  /**
   * Reads a frame's header.
   *
   * @throws {StreamError} where it is cut off, or a key frame without a start code
   */
  read(frame: Uint8Array<ArrayBuffer>): void {
    if (frame.length < TAG) throw new StreamError("the header is cut off");
    const tag = frame[0] | frame[1] << 8 | frame[2] << 16;
    this.key = (tag & 1) === 0;
    this.version = tag >> 1 & 7;
    this.shown = (tag >> 4 & 1) === 1;
    this.firstPartSize = tag >> 5;
    if (this.key) this.#readSize(frame);
    this.#readReferences(frame);
    this.#bytes = NOTHING;
  }

  #readSize(frame: Uint8Array): void {
    if (frame.length < TAG + KEY_HEADER) throw new StreamError("the header is cut off");
    const code = frame[3] | frame[4] << 8 | frame[5] << 16;
    if (code !== START_CODE) throw new StreamError("wrong VP8 start code");
    const width = frame[6] | frame[7] << 8;
    const height = frame[8] | frame[9] << 8;
    this.width = width & 0x3fff;
    this.horizontalScale = width >> 14;
    this.height = height & 0x3fff;
    this.verticalScale = height >> 14;
  }

  #readReferences(frame: Uint8Array<ArrayBuffer>): void {
    this.golden = this.alternate = VP8_THIS;
    this.last = true;
    if (this.key) return;
    this.#begin(frame, TAG);
    this.#skipSegmentation();
    // filter_type, loop_filter_level, sharpness_level
    this.#bits(1 + 6 + 3);
    this.#skipFilterDeltas();
    // log2_nbr_of_dct_partitions, y_ac_qi
    this.#bits(2 + 7);
    for (let i = 0; i < 5; i++) if (this.#bits(1)) this.#bits(4 + 1);
    this.golden = this.#bits(1) ? VP8_THIS : VP8_KEPT;
    this.alternate = this.#bits(1) ? VP8_THIS : VP8_KEPT;
    if (this.golden === VP8_KEPT) this.golden = copied(this.#bits(2));
    if (this.alternate === VP8_KEPT) this.alternate = copied(this.#bits(2));
    // sign_bias_golden, sign_bias_alternate, refresh_entropy_probs
    this.#bits(3);
    this.last = this.#bits(1) === 1;
  }

  #skipSegmentation(): void {
    if (!this.#bits(1)) return;
    const map = this.#bits(1);
    if (this.#bits(1)) {
      // segment_feature_mode
      this.#bits(1);
      for (let i = 0; i < 4; i++) if (this.#bits(1)) this.#bits(7 + 1);
      for (let i = 0; i < 4; i++) if (this.#bits(1)) this.#bits(6 + 1);
    }
    if (map) { for (let i = 0; i < 3; i++) if (this.#bits(1)) this.#bits(8); }
  }

  #skipFilterDeltas(): void {
    if (!this.#bits(1) || !this.#bits(1)) return;
    for (let i = 0; i < 4 + 4; i++) if (this.#bits(1)) this.#bits(6 + 1);
  }

  // The boolean decoder of section 7.3. Behind the end there are zeros.

  #begin(bytes: Uint8Array<ArrayBuffer>, at: number): void {
    this.#bytes = bytes;
    this.#next = at;
    this.#value = this.#byte() << 8;
    this.#value |= this.#byte();
    this.#range = 255;
    this.#shifted = 0;
  }

  #byte(): number {
    return this.#next < this.#bytes.length ? this.#bytes[this.#next++] : 0;
  }

  #bits(count: number): number {
    let bits = 0;
    for (let i = 0; i < count; i++) bits = bits << 1 | this.#bit();
    return bits;
  }

  #bit(): number {
    const split = 1 + ((this.#range - 1) * EVEN >> 8);
    const bit = this.#value >= split << 8 ? 1 : 0;
    if (bit) {
      this.#range -= split;
      this.#value -= split << 8;
    } else {
      this.#range = split;
    }
    while (this.#range < 128) {
      this.#value <<= 1;
      this.#range <<= 1;
      if (++this.#shifted === 8) {
        this.#shifted = 0;
        this.#value |= this.#byte();
      }
    }
    return bit;
  }
}

const NOTHING = new Uint8Array();

/** copy_buffer_to_golden or copy_buffer_to_alternate; 3 is reserved, and decoders keep the frame. */
const copied = (code: number) => code === VP8_THIS ? VP8_KEPT : code;
