/**
 * Decoded pictures into V4L2's formats, scaled where the size differs.
 *
 * @module
 */
import { cString } from "../sys/libc.ts";
import {
  AV_PIX_FMT_FLAG_RGB,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_UNSPECIFIED,
  AVFRAME,
  AVPIXFMTDESCRIPTOR,
} from "./abi/avutil.ts";
import { Frame } from "./frame.ts";
import type { Ffmpeg } from "./abi/libraries.ts";
import type { RawLayout } from "./raw_layout.ts";
import { SWS_CS_DEFAULT } from "./abi/swscale.ts";
import { scalingContext } from "./scaling_context.ts";

/** How a picture's samples stand for colours. */
export interface Colour {
  /** AVCOL_SPC_*, which are libswscale's SWS_CS_* too */
  readonly space: number;
  /** AVCOL_RANGE_* */
  readonly range: number;
}

const POINTERS = 4;
const POINTER_BYTES = 8;

// libswscale works on groups of pixels, and leaves the rest of a line out or writes behind it where
// there is no padding.
const PIXEL_GROUP = 16;

/** Where a frame goes. */
export interface Destination {
  /** `uint8_t *data[4]` */
  readonly addresses: Uint8Array<ArrayBuffer>;
  /** Of each plane. */
  readonly pointers: readonly Deno.PointerObject[];
}

/** The planes of a frame that begins at `address`. */
export function destination({ planes }: RawLayout, address: bigint): Destination {
  const addresses = new BigUint64Array(POINTERS);
  for (const [plane, { offset }] of planes.entries()) addresses[plane] = address + BigInt(offset);
  return {
    addresses: new Uint8Array(addresses.buffer),
    pointers: planes.map((_, plane) => Deno.UnsafePointer.create(addresses[plane])!),
  };
}

/** Whether a pixel format, AV_PIX_FMT_*, is RGB of some kind. */
function isRgb({ avutil }: Ffmpeg, format: number): boolean {
  const descriptor = new Deno.UnsafePointerView(avutil.av_pix_fmt_desc_get(format)!);
  return (descriptor.getUint32(AVPIXFMTDESCRIPTOR.flags) & AV_PIX_FMT_FLAG_RGB) !== 0;
}

/** A picture between libswscale and memory whose lines have no padding. */
class Padded implements Disposable {
  readonly #avutil: Ffmpeg["avutil"];
  readonly #frame: Frame;
  readonly #planes;
  /** `uint8_t *data[4]` and `int linesize[4]`. */
  readonly addresses: Uint8Array<ArrayBuffer>;
  readonly strides: Uint8Array<ArrayBuffer>;

  constructor(ffmpeg: Ffmpeg, format: number, { width, height, planes }: RawLayout) {
    this.#avutil = ffmpeg.avutil;
    const frame = this.#frame = new Frame(ffmpeg);
    try {
      frame.allocate(format, width, height);
    } catch (error) {
      frame[Symbol.dispose]();
      throw error;
    }
    const bytes = Deno.UnsafePointerView.getArrayBuffer(frame.pointer, AVFRAME.size);
    this.addresses = new Uint8Array(bytes, AVFRAME.data, POINTERS * POINTER_BYTES);
    this.strides = new Uint8Array(bytes, AVFRAME.linesize, POINTERS * 4);
    const strides = new Int32Array(bytes, AVFRAME.linesize, POINTERS);
    const view = new Deno.UnsafePointerView(frame.pointer);
    this.#planes = planes.map(({ stride, lines }, plane) => ({
      ...{ stride, lines, from: strides[plane] },
      data: view.getPointer(AVFRAME.data + plane * POINTER_BYTES),
    }));
  }

  copyTo({ pointers }: Destination): void {
    for (let plane = 0; plane < this.#planes.length; plane++) {
      const { data, from, stride, lines } = this.#planes[plane];
      this.#avutil.av_image_copy_plane(pointers[plane], stride, data, from, stride, lines);
    }
  }

  [Symbol.dispose](): void {
    this.#frame[Symbol.dispose]();
  }
}

