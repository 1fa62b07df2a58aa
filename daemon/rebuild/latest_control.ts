/**
 * Whether a control is another one than before.
 *
 * @module
 */
import { sameBytes } from "../../lib/codec/same_bytes.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";

/** A control's payload, copied; says whether it is another one than before. */
export class LatestControl {
  readonly bytes: Uint8Array<ArrayBuffer>;
  #known = false;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** @throws {StreamError} there is none, or one of another size */
  update(payload: Uint8Array | undefined, what: string): boolean {
    if (payload?.length !== this.bytes.length) throw new StreamError(`no ${what}`);
    if (this.#known && sameBytes(this.bytes, payload)) return false;
    this.bytes.set(payload);
    this.#known = true;
    return true;
  }

  forget(): void {
    this.#known = false;
  }
}
