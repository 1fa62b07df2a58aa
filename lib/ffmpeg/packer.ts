/**
 * A decoder's planar pictures into the layouts of V4L2: NV12, NV12M and P010.
 *
 * @module
 */
import { cString } from "../sys/libc.ts";
import { allocated } from "./error.ts";
import type { Frame } from "./frame.ts";
import type { Ffmpeg } from "./libraries.ts";
import { SWS_BICUBIC } from "./swscale.ts";

/** Pixel formats by FFmpeg's names, which unlike their numbers never change. */
const LAYOUTS = {
  nv12: { sources: ["yuv420p", "yuvj420p"], bytesPerSample: 1 },
  p010le: { sources: ["yuv420p10le"], bytesPerSample: 2 },
} as const;

/** Luma, then both colour differences in turns, at half the width and height. */
export type Layout = keyof typeof LAYOUTS;

/** Where a picture goes: `uint8_t *data[4]`. */
export type Planes = Uint8Array<ArrayBuffer>;

const POINTERS = 4;

/**
 * The planes of one destination.
 *
 * @param luma address of the first line
 * @param chroma address of the first line
 */
export function planes(luma: number, chroma: number): Planes {
  const addresses = new BigUint64Array(POINTERS);
  addresses[0] = BigInt(luma);
  addresses[1] = BigInt(chroma);
  return new Uint8Array(addresses.buffer);
}

/** Packs pictures of one size and depth. */
export class Packer implements Disposable {
  readonly #swscale: Ffmpeg["swscale"];
  readonly #context: Deno.PointerObject;
  readonly #formats: readonly number[];
  readonly #strides: Uint8Array<ArrayBuffer>;
  readonly #width: number;
  readonly #height: number;

  /**
   * @param width in pixels
   * @param height in lines
   * @param strides of luma and chroma, in bytes
   */
  constructor(
    { avutil, swscale }: Ffmpeg,
    layout: Layout,
    width: number,
    height: number,
    strides: readonly [luma: number, chroma: number],
  ) {
    const { sources } = LAYOUTS[layout];
    const format = (name: string) => avutil.av_get_pix_fmt(cString(name));
    this.#swscale = swscale;
    this.#width = width;
    this.#height = height;
    this.#formats = sources.map(format);
    this.#strides = new Uint8Array(Int32Array.of(...strides, 0, 0).buffer);
    // Video of full range counts as any other: its samples are kept.
    const [from, to] = [this.#formats[0], format(layout)];
    const context = swscale.sws_getContext(
      ...[width, height, from, width, height, to, SWS_BICUBIC] as const,
      ...[null, null, null] as const,
    );
    this.#context = allocated("sws_getContext", context);
  }

  /** Whether a picture is one of those that this packs. */
  fits({ width, height, format }: Frame): boolean {
    return width === this.#width && height === this.#height && this.#formats.includes(format);
  }

  /**
   * Writes a picture that fits.
   *
   * @returns whether all of it was written
   */
  pack(frame: Frame, to: Planes): boolean {
    const { pointer, linesizes } = frame;
    const lines = this.#swscale.sws_scale(
      ...[this.#context, pointer, linesizes, 0, this.#height, to, this.#strides] as const,
    );
    return lines === this.#height;
  }

  [Symbol.dispose](): void {
    this.#swscale.sws_freeContext(this.#context);
  }
}
