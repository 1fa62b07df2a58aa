/**
 * The stateless parameters that came with a frame.
 *
 * @module
 */
import { vpipe_dec_control, vpipe_dec_decode } from "../../lib/uapi/vpipe_dec.ts";
import { type Incoming, ProtocolError } from "./messages.ts";

// In 32-bit words.
const NUM_CONTROLS = vpipe_dec_decode.fields.num_controls.offset >> 2;
const TIMESTAMP = vpipe_dec_decode.fields.timestamp_ns.offset >> 2;
const FIRST = vpipe_dec_decode.size >> 2;
const HEAD = vpipe_dec_control.size >> 2;
const { id: ID, size: SIZE } = vpipe_dec_control.fields;
const ID_AT = ID.offset >> 2;
const SIZE_AT = SIZE.offset >> 2;

/** Of a payload that is filled up to 8 bytes. */
const wordsOf = (size: number) => (size + 7 >>> 3) << 1;

/** The controls of the latest DECODE that a file gave. */
export class Controls {
  readonly #incoming: Incoming;
  readonly #views = new Map<number, Uint8Array<ArrayBuffer>>();

  constructor(incoming: Incoming) {
    this.#incoming = incoming;
  }

  /** Of the timestamp of the OUTPUT buffer in nanoseconds, the lower 32 bits. */
  get timestampLow(): number {
    return this.#incoming.words[TIMESTAMP];
  }
  /** The upper 32 bits. */
  get timestampHigh(): number {
    return this.#incoming.words[TIMESTAMP + 1];
  }

  /**
   * Makes sure that a DECODE is as long as its controls; comes before `find`.
   *
   * @throws {ProtocolError} it is not
   */
  check(): void {
    const { words, header } = this.#incoming;
    const end = header.size >> 2;
    let at = FIRST;
    for (let left = words[NUM_CONTROLS]; left > 0; left--) {
      if (at + HEAD <= end) at += HEAD + wordsOf(words[at + SIZE_AT]);
      else at = end + 1;
      if (at > end) throw new ProtocolError(`a DECODE of ${header.size} bytes lacks controls`);
    }
  }

  /**
   * The payload of a control, valid until the next message is read; undefined where the frame came
   * without it. As long as a control lies where it lay, this allocates nothing.
   *
   * @param id V4L2_CID_STATELESS_*
   */
  find(id: number): Uint8Array<ArrayBuffer> | undefined {
    const { words } = this.#incoming;
    let at = FIRST;
    for (let left = words[NUM_CONTROLS]; left > 0; left--) {
      const size = words[at + SIZE_AT];
      if (words[at + ID_AT] === id) return this.#view(id, (at + HEAD) << 2, size);
      at += HEAD + wordsOf(size);
    }
    return undefined;
  }

  #view(id: number, offset: number, size: number): Uint8Array<ArrayBuffer> {
    const last = this.#views.get(id);
    if (last?.byteOffset === offset && last.length === size) return last;
    const view = new Uint8Array(this.#incoming.words.buffer, offset, size);
    this.#views.set(id, view);
    return view;
  }
}