/** Converts pictures of one size and format. */
export class Scaler implements Disposable {
  readonly #swscale: Ffmpeg["swscale"];
  readonly #owned: DisposableStack;
  readonly #context: Deno.PointerObject;
  readonly #strides: Uint8Array<ArrayBuffer>;
  readonly #padded: Padded | undefined;
  readonly #width: number;
  readonly #height: number;
  readonly #format: number;

  /**
   * @param picture one of those to convert
   * @throws {Error} libswscale does not know the picture's format, or no memory
   */
  constructor(ffmpeg: Ffmpeg, picture: Frame, { space, range }: Colour, to: RawLayout) {
    const { avutil, swscale } = ffmpeg;
    const { width, height, format } = picture;
    this.#swscale = swscale;
    this.#width = width;
    this.#height = height;
    this.#format = format;
    using made = new DisposableStack();
    const target = avutil.av_get_pix_fmt(cString(to.name));
    const wanted = { width: to.width, height: to.height, format: target };
    const context = scalingContext(ffmpeg, picture, wanted);
    if (context === null) {
      const name = avutil.av_get_pix_fmt_name(format);
      const from = name === null ? String(format) : Deno.UnsafePointerView.getCString(name);
      throw new Error(`sws_getContext: no way from ${from} to ${to.name}`);
    }
    this.#context = made.adopt(context, swscale.sws_freeContext);
    const rgb = isRgb(ffmpeg, format);
    this.#setColour(rgb ? SWS_CS_DEFAULT : space, range, to.name !== "gray" && !rgb);
    if (to.width % PIXEL_GROUP !== 0) this.#padded = made.use(new Padded(ffmpeg, target, to));
    const strides = new Int32Array(POINTERS);
    strides.set(to.planes.map(({ stride }) => stride));
    this.#strides = this.#padded?.strides ?? new Uint8Array(strides.buffer);
    this.#owned = made.move();
  }

  // As the command of FFmpeg 7 does: the picture's own matrix, and from YUV to YUV its range too.
  // Else libswscale's: full range of grey, limited range and BT.601 of what was RGB.
  #setColour(space: number, range: number, keepRange: boolean): void {
    const { sws_getCoefficients, sws_getColorspaceDetails, sws_setColorspaceDetails } =
      this.#swscale;
    const table = new Uint8Array(POINTER_BYTES);
    const values = Array.from({ length: 5 }, () => new Int32Array(1));
    const [from, to, brightness, contrast, saturation] = values;
    const [a, b, c, d, e] = values.map((value) => new Uint8Array(value.buffer));
    // Formats without colour have no matrix to set.
    if (sws_getColorspaceDetails(this.#context, table, a, table, b, c, d, e) < 0) return;
    const matrix = sws_getCoefficients(space);
    const full = range === AVCOL_RANGE_UNSPECIFIED ? from[0] : Number(range === AVCOL_RANGE_JPEG);
    const toFull = keepRange ? full : to[0];
    const [light, steep, strong] = [brightness[0], contrast[0], saturation[0]];
    const context = this.#context;
    sws_setColorspaceDetails(context, matrix, full, matrix, toFull, light, steep, strong);
  }

  /** Whether a picture is one of those that this converts. */
  fits({ width, height, format }: Frame): boolean {
    return width === this.#width && height === this.#height && format === this.#format;
  }

  /** Converts a picture that fits. */
  scale({ pointer, linesizes }: Frame, to: Destination): void {
    const { sws_scale } = this.#swscale;
    const addresses = this.#padded?.addresses ?? to.addresses;
    const lines = this.#height;
    sws_scale(this.#context, pointer, linesizes, 0, lines, addresses, this.#strides);
    this.#padded?.copyTo(to);
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
