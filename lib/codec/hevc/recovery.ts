/**
 * Where an HEVC stream is whole again that was begun at no random access point: intra refresh, whose
 * encoder says so by an SEI message. Source: ITU-T H.265, sections D.2.8 and D.3.8.
 *
 * @module
 */
import { behindStartCode, NalReader, START_CODE } from "../annexb.ts";
import { BitReader } from "../bits/reader.ts";
import { StreamError } from "../stream_error.ts";
import {
  countsOn,
  type HevcNal,
  hevcNals,
  isIrap,
  isSlice,
  NAL_HEADER,
  NAL_PREFIX_SEI,
} from "./nal.ts";
import { PictureOrder } from "./order.ts";
import { HeaderBytes, readSlice, type Slice } from "./slice.ts";
import { type Parameters, ParameterSets } from "./stream.ts";

const RECOVERY_POINT = 6;

/** More than the header of a slice takes. */
const MAX_SLICE_HEADER = 4096;

/** A coded frame up to the header of its first slice. */
function headOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let at = behindStartCode(bytes); at >= 0 && at < bytes.length;) {
    if (isSlice(bytes[at] >> 1 & 0x3f)) return bytes.subarray(0, at + MAX_SLICE_HEADER);
    at = behindStartCode(bytes, at + START_CODE);
  }
  return bytes;
}

/** recovery_poc_cnt in an SEI unit; undefined where it says nothing of the kind. */
function recoveryIn({ bytes }: HevcNal): number | undefined {
  const payload = bytes.subarray(NAL_HEADER);
  const bits = new NalReader(payload);
  const number = () => {
    let sum = 0;
    for (let byte = 255; byte === 255; sum += byte) byte = bits.bits(8);
    return sum;
  };
  // What follows the last message is a byte or more.
  while (bits.bytesRead + 2 < payload.length) {
    const type = number();
    const size = number();
    if (type === RECOVERY_POINT) return bits.signedExponential();
    for (let i = 0; i < size; i++) bits.bits(8);
  }
  return undefined;
}

/** Follows the coded frames of a stream. */
export class HevcRecovery {
  readonly #sets = new ParameterSets();
  readonly #order = new PictureOrder();
  /** The picture order count from which on pictures are as they were encoded. */
  #from: number | undefined;
  #isPoint = false;
  /** Counts of the pictures since the recovery point to which others may refer, and its own. */
  #held: number[] = [];
  #begin = 0;

  /** Whether decoding may begin with the frame that came last: its pictures will be whole by and by. */
  get isPoint(): boolean {
    return this.#isPoint;
  }

  /**
   * Takes the next coded frame in.
   *
   * @param doubtful what it refers to may not be what was encoded
   * @returns whether it is nevertheless as it was encoded
   */
  next(bytes: Uint8Array<ArrayBuffer>, doubtful: boolean): boolean {
    this.#isPoint = false;
    try {
      return this.#next(headOf(bytes), doubtful);
    } catch (error) {
      // Whoever decodes it sees what is wrong with it.
      if (error instanceof StreamError) return false;
      throw error;
    }
  }

  #next(head: Uint8Array<ArrayBuffer>, doubtful: boolean): boolean {
    let point: number | undefined;
    for (const nal of hevcNals(head)) {
      if (!isSlice(nal.type)) {
        this.#sets.read(nal);
        if (doubtful && nal.type === NAL_PREFIX_SEI) point ??= recoveryIn(nal);
        continue;
      }
      if (isIrap(nal.type)) this.lose();
      else if (doubtful && (point !== undefined || this.#from !== undefined)) {
        return this.#isExact(nal, point);
      }
      return false;
    }
    return false;
  }

  #isExact(nal: HevcNal, point: number | undefined): boolean {
    const bits = new BitReader(new HeaderBytes(nal).bytes);
    const slice = readSlice(nal, bits, (id) => this.#sets.find(id));
    const count = this.#order.next(slice, false);
    if (this.#from !== undefined && !this.#keep(slice, count)) this.lose();
    if (point !== undefined && countsOn(nal)) {
      this.#isPoint = true;
      // A later one changes nothing for those that the first one is about.
      if (this.#from === undefined) {
        this.#from = count + Math.max(point, 0);
        this.#begin = count;
        this.#held = [];
      }
    }
    this.#held.push(count);
    return this.#from !== undefined && count >= this.#from;
  }

  /** @returns whether what a picture names since the recovery point was there */
  #keep(slice: Slice<Parameters>, count: number): boolean {
    const { shortTerm, longTerm } = slice;
    const range = 2 ** (slice.parameters.sps.control.log2_max_pic_order_cnt_lsb_minus4 + 4);
    const named = [...shortTerm?.negative ?? [], ...shortTerm?.positive ?? []]
      .map(({ delta }) => count + delta);
    const isLongTerm = (held: number) => longTerm.some(({ lsb }) => (held - lsb) % range === 0);
    const whole = named.every((one) => one < this.#begin || this.#held.includes(one)) &&
      longTerm.every(({ used, lsb }) =>
        !used || this.#held.some((held) => (held - lsb) % range === 0)
      );
    this.#held = this.#held.filter((held) => named.includes(held) || isLongTerm(held));
    return whole;
  }

  /** What came before is lost, or whole: only what comes counts. */
  lose(): void {
    this.#from = undefined;
  }
}
