/**
 * A decoder's planar pictures into the layouts of V4L2: NV12, YU12 and P010, and those of the same with
 * planes in memory of their own.
 *
 * @module
 */
import { addressOf, cString } from "../sys/libc.ts";
import { AV_CRC_32_IEEE_LE } from "./abi/avutil.ts";
import { allocated } from "./abi/error.ts";
import type { Frame } from "./frame.ts";
import { Grey } from "./grey.ts";
import type { Ffmpeg } from "./abi/libraries.ts";
import { scalingContext } from "./scaling_context.ts";
import { PICTURE_LAYOUTS, planeBytes, rowBytes } from "../image/pixel_format.ts";

/** Pixel formats by FFmpeg's names, which unlike their numbers never change. */
export const LAYOUTS = {
  nv12: {
    sources: ["yuv420p", "yuvj420p"],
    grey: "gray",
    depth: 8,
    bytesPerSample: 1,
    planes: PICTURE_LAYOUTS.nv12.planes,
    kernel: "vpipe_pack_nv12",
  },
  yuv420p: {
    sources: ["yuv420p", "yuvj420p"],
    grey: "gray",
    depth: 8,
    bytesPerSample: 1,
    planes: PICTURE_LAYOUTS.yu12.planes,
    kernel: undefined,
  },
  p010le: {
    sources: ["yuv420p10le"],
    grey: "gray10le",
    depth: 10,
    bytesPerSample: 2,
    planes: PICTURE_LAYOUTS.p010.planes,
    kernel: "vpipe_pack_p010",
  },
} as const;

/**
 * Luma, then the colour differences at half the width and height: both in turns, or, as FFmpeg's
 * decoders have them, each by itself.
 */
export type Layout = keyof typeof LAYOUTS;

/** Where a picture goes: `uint8_t *data[4]`. */
export type Planes = Uint8Array<ArrayBuffer>;

/** Where a picture comes from: `uint8_t *data[4]` and `int linesize[4]`, the latter as numbers too. */
export type Picture = Pick<Frame, "pointer" | "linesizes" | "lines">;

/** A picture that says whether it is grey: then it has no chroma. */
export type DecodedPicture = Picture & Pick<Frame, "format" | "address" | "linesize">;

const POINTERS = 4;

/**
 * The planes of one destination.
 *
 * @param lines address of the first line of each
 */
export function planes(...lines: readonly number[]): Planes {
  const addresses = new BigUint64Array(POINTERS);
  addresses.set(lines.map(BigInt));
  return new Uint8Array(addresses.buffer);
}

/** `int linesize[4]` */
function linesizes(strides: readonly number[]): Uint8Array<ArrayBuffer> {
  const sizes = new Int32Array(POINTERS);
  sizes.set(strides);
  return new Uint8Array(sizes.buffer);
}

/** Bytes of a line of each plane. */
export function lineBytes(layout: Layout, width: number): number[] {
  return LAYOUTS[layout].planes.map((plane) => rowBytes(plane, width));
}

/**
 * How `av_image_copy` is told of planes of 4:2:0 without a byte between their lines: each as a single line.
 * At 1080p that takes 0.9 of the time of as many copies as there are lines.
 */
class SingleLines {
  /** Of each plane, in bytes. */
  readonly #rows: readonly number[];
  readonly #sizes: Int32Array<ArrayBuffer>;
  /** `int linesize[4]` */
  readonly strides: Uint8Array<ArrayBuffer>;
  readonly linesizes: Deno.PointerObject;
  /** With a quarter of luma in each chroma, whatever the lines. */
  readonly format: number;
  /** In pixels. */
  readonly width: number;

