/**
 * Coded frames out of a file of any kind that FFmpeg knows.
 *
 * @module
 */
import { refuseDevice } from "../sys/device_number.ts";
import { cString } from "../sys/libc.ts";
import { AVCODEC_STRUCT } from "./abi/avcodec.ts";
import {
  AV_PKT_DATA_DISPLAYMATRIX,
  AVCODECPARAMETERS,
  AVFORMATCONTEXT,
  AVINPUTFORMAT,
  AVMEDIA_TYPE_VIDEO,
  AVPACKETSIDEDATA,
  AVSTREAM_CODECPAR,
} from "./abi/avformat.ts";
import { AVERROR_EOF } from "./abi/avutil.ts";
import type { FoundDecoder } from "./decoders.ts";
import { FfmpegError } from "./abi/error.ts";
import { pointerCell } from "./frame.ts";
import type { FfmpegWithFiles } from "./abi/libraries.ts";
import type { Packet } from "./packet.ts";

const POINTER_BYTES = 8;
const MATRIX_BYTES = 9 * 4;

const pointerIn = (cell: Uint8Array<ArrayBuffer>) =>
  Deno.UnsafePointer.create(new BigUint64Array(cell.buffer)[0]);

/** The best video stream of a file, from its beginning to its end, once. */
export class Demuxer implements Disposable {
  readonly #ffmpeg: FfmpegWithFiles;
  readonly #path: string;
  readonly #format: Deno.PointerObject;
  readonly #stream: Deno.PointerObject;
  readonly #index: number;
  /** FFmpeg's name of the container: `ivf`, `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  /** The decoder that FFmpeg would take. */
  readonly decoder: FoundDecoder;
  /** The AVCodecParameters, for a decoder. */
  readonly parameters: Deno.PointerObject;

  /**
   * @throws {FfmpegError} no such file, or FFmpeg finds no video in it, or cannot decode it
   * @throws {Error} a device, of which FFmpeg may read for ever
   */
  constructor(ffmpeg: FfmpegWithFiles, path: string) {
    this.#ffmpeg = ffmpeg;
    this.#path = path;
    using made = new DisposableStack();
    this.#format = this.#open();
    made.defer(() => ffmpeg.avformat.avformat_close_input(pointerCell(this.#format)));
    const format = new Deno.UnsafePointerView(this.#format);
    this.container = nameAt(format.getPointer(AVFORMATCONTEXT.iformat)!, AVINPUTFORMAT.name);
    const found = new Uint8Array(POINTER_BYTES);
    this.#index = this.#check(
      "av_find_best_stream of video",
      ffmpeg.avformat.av_find_best_stream(this.#format, AVMEDIA_TYPE_VIDEO, -1, -1, found, 0),
    );
    const streams = format.getPointer(AVFORMATCONTEXT.streams)!;
    this.#stream = new Deno.UnsafePointerView(streams).getPointer(this.#index * POINTER_BYTES)!;
    this.parameters = new Deno.UnsafePointerView(this.#stream)
      .getPointer(AVSTREAM_CODECPAR[ffmpeg.release])!;
    const pointer = pointerIn(found)!;
    this.decoder = { name: nameAt(pointer, AVCODEC_STRUCT.name), pointer };
    made.move();
  }

  #open(): Deno.PointerObject {
    refuseDevice(this.#path);
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

  /** Frames a second; the numerator is 0 where FFmpeg does not know. */
  get rate(): { readonly numerator: number; readonly denominator: number } {
    const rational = this.#ffmpeg.avformat.av_guess_frame_rate(this.#format, this.#stream, null);
    const [numerator, denominator] = new Int32Array(rational.buffer, rational.byteOffset, 2);
    return { numerator, denominator };
  }

  /** The nine numbers of how the pictures are to be shown; undefined where the file does not say. */
  get displayMatrix(): Int32Array | undefined {
    const data = this.#ffmpeg.release < 7 ? this.#streamMatrix() : this.#codedMatrix();
    return data === null
      ? undefined
      : new Int32Array(Deno.UnsafePointerView.getArrayBuffer(data, MATRIX_BYTES).slice(0));
  }

  #streamMatrix(): Deno.PointerValue {
    const { av_stream_get_side_data } = this.#ffmpeg.avformat;
    const size = new Uint8Array(POINTER_BYTES);
    const data = av_stream_get_side_data?.(this.#stream, AV_PKT_DATA_DISPLAYMATRIX, size) ?? null;
    return new BigUint64Array(size.buffer)[0] >= MATRIX_BYTES ? data : null;
  }

  #codedMatrix(): Deno.PointerValue {
    const parameters = new Deno.UnsafePointerView(this.parameters);
    const list = parameters.getPointer(AVCODECPARAMETERS.codedSideData);
    const count = parameters.getInt32(AVCODECPARAMETERS.nbCodedSideData);
    if (list === null) return null;
    const view = new Deno.UnsafePointerView(list);
    const { data, size, type, bytes } = AVPACKETSIDEDATA;
    for (let at = 0; at < count * bytes; at += bytes) {
      if (view.getInt32(at + type) !== AV_PKT_DATA_DISPLAYMATRIX) continue;
      return view.getBigUint64(at + size) >= MATRIX_BYTES ? view.getPointer(at + data) : null;
    }
    return null;
  }

  /**
   * Reads the next coded frame; `packet.clear` lets go of it.
   *
   * @returns 0, or AVERROR_EOF, or what went wrong: `check` throws it
   */
  read(packet: Packet): number {
    for (;;) {
      const code = this.#ffmpeg.avformat.av_read_frame(this.#format, packet.pointer);
      if (code < 0) return code;
      if (packet.streamIndex === this.#index) return 0;
      packet.clear();
    }
  }

  /** @throws {FfmpegError} the file cannot be read on, unless it was at its end */
  check(code: number): void {
    if (code !== AVERROR_EOF) this.#check("av_read_frame", code);
  }

  [Symbol.dispose](): void {
    this.#ffmpeg.avformat.avformat_close_input(pointerCell(this.#format));
  }
}

/** A `const char *` in a struct of FFmpeg's. */
function nameAt(struct: Deno.PointerObject, offset: number): string {
  return Deno.UnsafePointerView.getCString(new Deno.UnsafePointerView(struct).getPointer(offset)!);
}
