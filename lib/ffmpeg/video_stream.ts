/**
 * A file's pictures, in the order in which they are shown.
 *
 * @module
 */
import { cString } from "../sys/libc.ts";
import { AVCODEC_STRUCT } from "./avcodec.ts";
import { AVFORMATCONTEXT, AVMEDIA_TYPE_VIDEO, AVSTREAM_CODECPAR } from "./avformat.ts";
import { AVERROR_EAGAIN, AVERROR_ENOMEM, AVERROR_EOF } from "./avutil.ts";
import { CodecContext } from "./context.ts";
import { FfmpegError } from "./error.ts";
import { Frame, pointerCell } from "./frame.ts";
import type { FfmpegWithFiles } from "./libraries.ts";
import { Packet } from "./packet.ts";
import type { Colour } from "./scaler.ts";

const POINTER_BYTES = 8;

// As many threads as there are processors to run on.
const OPTIONS = { threads: "auto" };

const pointerIn = (cell: Uint8Array<ArrayBuffer>) =>
  Deno.UnsafePointer.create(new BigUint64Array(cell.buffer)[0]);

/** Pictures of the best video stream of a file, from its beginning to its end, once. */
export class VideoStream implements Disposable {
  readonly #ffmpeg: FfmpegWithFiles;
  readonly #path: string;
  readonly #owned: DisposableStack;
  readonly #format: Deno.PointerObject;
  readonly #stream: Deno.PointerObject;
  readonly #index: number;
  readonly #context: CodecContext;
  readonly #packet: Packet;
  /** The picture that `next` decoded. */
  readonly picture: Frame;
  /** Why there are no more coded frames: AVERROR_EOF, or what went wrong. */
  #end = 0;
  #skipped = 0;

  /** @throws {FfmpegError} no such file, or FFmpeg finds no video in it, or cannot decode it */
  constructor(ffmpeg: FfmpegWithFiles, path: string) {
    this.#ffmpeg = ffmpeg;
    this.#path = path;
    using made = new DisposableStack();
    this.#format = this.#open();
    made.defer(() => ffmpeg.avformat.avformat_close_input(pointerCell(this.#format)));
    const found = new Uint8Array(POINTER_BYTES);
    this.#index = this.#check(
      "av_find_best_stream of video",
      ffmpeg.avformat.av_find_best_stream(this.#format, AVMEDIA_TYPE_VIDEO, -1, -1, found, 0),
    );
    const streams = new Deno.UnsafePointerView(this.#format).getPointer(AVFORMATCONTEXT.streams)!;
    this.#stream = new Deno.UnsafePointerView(streams).getPointer(this.#index * POINTER_BYTES)!;
    const parameters = new Deno.UnsafePointerView(this.#stream)
      .getPointer(AVSTREAM_CODECPAR[ffmpeg.release])!;
    const pointer = pointerIn(found)!;
    const name = new Deno.UnsafePointerView(pointer).getPointer(AVCODEC_STRUCT.name)!;
    const decoder = { name: Deno.UnsafePointerView.getCString(name), pointer };
    this.#context = made.use(new CodecContext(ffmpeg, decoder, OPTIONS, { parameters }));
    this.#packet = made.use(new Packet(ffmpeg));
    this.picture = made.use(new Frame(ffmpeg));
    this.#owned = made.move();
  }

  #open(): Deno.PointerObject {
    const { avformat } = this.#ffmpeg;
    const cell = new Uint8Array(POINTER_BYTES);
    // Else FFmpeg takes what is before a colon for a protocol.
    const url = cString(`file:${this.#path}`);
    this.#check("avformat_open_input", avformat.avformat_open_input(cell, url, null, null));
    const format = pointerIn(cell)!;
    const code = avformat.avformat_find_stream_info(format, null);
    if (code < 0) avformat.avformat_close_input(cell);
    this.#check("avformat_find_stream_info", code);
    return format;
  }

  #check(call: string, code: number): number {
    if (code < 0) throw new FfmpegError(this.#ffmpeg, call, code, this.#path);
    return code;
  }

  /** In pixels, as the file or its first frames say; 0 where neither does. */
  get size(): { readonly width: number; readonly height: number } {
    const sides = new Int32Array(2);
    const cells = [0, 4].map((offset) => new Uint8Array(sides.buffer, offset, 4));
    this.#ffmpeg.avutil.av_opt_get_image_size(
      ...[this.#context.pointer, cString("video_size"), 0, cells[0], cells[1]] as const,
    );
    return { width: sides[0], height: sides[1] };
  }

  /** Frames a second; the numerator is 0 where FFmpeg does not know. */
  get rate(): { readonly numerator: number; readonly denominator: number } {
    const rational = this.#ffmpeg.avformat.av_guess_frame_rate(this.#format, this.#stream, null);
    const [numerator, denominator] = new Int32Array(rational.buffer, rational.byteOffset, 2);
    return { numerator, denominator };
  }

  /** Of the last picture. */
  get colour(): Colour {
    const option = (name: string) => {
      const value = new BigInt64Array(1);
      const cell = new Uint8Array(value.buffer);
      this.#ffmpeg.avutil.av_opt_get_int(this.#context.pointer, cString(name), 0, cell);
      return Number(value[0]);
    };
    return { space: option("colorspace"), range: option("color_range") };
  }

  /** Coded frames so far that FFmpeg could make no picture of. */
  get skipped(): number {
    return this.#skipped;
  }

  /**
   * Decodes the next picture into `picture`.
   *
   * @returns false at the end
   * @throws {FfmpegError} the file cannot be read on, or no memory
   */
  next(): boolean {
    const { avcodec } = this.#ffmpeg;
    for (;;) {
      const code = avcodec.avcodec_receive_frame(this.#context.pointer, this.picture.pointer);
      if (code >= 0) return true;
      if (code === AVERROR_EOF) {
        if (this.#end !== AVERROR_EOF) this.#check("av_read_frame", this.#end);
        return false;
      }
      if (code !== AVERROR_EAGAIN) this.#skip("avcodec_receive_frame", code);
      this.#feed();
    }
  }

  /** Sends the decoder its next coded frame; behind the last one, word that it was the last. */
  #feed(): void {
    const { avcodec, avformat } = this.#ffmpeg;
    const packet = this.#packet;
    let sent = false;
    while (!sent && this.#end === 0) {
      const code = avformat.av_read_frame(this.#format, packet.pointer);
      if (code < 0) {
        this.#end = code;
        avcodec.avcodec_send_packet(this.#context.pointer, null);
        return;
      }
      if (packet.streamIndex === this.#index) {
        const code = avcodec.avcodec_send_packet(this.#context.pointer, packet.pointer);
        if (code < 0) this.#skip("avcodec_send_packet", code);
        sent = true;
      }
      packet.clear();
    }
  }

  #skip(call: string, code: number): void {
    if (code === AVERROR_ENOMEM) this.#check(call, code);
    this.#skipped++;
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
