/**
 * What a START begins: a decoder, and the way of its pictures into the client's CAPTURE buffers.
 *
 * @module
 */
import type { CodecName } from "../lib/ffmpeg/codecs.ts";
import { Decoder } from "../lib/ffmpeg/decoder.ts";
import type { Ffmpeg } from "../lib/ffmpeg/libraries.ts";
import {
  VPIPE_DEC_CORRUPT,
  VPIPE_DEC_FAILED,
  VPIPE_DEC_MISMATCH,
  VPIPE_DEC_NO_PICTURE,
  VPIPE_DEC_OK,
  VPIPE_DEC_QUEUE_OUTPUT,
} from "../lib/vpipe/decoder_uapi.ts";
import type { Buffers } from "./buffers.ts";
import { CaptureBuffers } from "./capture_buffers.ts";
import type { CaptureFormat } from "./capture_format.ts";
import type { Controls } from "./controls.ts";

// A stream may change its size up to here and gets MISMATCH; beyond, its frames are CORRUPT. What
// a bitstream alone says must not take all memory.
const SPARE_PIXELS = 4096 * 2304;
const SPARE_FACTOR = 4;

/** Decodes the frames of one codec into buffers of one format. */
export class Run implements Disposable {
  readonly #buffers: Buffers;
  readonly #decoder: Decoder;
  readonly #capture: CaptureBuffers;
  readonly #owned: DisposableStack;
  #codecNs = 0;

  /**
   * @throws {Error} FFmpeg has no such decoder, or cannot open it
   */
  constructor(
    ffmpeg: Ffmpeg,
    buffers: Buffers,
    readonly codec: CodecName,
    readonly format: CaptureFormat,
  ) {
    const { width, height } = format;
    this.#buffers = buffers;
    using made = new DisposableStack();
    const maxPixels = Math.max(SPARE_FACTOR * width * height, SPARE_PIXELS);
    this.#decoder = made.use(new Decoder(ffmpeg, codec, maxPixels));
    this.#capture = made.use(new CaptureBuffers(ffmpeg, buffers, format));
    this.#owned = made.move();
  }

  /** FFmpeg's name of the decoder. */
  get decoder(): string {
    return this.#decoder.name;
  }

  /** What FFmpeg itself took in the latest `decode`, in nanoseconds. */
  get codecNs(): number {
    return this.#codecNs;
  }

  /**
   * Decodes what is in an OUTPUT buffer into a CAPTURE buffer.
   *
   * @param size of the bitstream in bytes
   * @param _flags VPIPE_DEC_MORE, VPIPE_DEC_FINISH
   * @param _controls the frame's
   * @returns one of VPIPE_DEC_OK and so on
   * @throws {SysError} a buffer cannot be had
   * @throws {FfmpegError} no memory
   */
  decode(
    outputIndex: number,
    size: number,
    captureIndex: number,
    _flags: number,
    _controls: Controls,
  ): number {
    const decoder = this.#decoder;
    this.#codecNs = 0;
    const source = this.#buffers.plane(VPIPE_DEC_QUEUE_OUTPUT, outputIndex, 0);
    if (size > source.size) return VPIPE_DEC_FAILED;
    if (size === 0) return VPIPE_DEC_NO_PICTURE;
    source.begin();
    decoder.take(source.pointer, size);
    source.end();
    const picture = decoder.decode();
    this.#codecNs = decoder.codecNs;
    if (picture === undefined) return decoder.damaged ? VPIPE_DEC_CORRUPT : VPIPE_DEC_NO_PICTURE;
    if (!this.#capture.fits(picture)) return VPIPE_DEC_MISMATCH;
    if (!this.#capture.write(picture, captureIndex)) return VPIPE_DEC_FAILED;
    return decoder.damaged ? VPIPE_DEC_CORRUPT : VPIPE_DEC_OK;
  }

  /** Forgets CAPTURE buffers, which are gone. */
  forget(): void {
    this.#capture.forget();
  }

  /** Forgets all coded frames: the next one stands alone. */
  flush(): void {
    this.#decoder.flush();
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
