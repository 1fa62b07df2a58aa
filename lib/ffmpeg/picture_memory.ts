/**
 * How much memory the pictures take that a decoder keeps, and whether there is so much.
 *
 * @module
 */
import { Av1Sizes } from "../codec/av1/sizes.ts";
import type { CodecName } from "../codec/codecs.ts";
import { AVERROR_ENOMEM, AVFRAME } from "./abi/avutil.ts";
import type { Ffmpeg } from "./abi/libraries.ts";
import type { Allow } from "./allowance.ts";
import { copyBytes } from "./copy_bytes.ts";

/** What is known of a decoder. */
interface Kept {
  /** Pictures that it has at most, with those that are handed out. */
  readonly pictures: number;
  /** Bytes of a pixel for what it keeps beside a picture: motion vectors, types of blocks. */
  readonly beside: number;
  /** Its frames refer to such of another size. */
  readonly scales?: true;
}

// Pictures: as many as FFmpeg has places for (H264_MAX_PICTURE_COUNT, HEVC's DPB), or reference slots and
// three more. Beside: two lists of motion vectors for each 4x4 block of H.264, 12 bytes for one of HEVC's and
// for 8x8 of VP9; measured with 4096x4096, a picture of 24 MiB takes 33, 35, 27 and of AV1 26 MiB.
const MPEG: Kept = { pictures: 8, beside: 1 / 8 };
const KEPT: Readonly<Record<CodecName, Kept>> = {
  vp9: { pictures: 13, beside: 3 / 16, scales: true },
  av1: { pictures: 10, beside: 1 / 8, scales: true },
  h264: { pictures: 36, beside: 9 / 16 },
  hevc: { pictures: 33, beside: 3 / 4 },
  vp8: { pictures: 8, beside: 1 / 16 },
  mpeg1: MPEG,
  mpeg2: MPEG,
  mpeg4: MPEG,
  h263: MPEG,
};

/** Without padding, which FFmpeg's own is little of. */
const ALIGN = 1;

/** Pictures of one size, and what came before them. */
interface Pool {
  readonly width: number;
  readonly height: number;
  readonly format: number;
  /** Of one of them. */
  readonly bytes: number;
  /** Of those of other sizes that may still be there. */
  readonly others: number;
  /** Of the largest that may still be there. */
  readonly largest: number;
}

const NO_POOL: Pool = { width: 0, height: 0, format: -1, bytes: 0, others: 0, largest: 0 };

/**
 * Counts the pictures that a decoder has memory for. FFmpeg's decoders ask for each, and get one that is free
 * from a pool of their size, whose memory lasts as long as that: so each address is counted once. AV1's have
 * pools of their own, and are counted by the stream's headers, as many as they have at most: whether they ask for
 * what they give out (libaom), or do not (dav1d).
 */
