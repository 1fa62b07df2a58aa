/**
 * Pictures in memory of this process, to try packing on.
 *
 * @module
 */
import type { Picture, Planes } from "../../lib/ffmpeg/packer.ts";
import { addressOf } from "../../lib/sys/libc.ts";

const PLANES = 4;
const GUARD = 0xa5;
const GUARD_BYTES = 64;

/** In bytes, and lines. */
export interface PlaneShape {
  readonly row: number;
  readonly stride: number;
  readonly lines: number;
}

/** Planes one behind the other, with guards in front, behind, and between the lines. */
export class PictureMemory implements Picture {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #guard: number;
  /** The samples of each line of each plane. */
  readonly #lines: Uint8Array<ArrayBuffer>[] = [];
  /** `uint8_t *[4]` */
  readonly planes: Planes;
  /** `int32_t [4]` */
  readonly strides: Uint8Array<ArrayBuffer>;
  readonly pointer: Deno.PointerObject;
  readonly linesizes: Deno.PointerObject;
  readonly lines: Int32Array;

  /**
   * @param planes of each: bytes of samples in a line, from line to line, and lines
   * @param guard a byte of the guards
   */
  constructor(planes: readonly PlaneShape[], guard: number = GUARD) {
    this.#guard = guard;
    const size = planes.reduce((sum, { stride, lines }) => sum + stride * lines, 0);
    this.#bytes = new Uint8Array(size + 2 * GUARD_BYTES);
    this.clear();
    const addresses = new BigUint64Array(PLANES);
    const strides = new Int32Array(PLANES);
    let at = GUARD_BYTES;
    for (const [plane, { row, stride, lines }] of planes.entries()) {
      addresses[plane] = addressOf(this.#bytes) + BigInt(at);
      strides[plane] = stride;
      for (let line = 0; line < lines; line++) {
        this.#lines.push(this.#bytes.subarray(at, at + row));
        at += stride;
      }
    }
    this.planes = new Uint8Array(addresses.buffer);
    this.strides = new Uint8Array(strides.buffer);
    this.lines = strides;
    this.pointer = Deno.UnsafePointer.of(this.planes)!;
    this.linesizes = Deno.UnsafePointer.of(this.strides)!;
  }

  /** A copy of the samples, line by line. */
  get samples(): Uint8Array<ArrayBuffer> {
    const samples = new Uint8Array(this.#lines.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const line of this.#lines) {
      samples.set(line, at);
      at += line.length;
    }
    return samples;
  }

  set samples(samples: Uint8Array) {
    let at = 0;
    for (const line of this.#lines) line.set(samples.subarray(at, at += line.length));
  }

  /** Makes all of it guards. */
  clear(): void {
    this.#bytes.fill(this.#guard);
  }

  /** Whether it holds these samples, and its guards are as they were. */
  holds(samples: Uint8Array): boolean {
    const now = this.#bytes.slice();
    this.clear();
    this.samples = samples;
    return now.every((byte, at) => byte === this.#bytes[at]);
  }
}