  constructor({ avutil }: Ffmpeg, width: number, height: number, rows: readonly number[]) {
    this.#rows = rows;
    this.width = width * height;
    this.#sizes = Int32Array.of(this.width, this.width / 4, this.width / 4, 0);
    this.strides = new Uint8Array(this.#sizes.buffer);
    this.linesizes = Deno.UnsafePointer.of(this.#sizes)!;
    this.format = avutil.av_get_pix_fmt(cString("yuv411p"));
  }

  /** Whether a picture lies like that. */
  has({ lines }: Picture): boolean {
    const rows = this.#rows;
    return lines[0] === rows[0] && lines[1] === rows[1] && lines[2] === rows[2];
  }
}

/**
 * A place for luma of libswscale's, which writes behind a line's end: what lines as far apart as the
 * destination's are padded with, and of words the column that makes an odd width even.
 */
class Aside {
  readonly #luma: Uint8Array<ArrayBuffer>;
  readonly #plane: Planes;
  readonly pointer: Deno.PointerObject;
  /** The destination, but for luma. */
  readonly planes: Planes = planes();

  constructor(stride: number, height: number) {
    this.#luma = new Uint8Array(stride * height);
    this.#plane = planes(Number(addressOf(this.#luma)));
    this.pointer = Deno.UnsafePointer.of(this.#plane)!;
  }

  /** Fills `planes` in. */
  take(to: Planes): void {
    this.planes.set(to);
    for (let i = 0; i < BigUint64Array.BYTES_PER_ELEMENT; i++) this.planes[i] = this.#plane[i];
  }
}

/** Packs pictures of one size and depth. */
export class Packer implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #layout: Layout;
  readonly #width: number;
  readonly #height: number;
  readonly #strides: Uint8Array<ArrayBuffer>;
  /** The same. */
  readonly #linesizes: Deno.PointerObject;
  readonly #sources: readonly number[];
  /** FFmpeg's number of the layout. */
  readonly #format: number;
  readonly #kernel;
  /** The layout is what decoders give: nothing is to be converted. */
  readonly #planar: boolean;
  /** Where that has no padding. */
  readonly #single: SingleLines | undefined;
  readonly #scaler: Deno.PointerValue = null;
  /** Of luma, where there is something behind its lines' ends. */
  readonly #padded: number | undefined;
  readonly #widened: boolean = false;
  #aside: Aside | undefined;
  readonly #greyFormat: number;
  #grey: Grey | undefined;
  #tight: ReturnType<typeof tightPicture> | undefined;
  #table: Deno.PointerValue = null;

  /**
   * @param ffmpeg with kernels, where these are to do the work
   * @param width in pixels
   * @param height in lines
   * @param strides of each plane, in bytes; where chroma is in turns, those of both hold a line of it
   */
  constructor(
    ffmpeg: Ffmpeg,
    layout: Layout,
    width: number,
    height: number,
    strides: readonly number[],
  ) {
    const { avutil, kernels } = ffmpeg;
    const { sources, grey, bytesPerSample, kernel } = LAYOUTS[layout];
    const format = (name: string) => avutil.av_get_pix_fmt(cString(name));
    this.#ffmpeg = ffmpeg;
    this.#layout = layout;
    this.#width = width;
    this.#height = height;
    this.#strides = linesizes(strides);
    this.#linesizes = Deno.UnsafePointer.of(this.#strides)!;
    this.#sources = sources.map(format);
    this.#format = format(layout);
    this.#greyFormat = format(grey);
    this.#kernel = kernel && kernels?.[kernel];
    this.#planar = kernel === undefined;
    const rows = lineBytes(layout, width);
    const even = width % 2 === 0 && height % 2 === 0;
    const tight = even && rows.every((row, plane) => row === strides[plane]);
    if (this.#planar && tight) this.#single = new SingleLines(ffmpeg, width, height, rows);
    if (this.#planar || this.#kernel !== undefined) return;
    // To P010 libswscale leaves out the last column of chroma where the width is odd.
    const columns = bytesPerSample > 1 ? Math.ceil(width / 2) * 2 : width;
    // Video of full range counts as any other: its samples are kept.
    const from = { width: columns, height, format: this.#sources[0] };
    const context = scalingContext(ffmpeg, from, { ...from, format: this.#format });
    this.#scaler = allocated("sws_getContext", context);
    if (strides[0] !== rows[0]) this.#padded = strides[0];
    this.#widened = columns !== width;
  }

  /** Whether a picture is one of those that this packs. */
  fits({ width, height, format }: Frame): boolean {
    return width === this.#width && height === this.#height &&
      (this.#sources.includes(format) || format === this.#greyFormat);
  }

  /**
   * Writes a decoder's picture that fits; chroma of a grey one is without colour.
   *
   * @returns whether all of it was written
   */
  packDecoded(picture: DecodedPicture, to: Planes): boolean {
    if (picture.format !== this.#greyFormat) return this.pack(picture, to);
    const { depth } = LAYOUTS[this.#layout];
    this.#grey ??= new Grey(this.#width, this.#height, depth);
    this.#grey.take(picture);
    return this.pack(this.#grey, to);
  }

  /**
   * Writes a picture that fits.
   *
   * @returns whether all of it was written
   */
  pack(picture: Picture, to: Planes): boolean {
    const { pointer, linesizes } = picture;
    const height = this.#height;
    const strides = this.#strides;
    if (this.#kernel) {
      this.#kernel(pointer, linesizes, to, strides, this.#width, height);
      return true;
    }
    const { avutil, swscale } = this.#ffmpeg;
    if (this.#planar) {
      const single = this.#single;
      if (single?.has(picture)) {
        const { strides, linesizes, format, width } = single;
        avutil.av_image_copy_from(to, strides, pointer, linesizes, format, width, 1);
      } else {
        // Never with what lines are padded with, which may be left of another client's picture.
        const width = this.#width;
        avutil.av_image_copy_from(to, strides, pointer, linesizes, this.#format, width, height);
      }
      return true;
    }
    const padded = this.#padded;
    const scaler = this.#scaler;
    if (padded === undefined || !this.#widened && picture.lines[0] !== padded) {
      return swscale.sws_scale(scaler, pointer, linesizes, 0, height, to, strides) === height;
    }
    const aside = this.#aside ??= new Aside(padded, height);
    aside.take(to);
    const written = swscale.sws_scale(scaler, pointer, linesizes, 0, height, aside.planes, strides);
    const [format, width] = [this.#greyFormat, this.#width];
    avutil.av_image_copy_from(to, strides, aside.pointer, this.#linesizes, format, width, height);
    return written === height;
  }

  /**
   * CRC-32 of the samples of a packed picture, as they lie in memory, luma first: zlib's crc32() of
   * what ffmpeg writes as rawvideo.
   *
   * @param crc that of the pictures before it, at first 0
   */
  crc32(crc: number, picture: Planes): number {
    const { avutil, kernels } = this.#ffmpeg;
    const width = this.#width;
    const height = this.#height;
    const strides = this.#strides;
    if (kernels?.vpipe_crc32 && !this.#planar) {
      const { bytesPerSample } = LAYOUTS[this.#layout];
      return kernels.vpipe_crc32(crc, picture, strides, width, height, bytesPerSample);
    }
    const to = this.#tight ??= tightPicture(this.#layout, width, height);
    avutil.av_image_copy(to.planes, to.strides, picture, strides, this.#format, width, height);
    // Not zlib's: once V8 has compiled a call of Deno 2.4.2's, it goes on from a wrong value.
    this.#table ??= avutil.av_crc_get_table(AV_CRC_32_IEEE_LE);
    return ~avutil.av_crc(this.#table, ~crc >>> 0, to.bytes, to.length) >>> 0;
  }

  [Symbol.dispose](): void {
    if (this.#scaler) this.#ffmpeg.swscale.sws_freeContext(this.#scaler);
  }
}

/** Memory for a picture without a byte between its lines. */
function tightPicture(layout: Layout, width: number, height: number) {
  const sizes = LAYOUTS[layout].planes.map((plane) => planeBytes(plane, width, height));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size));
  let address = Number(addressOf(bytes));
  return {
    bytes,
    length: BigInt(bytes.length),
    planes: planes(...sizes.map((size) => (address += size) - size)),
    strides: linesizes(lineBytes(layout, width)),
  };
}