export class PictureMemory implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #allow: Allow | undefined;
  readonly #kept: Kept;
  readonly #sizes: Av1Sizes | undefined;
  readonly #words = new Int32Array(AVFRAME.size >> 2);
  readonly #wordsPointer = Deno.UnsafePointer.of(this.#words);
  /** Where the pictures of the latest size begin. */
  readonly #addresses = new Float64Array(64);
  #count = 0;
  #pool = NO_POOL;
  /** Asked for since then. */
  #since = 0;
  #flushed = false;
  #granted = 0;
  #refused = false;

  /** @param allow without it nothing is counted, and all is granted */
  constructor(ffmpeg: Ffmpeg, codec: CodecName, allow: Allow | undefined) {
    this.#ffmpeg = ffmpeg;
    this.#allow = allow;
    this.#kept = KEPT[codec];
    this.#sizes = allow && codec === "av1" ? new Av1Sizes() : undefined;
  }

  /** Whether memory was refused since `admits`. */
  get refused(): boolean {
    return this.#refused;
  }

  /**
   * Comes before a coded frame is decoded.
   *
   * @returns whether there is memory for its pictures, as far as its headers say what they take
   */
  admits(frame: Uint8Array): boolean {
    this.#refused = false;
    const sizes = this.#sizes;
    if (sizes === undefined) return true;
    const key = sizes.read(frame as Uint8Array<ArrayBuffer>);
    const bytes = sizes.pixels * (sizes.bytesPerPixel + this.#kept.beside) * this.#kept.pictures;
    // There may still be larger ones from before.
    return this.#grant(key ? bytes : Math.max(bytes, this.#granted));
  }

  /**
   * In place of avcodec_default_get_buffer2; AVERROR_ENOMEM where there is no memory. FFmpeg clears what is new:
   * so there has to be memory for one more, before it is known whether the pool has one that is free.
   */
  allocate(context: Deno.PointerValue, frame: Deno.PointerValue, flags: number): number {
    const { avcodec_default_get_buffer2: allocate } = this.#ffmpeg.avcodec;
    if (this.#allow === undefined || this.#sizes !== undefined) {
      return allocate(context, frame, flags);
    }
    const words = this.#words;
    this.#read(frame);
    const pool = this.#poolFor(
      words[AVFRAME.width >> 2],
      words[AVFRAME.height >> 2],
      words[AVFRAME.format >> 2],
    );
    const same = pool === this.#pool;
    // FFmpeg keeps the pool that it has where there is no memory for another one.
    if (!this.#grant(this.#needed(pool, same ? this.#count : 0))) return AVERROR_ENOMEM;
    this.#flushed = false;
    if (!same) {
      this.#pool = pool;
      this.#count = 0;
      this.#since = 0;
    }
    const code = allocate(context, frame, flags);
    if (code < 0) return code;
    this.#read(frame);
    const at = AVFRAME.data >> 2;
    const address = (words[at] >>> 0) + words[at + 1] * 0x1_0000_0000;
    if (this.#isCounted(address)) this.#forgetOthers();
    else if (this.#count < this.#addresses.length) this.#addresses[this.#count++] = address;
    return code;
  }

  #read(frame: Deno.PointerValue): void {
    copyBytes(this.#ffmpeg, this.#wordsPointer, frame, AVFRAME.size);
  }

  #isCounted(address: number): boolean {
    for (let i = 0; i < this.#count; i++) if (this.#addresses[i] === address) return true;
    return false;
  }

  /** That of the last picture, or, where the size is another one, what takes its place. */
  #poolFor(width: number, height: number, format: number): Pool {
    const last = this.#pool;
    if (width === last.width && height === last.height && format === last.format) return last;
    // Behind a flush nothing is held of the last ones.
    const others = this.#flushed ? 0 : last.others + this.#count * last.bytes;
    const picture = this.#ffmpeg.avutil.av_image_get_buffer_size(format, width, height, ALIGN);
    const bytes = picture + width * height * this.#kept.beside;
    const largest = others === 0 ? bytes : Math.max(last.largest, bytes);
    return { width, height, format, bytes, others, largest };
  }

  /** Where frames cannot refer to such of another size, these have been shown by and by. */
  #forgetOthers(): void {
    const pool = this.#pool;
    if (pool.others === 0 || this.#kept.scales || ++this.#since <= this.#kept.pictures) return;
    this.#pool = { ...pool, others: 0, largest: pool.bytes };
    this.#grant(this.#needed(this.#pool, this.#count));
  }

  /** With one more than the `count` that there are of a pool. */
  #needed({ bytes, others, largest }: Pool, count: number): number {
    const most = Math.max(count + 1, this.#kept.pictures) * largest;
    return Math.min(others + (count + 1) * bytes, most);
  }

  #grant(bytes: number): boolean {
    if (bytes === this.#granted) return true;
    if (this.#allow?.(bytes) === false && bytes > this.#granted) {
      this.#refused = true;
      return false;
    }
    this.#granted = bytes;
    return true;
  }

  /** The decoder has forgotten all coded frames. */
  flush(): void {
    this.#flushed = true;
  }

  /** The decoder is gone. */
  [Symbol.dispose](): void {
    this.#grant(0);
  }
}
