/**
 * An AVFrame: a picture's size and format, and where its planes lie.
 *
 * @module
 */
import { AV_FRAME_FLAG_CORRUPT, AVFRAME, AVFRAME_ERRORS } from "./abi/avutil.ts";
import { allocated, FfmpegError } from "./abi/error.ts";
import type { Ffmpeg } from "./abi/libraries.ts";

const PLANES = 4;

/** A frame that is used again and again; reading it allocates nothing. */
export class Frame implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #words: Int32Array;
  /** The AVFrame. It begins with the planes' addresses, so it is those too. */
  readonly pointer: Deno.PointerObject;
  /** `int linesize[8]`, in bytes. */
  readonly linesizes: Deno.PointerObject;
  /** The same of the planes there may be. */
  readonly lines: Int32Array;

  constructor(ffmpeg: Ffmpeg) {
    this.#ffmpeg = ffmpeg;
    this.pointer = allocated("av_frame_alloc", ffmpeg.avutil.av_frame_alloc());
    this.linesizes = Deno.UnsafePointer.offset(this.pointer, AVFRAME.linesize)!;
    this.#words = new Int32Array(
      Deno.UnsafePointerView.getArrayBuffer(this.pointer, AVFRAME.size),
    );
    this.lines = this.#words.subarray(AVFRAME.linesize >> 2, (AVFRAME.linesize >> 2) + PLANES);
  }

  /** Where the first plane's first sample lies. */
  get address(): number {
    const at = AVFRAME.data >> 2;
    return (this.#words[at] >>> 0) + this.#words[at + 1] * 0x1_0000_0000;
  }
  /** From one line of the first plane to the next, in bytes. */
  get linesize(): number {
    return this.lines[0];
  }
  /** Of the packet that the picture came from: the lower half of its pts. */
  get ptsLow(): number {
    return this.#words[AVFRAME.pts >> 2] >>> 0;
  }
  /** The upper half of it. */
  get ptsHigh(): number {
    return this.#words[(AVFRAME.pts >> 2) + 1] >>> 0;
  }

  /** In pixels; 0 in an empty frame. */
  get width(): number {
    return this.#words[AVFRAME.width >> 2];
  }
  /** In pixels; 0 in an empty frame. */
  get height(): number {
    return this.#words[AVFRAME.height >> 2];
  }
  /** AV_PIX_FMT_*; -1 in an empty frame. */
  get format(): number {
    return this.#words[AVFRAME.format >> 2];
  }

  /** Whether the decoder says that it made something up: damage concealed, or references missing. */
  get damaged(): boolean {
    return isDamaged(this.#ffmpeg, this.#words);
  }

  /**
   * Gives an empty frame memory for a picture, whose lines are as far apart as FFmpeg likes it.
   *
   * @param format AV_PIX_FMT_*
   * @throws {FfmpegError} no memory
   */
  allocate(format: number, width: number, height: number): void {
    this.#words[AVFRAME.width >> 2] = width;
    this.#words[AVFRAME.height >> 2] = height;
    this.#words[AVFRAME.format >> 2] = format;
    const code = this.#ffmpeg.avutil.av_frame_get_buffer(this.pointer, 0);
    if (code < 0) throw new FfmpegError(this.#ffmpeg, "av_frame_get_buffer", code);
  }

  /** Lets go of the picture. */
  clear(): void {
    this.#ffmpeg.avutil.av_frame_unref(this.pointer);
  }

  [Symbol.dispose](): void {
    // av_frame_free wants the address of the pointer.
    this.#ffmpeg.avutil.av_frame_free(pointerCell(this.pointer));
  }
}

/**
 * Whether an AVFrame says that a decoder made something up in it.
 *
 * @param words its first AVFRAME.size bytes
 */
export function isDamaged({ release }: Ffmpeg, words: Int32Array): boolean {
  const { flags, decodeErrorFlags } = AVFRAME_ERRORS[release];
  return (words[flags >> 2] & AV_FRAME_FLAG_CORRUPT) !== 0 || words[decodeErrorFlags >> 2] !== 0;
}

/** A pointer in memory, as the functions want it that free and clear it. */
export function pointerCell(pointer: Deno.PointerObject): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new BigUint64Array([Deno.UnsafePointer.value(pointer)]).buffer);
}
