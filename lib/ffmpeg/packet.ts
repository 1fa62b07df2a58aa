/**
 * An AVPacket: one coded frame, in memory of its own or a demuxer's.
 *
 * @module
 */
import { AV_INPUT_BUFFER_PADDING_SIZE, AV_PKT_DATA_H263_MB_INFO, AVPACKET } from "./abi/avcodec.ts";
import type { Allow } from "./allowance.ts";
import { allocated, FfmpegError } from "./abi/error.ts";
import { copyBytes } from "./copy_bytes.ts";
import { pointerCell } from "./frame.ts";
import type { Ffmpeg } from "./abi/libraries.ts";

// What most frames fit in; the memory doubles when one does not.
const FIRST_CAPACITY = 64 * 1024;

// Of a coded frame there may be two: H.264's and HEVC's decoders keep one of their own without what escapes
// start codes, and others hold the last one on while the next one is copied.
const COPIES = 2;

/**
 * A packet that takes one coded frame after the other. Copies go to the same memory as long as they
 * can; a packet that a demuxer fills takes none.
 */
export class Packet implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #allow: Allow | undefined;
  readonly #words: Int32Array;
  readonly #view: Deno.UnsafePointerView;
  readonly pointer: Deno.PointerObject;
  #buffer: Deno.PointerValue = null;
  #data: Deno.PointerObject | null = null;
  #bytes = new Uint8Array();
  #capacity = 0;

  /** @param allow asked for memory for long frames; without it they take what they take */
  constructor(ffmpeg: Ffmpeg, allow?: Allow) {
    this.#ffmpeg = ffmpeg;
    this.#allow = allow;
    this.pointer = allocated("av_packet_alloc", ffmpeg.avcodec.av_packet_alloc());
    this.#view = new Deno.UnsafePointerView(this.pointer);
    this.#words = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(this.pointer, AVPACKET.end));
  }

  /** The coded frame, until the next call of `copy`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#words[AVPACKET.size >> 2]);
  }

  /** The number of the stream that a demuxer's packet is of. */
  get streamIndex(): number {
    return this.#words[AVPACKET.streamIndex >> 2];
  }

  /** Bytes that it has memory for. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Sets the pts, which a decoder gives to the packet's picture, by its two halves. */
  setPts(low: number, high: number): void {
    this.#words[AVPACKET.pts >> 2] = low;
    this.#words[(AVPACKET.pts >> 2) + 1] = high;
  }

  /**
   * Makes it a packet of no bytes which is not the end of the stream either, as it has side data.
   *
   * @throws {Error} no memory
   */
  makeEmpty(): void {
    const { avcodec } = this.#ffmpeg;
    const data = avcodec.av_packet_new_side_data(this.pointer, AV_PKT_DATA_H263_MB_INFO, 1n);
    allocated("av_packet_new_side_data", data);
  }

  /** Lets go of a demuxer's coded frame. */
  clear(): void {
    this.#ffmpeg.avcodec.av_packet_unref(this.pointer);
  }

  /** @returns whether there may be memory for a coded frame of so many bytes */
  reserve(size: number): boolean {
    const capacity = this.#capacityFor(size);
    if (capacity === this.#capacity || capacity === FIRST_CAPACITY) return true;
    return this.#allow?.(COPIES * capacity) ?? true;
  }

  #capacityFor(size: number): number {
    let capacity = Math.max(this.#capacity, FIRST_CAPACITY);
    while (capacity < size) capacity *= 2;
    return capacity;
  }

  /**
   * Takes a copy of a coded frame: whoever owns `source` may write there while it is decoded.
   *
   * @param size in bytes, at least 1
   * @throws {FfmpegError} no memory
   * @throws {Error} none that it may have
   */
  copy(source: Deno.PointerObject, size: number): void {
    const { avutil } = this.#ffmpeg;
    // A decoder may hold the last coded frame on: what it reads must stay as it is.
    if (size > this.#capacity || avutil.av_buffer_is_writable(this.#buffer) === 0) {
      this.#allocate(size);
    }
    copyBytes(this.#ffmpeg, this.#data, source, size);
    this.#bytes.fill(0, size, size + AV_INPUT_BUFFER_PADDING_SIZE);
    this.#words[AVPACKET.size >> 2] = size;
  }

  #allocate(size: number): void {
    const { avcodec } = this.#ffmpeg;
    const capacity = this.#capacityFor(size);
    if (!this.reserve(size)) throw new Error(`no memory for a coded frame of ${size} bytes`);
    avcodec.av_packet_unref(this.pointer);
    this.#capacity = 0;
    const code = avcodec.av_new_packet(this.pointer, capacity);
    if (code < 0) throw new FfmpegError(this.#ffmpeg, `av_new_packet of ${capacity} bytes`, code);
    this.#capacity = capacity;
    this.#buffer = this.#view.getPointer(AVPACKET.buf);
    this.#data = this.#view.getPointer(AVPACKET.data)!;
    this.#bytes = new Uint8Array(
      Deno.UnsafePointerView.getArrayBuffer(this.#data, capacity + AV_INPUT_BUFFER_PADDING_SIZE),
    );
  }

  [Symbol.dispose](): void {
    this.#ffmpeg.avcodec.av_packet_free(pointerCell(this.pointer));
    this.#allow?.(0);
  }
}
