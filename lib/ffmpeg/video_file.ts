/**
 * Video files as frames in V4L2's formats, for a program that writes them to a device:
 * `lib/frames/frame_input.ts` is one.
 *
 * @module
 */
import { addressOf } from "../sys/libc.ts";
import { AV_LOG_QUIET } from "./abi/avutil.ts";
import type { Frame } from "./frame.ts";
import { type FfmpegWithFiles, loadFfmpegWithFiles } from "./abi/libraries.ts";
import { RAW_FORMATS, rawFormat, type RawLayout, rawLayout } from "./raw_layout.ts";
import { type Turn, Turner } from "./rotation.ts";
import { type Destination, destination, Scaler } from "./scaler.ts";
import { VideoStream } from "./video_stream.ts";

// What the ffmpeg command takes where a file does not say.
const DEFAULT_RATE = { numerator: 25, denominator: 1 };

/** What frames are wanted. */
export interface VideoTarget {
  /** The four characters of a V4L2 pixel format: one of RAW_FORMATS. */
  readonly format: string;
  /** In pixels; the video's own without. */
  readonly width?: number;
  readonly height?: number;
}

/**
 * A video file that is read frame by frame, in the order in which they are shown. Pictures are
 * decoded by libavcodec and converted by libswscale straight into the caller's memory; a width
 * that is no multiple of 16 costs a copy. The bytes are those of `ffmpeg -i FILE -fps_mode
 * passthrough -s WIDTHxHEIGHT -sws_flags bicubic -pix_fmt FORMAT` of FFmpeg 7; the command of
 * other releases treats the range of samples otherwise, here it is as in 7 with each of them.
 */
export class VideoFile implements Disposable {
  readonly #ffmpeg: FfmpegWithFiles;
  readonly #path: string;
  readonly #layout: RawLayout;
  readonly #destinations = new WeakMap<Uint8Array<ArrayBuffer>, Destination>();
  /** Frames a second: what the file says, else 25. */
  readonly rate: { readonly numerator: number; readonly denominator: number };
  readonly #turn: Turn | undefined;
  #stream: VideoStream;
  #turner: Turner | undefined;
  #scaler: Scaler | undefined;
  #skippedBefore = 0;

  private constructor(
    ffmpeg: FfmpegWithFiles,
    path: string,
    stream: VideoStream,
    target: VideoTarget,
  ) {
    this.#ffmpeg = ffmpeg;
    this.#path = path;
    this.#stream = stream;
    const { rate, turn } = stream;
    const size = turn?.transposed
      ? { width: stream.size.height, height: stream.size.width }
      : stream.size;
    const { format, width = size.width, height = size.height } = target;
    this.#turn = turn;
    const pixels = rawFormat(format);
    if (pixels === undefined) {
      const known = RAW_FORMATS.map(({ fourcc }) => fourcc).join(", ");
      throw new Error(`${path}: no conversion to ${format}; there is one to ${known}`);
    }
    if (width < 1 || height < 1) throw new Error(`${path}: FFmpeg finds no picture size`);
    this.#layout = rawLayout(pixels, width, height);
    this.rate = rate.numerator > 0 && rate.denominator > 0 ? rate : DEFAULT_RATE;
  }

  /**
   * Opens a file of any kind that FFmpeg knows; of several video streams FFmpeg chooses. The file
   * is always a file, also where FFmpeg would take its name for an address. FFmpeg prints nothing
   * in this process from here on.
   *
   * @throws {FfmpegError} the file cannot be opened, or has no video that FFmpeg can decode
   * @throws {Error} there is no FFmpeg that can be used, or no conversion to the format
   */
  static open(path: string, target: VideoTarget): VideoFile {
    const ffmpeg = loadFfmpegWithFiles();
    ffmpeg.avutil.av_log_set_level(AV_LOG_QUIET);
    const stream = new VideoStream(ffmpeg, path);
    try {
      return new VideoFile(ffmpeg, path, stream, target);
    } catch (error) {
      stream[Symbol.dispose]();
      throw error;
    }
  }

  /** In pixels. */
  get width(): number {
    return this.#layout.width;
  }
  /** In pixels. */
  get height(): number {
    return this.#layout.height;
  }
  /** Of a frame, in bytes: no line and no plane is padded. */
  get size(): number {
    return this.#layout.size;
  }
  /** Broken frames so far that FFmpeg could make no picture of; the next good one was read. */
  get skipped(): number {
    return this.#skippedBefore + this.#stream.skipped;
  }

  /**
   * Decodes the next frame.
   *
   * @param bytes at least `size` bytes. It may be mapped memory; for a buffer that is used
   * again, give the same object, whose address is then looked up once.
   * @returns false at the end of the file; nothing was written
   * @throws {FfmpegError} the file cannot be read on, or no memory
   * @throws {Error} libswscale does not know what was decoded
   */
  readInto(bytes: Uint8Array<ArrayBuffer>): boolean {
    const to = this.#destinations.get(bytes) ?? this.#newDestination(bytes);
    if (!this.#stream.next()) return false;
    const picture = this.#turned(this.#stream.picture);
    if (!this.#scaler?.fits(picture)) this.#changeScaler(picture);
    this.#scaler!.scale(picture, to);
    return true;
  }

  /** As it is to be shown. */
  #turned(picture: Frame): Frame {
    if (this.#turn === undefined) return picture;
    if (!this.#turner?.fits(picture)) {
      this.#turner?.[Symbol.dispose]();
      this.#turner = undefined;
      try {
        this.#turner = new Turner(this.#ffmpeg, picture, this.#turn);
      } catch (error) {
        throw new Error(`${this.#path}: ${(error as Error).message}`);
      }
    }
    return this.#turner.apply(picture);
  }

  #newDestination(bytes: Uint8Array<ArrayBuffer>): Destination {
    const { length } = bytes;
    if (length < this.size) {
      throw new RangeError(`${this.#path}: a frame has ${this.size} bytes, room is for ${length}`);
    }
    const to = destination(this.#layout, addressOf(bytes));
    this.#destinations.set(bytes, to);
    return to;
  }

  /** The first picture, or one of another size or format than those before. */
  #changeScaler(picture: Frame): void {
    this.#scaler?.[Symbol.dispose]();
    this.#scaler = undefined;
    const { colour } = this.#stream;
    try {
      this.#scaler = new Scaler(this.#ffmpeg, picture, colour, this.#layout);
    } catch (error) {
      throw new Error(`${this.#path}: ${(error as Error).message}`);
    }
  }

  /**
   * Goes back to the first frame. The file is opened anew: not every kind can seek, and not every
   * one that can finds its first frame again.
   *
   * @throws {FfmpegError} as `open`
   */
  rewind(): void {
    const stream = new VideoStream(this.#ffmpeg, this.#path);
    this.#skippedBefore = this.skipped;
    this.#stream[Symbol.dispose]();
    this.#stream = stream;
  }

  [Symbol.dispose](): void {
    this.#turner?.[Symbol.dispose]();
    this.#scaler?.[Symbol.dispose]();
    this.#stream[Symbol.dispose]();
  }
}
