/**
 * Which fields of their frames coded pictures are. Source: ITU-T H.264, section 7.4.3.
 *
 * @module
 */
import { behindStartCode, START_CODE } from "../annexb.ts";
import { StreamError } from "../stream_error.ts";
import { isSlice, NAL_PPS, NAL_SPS, NAL_TYPE_MASK } from "./nal_types.ts";
import { BOTH_FIELDS, fieldsOf } from "./slice.ts";
import { type Pps, readPps, readSps, type Sps } from "./sps.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Looks at the packets of one stream, and keeps its parameter sets. */
export class FieldFinder {
  readonly #sps = new Map<number, Sps>();
  readonly #pps = new Map<number, Pps>();
  readonly #spsOf = (id: number) => this.#sps.get(id);
  readonly #ppsOf = (id: number) => this.#pps.get(id);
  /** There may be fields. Without, no slice is looked at. */
  #interlaced = false;
  #broken = false;

  /** Whether the latest packet has a slice that cannot be read: where it is of a field, a decoder says nothing of it. */
  get broken(): boolean {
    return this.#broken;
  }

  /** The fields of the slices in a packet: TOP_FIELD and so on; 0 where there is none that can be read. */
  fieldsIn(packet: Bytes): number {
    let fields = 0;
    this.#broken = false;
    for (let at = behindStartCode(packet); at >= 0; at = behindStartCode(packet, at)) {
      const type = packet[at] & NAL_TYPE_MASK;
      if (type === NAL_SPS || type === NAL_PPS) this.#takeSet(type, payloadAt(packet, at));
      if (!isSlice(type)) continue;
      if (!this.#interlaced) return BOTH_FIELDS;
      fields |= this.#fieldsOf(packet.subarray(at + 1));
    }
    return fields;
  }

  #takeSet(type: number, payload: Bytes): void {
    try {
      if (type === NAL_PPS) {
        const pps = readPps(payload, this.#spsOf);
        this.#pps.set(pps.id, pps);
        return;
      }
      const sps = readSps(payload);
      this.#sps.set(sps.id, sps);
      this.#interlaced ||= !sps.frameMbsOnly;
    } catch (error) {
      // A decoder has no other opinion of it.
      if (!(error instanceof StreamError)) throw error;
    }
  }

  #fieldsOf(slice: Bytes): number {
    try {
      return fieldsOf(slice, this.#ppsOf, this.#spsOf);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.#broken = true;
      return 0;
    }
  }
}

/** What is behind a NAL unit's header, up to the next unit. */
function payloadAt(packet: Bytes, header: number): Bytes {
  const next = behindStartCode(packet, header);
  return packet.subarray(header + 1, next < 0 ? packet.length : next - START_CODE);
}
