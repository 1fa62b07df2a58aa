/**
 * A file's pictures, in the order in which they are shown.
 *
 * @module
 */
import { cString } from "../sys/libc.ts";
import { AVERROR_EAGAIN, AVERROR_ENOMEM, AVERROR_EOF } from "./abi/avutil.ts";
import { CodecContext } from "./context.ts";
import { Demuxer } from "./demuxer.ts";
import { FfmpegError } from "./abi/error.ts";
import { Frame } from "./frame.ts";
import type { FfmpegWithFiles } from "./abi/libraries.ts";
import { Packet } from "./packet.ts";
import { type Turn, turnOf } from "./rotation.ts";
import type { Colour } from "./scaler.ts";

// As many threads as there are processors to run on.
const OPTIONS = { threads: "auto" };

/** Pictures of the best video stream of a file, from its beginning to its end, once. */
export class VideoStream implements Disposable {
  readonly #ffmpeg: FfmpegWithFiles;
  readonly #path: string;
  readonly #owned: DisposableStack;
  readonly #demuxer: Demuxer;
  readonly #context: CodecContext;
  readonly #packet: Packet;
  /** The picture that `next` decoded. */
  readonly picture: Frame;
  /** Why there are no more coded frames: AVERROR_EOF, or what went wrong. */
  #end = 0;
  #skipped = 0;

  /**
   * @param options for the decoder, beside those of this class
   * @throws {FfmpegError} no such file, or FFmpeg finds no video in it, or cannot decode it
   */
  constructor(
    ffmpeg: FfmpegWithFiles,
    path: string,
    options: Readonly<Record<string, string>> = {},
  ) {
    this.#ffmpeg = ffmpeg;
    this.#path = path;
    using made = new DisposableStack();
    this.#demuxer = made.use(new Demuxer(ffmpeg, path));
    const { decoder, parameters } = this.#demuxer;
    this.#context = made.use(
      new CodecContext(ffmpeg, decoder, { ...OPTIONS, ...options }, { parameters }),
    );
    this.#packet = made.use(new Packet(ffmpeg));
    this.picture = made.use(new Frame(ffmpeg));
    this.#owned = made.move();
  }

  /** In pixels, as the file or its first frames say; 0 where neither does. */
  get size(): { readonly width: number; readonly height: number } {
    const sides = new Int32Array(2);
    const [width, height] = [0, 4].map((offset) => new Uint8Array(sides.buffer, offset, 4));
    const { av_opt_get_image_size } = this.#ffmpeg.avutil;
    av_opt_get_image_size(this.#context.pointer, cString("video_size"), 0, width, height);
    return { width: sides[0], height: sides[1] };
  }

  /** Frames a second; the numerator is 0 where FFmpeg does not know. */
  get rate(): { readonly numerator: number; readonly denominator: number } {
    return this.#demuxer.rate;
  }

  /** How the pictures are to be turned to be shown; undefined for not at all. */
  get turn(): Turn | undefined {
    const matrix = this.#demuxer.displayMatrix;
    return matrix && turnOf(matrix);
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
        this.#demuxer.check(this.#end);
        return false;
      }
      if (code !== AVERROR_EAGAIN) this.#skip("avcodec_receive_frame", code);
      this.#feed();
    }
  }

  /** Sends the decoder its next coded frame; behind the last one, word that it was the last. */
  #feed(): void {
    const { avcodec } = this.#ffmpeg;
    const packet = this.#packet;
    if (this.#end !== 0) return;
    this.#end = this.#demuxer.read(packet);
    if (this.#end < 0) {
      avcodec.avcodec_send_packet(this.#context.pointer, null);
      return;
    }
    const code = avcodec.avcodec_send_packet(this.#context.pointer, packet.pointer);
    if (code < 0) this.#skip("avcodec_send_packet", code);
    packet.clear();
  }

  #skip(call: string, code: number): void {
    if (code === AVERROR_ENOMEM) throw new FfmpegError(this.#ffmpeg, call, code, this.#path);
    this.#skipped++;
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
