/**
 * Pictures of luma alone as such with chroma, which has no colour.
 *
 * @module
 */
import { addressOf } from "../sys/libc.ts";
import type { Frame } from "./frame.ts";

const POINTERS = 4;
const U32 = 0x1_0000_0000;

/** Both planes of chroma for grey pictures of one size, and the luma of one at a time. */
export class Grey {
  readonly #chroma: Uint8Array<ArrayBuffer>;
  readonly #planes: Uint32Array<ArrayBuffer>;
  /** `uint8_t *data[4]` */
  readonly pointer: Deno.PointerObject;
  /** `int linesize[4]` */
  readonly linesizes: Deno.PointerObject;
  /** The same as numbers. */
  readonly lines: Int32Array<ArrayBuffer> = new Int32Array(POINTERS);

  /**
   * @param width in pixels
   * @param height in lines
   * @param depth in bits of a sample, which has two bytes above 8
   */
  constructor(width: number, height: number, depth: number) {
    const columns = Math.ceil(width / 2);
    const samples = columns * Math.ceil(height / 2);
    const words = new Uint16Array(depth > 8 ? samples : 0).fill(1 << depth - 1);
    this.#chroma = depth > 8 ? new Uint8Array(words.buffer) : new Uint8Array(samples).fill(0x80);
    const stride = columns * (depth > 8 ? 2 : 1);
    const planes = new BigUint64Array(POINTERS);
    planes[1] = planes[2] = addressOf(this.#chroma);
    this.#planes = new Uint32Array(planes.buffer);
    this.lines.set([0, stride, stride]);
    this.pointer = Deno.UnsafePointer.of(this.#planes)!;
    this.linesizes = Deno.UnsafePointer.of(this.lines)!;
  }

  /** Takes the luma of a picture, as long as that is there. */
  take({ address, linesize }: Pick<Frame, "address" | "linesize">): void {
    this.#planes[0] = address % U32;
    this.#planes[1] = Math.floor(address / U32);
    this.lines[0] = linesize;
  }
}
