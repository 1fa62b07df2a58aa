/**
 * How large the frames of an AV1 stream are, before they are decoded.
 *
 * @module
 */
import { StreamError } from "../stream_error.ts";
import { Av1Headers, type Av1Sequence, isDecoded, readSequenceHeader } from "./header.ts";
import { OBU_FRAME, OBU_FRAME_HEADER, OBU_SEQUENCE_HEADER, obus } from "./obu.ts";

// Samples of a picture by its chroma, luma's included.
const SAMPLES = { "4:0:0": 1, "4:2:0": 3 / 2, "4:2:2": 2, "4:4:0": 2, "4:4:4": 3 } as const;

/** Follows a stream, temporal unit by temporal unit. */
export class Av1Sizes {
  #headers = new Av1Headers();
  #sequence: Av1Sequence | undefined;
  /** Pixels of the largest frame of the latest temporal unit; 0 before a sequence began. */
  pixels = 0;

  /** Of a pixel in memory, its share of chroma included. */
  get bytesPerPixel(): number {
    if (this.#sequence === undefined) return 0;
    const { chroma, bitDepth } = this.#sequence;
    return SAMPLES[chroma] * (bitDepth > 8 ? 2 : 1);
  }

  /**
   * Reads the headers of the next temporal unit, as far as they are whole.
   *
   * @returns whether no later frame can refer to what came before it
   */
  read(unit: Uint8Array<ArrayBuffer>): boolean {
    let key = false;
    this.pixels = 0;
    try {
      for (const obu of obus(unit)) {
        if (obu.type === OBU_SEQUENCE_HEADER) {
          this.#sequence = readSequenceHeader(obu.payload);
        } else if (obu.type === OBU_FRAME || obu.type === OBU_FRAME_HEADER) {
          const sequence = this.#sequence;
          if (sequence === undefined || !isDecoded(sequence, obu)) continue;
          const frame = this.#headers.read(sequence, obu);
          key ||= frame.key;
          this.pixels = Math.max(this.pixels, frame.size.width * frame.size.height);
        }
      }
    } catch (error) {
      // Whatever is wrong with it, the decoder is to say. Sizes that come from other frames are these'.
      if (!(error instanceof StreamError)) throw error;
    }
    return key;
  }
}
