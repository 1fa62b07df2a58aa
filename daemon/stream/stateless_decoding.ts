/**
 * What a START begins: a decoder, and the way of its pictures into the client's CAPTURE buffers.
 *
 * @module
 */
import { READING } from "../../lib/dmabuf/dma_buf.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import type { CodecName } from "../../lib/codec/codecs.ts";
import { Decoder } from "../../lib/ffmpeg/decoder.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { type Allow, Allowance } from "../../lib/ffmpeg/allowance.ts";
import {
  VPIPE_DEC_CORRUPT,
  VPIPE_DEC_FAILED,
  VPIPE_DEC_FINISH,
  VPIPE_DEC_MISMATCH,
  VPIPE_DEC_MORE,
  VPIPE_DEC_NO_PICTURE,
  VPIPE_DEC_OK,
  VPIPE_DEC_QUEUE_OUTPUT,
} from "../../lib/uapi/vpipe_dec.ts";
import { Assembly } from "../rebuild/access_unit_buffer.ts";
import type { Buffers } from "../pictures/buffers.ts";
import { CaptureBuffers } from "../pictures/capture_buffers.ts";
import { type CaptureFormat, sameFormat } from "../pictures/capture_format.ts";
import { rebuilder } from "../rebuild/choose.ts";
import type { FrameControls, Rebuilder } from "../rebuild/rebuilder.ts";

// A stream may change its size up to here and gets MISMATCH; beyond, its frames are CORRUPT. What
// a bitstream alone says must not take all memory.
const SPARE_PIXELS = 4096 * 2304;
const SPARE_FACTOR = 4;

const maxPixels = ({ width, height }: CaptureFormat) =>
  Math.max(SPARE_FACTOR * width * height, SPARE_PIXELS);

// Their frames may refer to such of another size.
const SCALES: readonly CodecName[] = ["vp9", "av1"];

/** Decodes the frames of one codec into buffers of one format at a time. */
export class StatelessDecoding implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #buffers: Buffers;
  readonly #decoder: Decoder;
  #capture: CaptureBuffers;
  readonly #owned: DisposableStack;
  readonly #rebuilder: Rebuilder;
  /** What was kept of a picture in several buffers, and what is rebuilt. */
  readonly #assembly: Assembly;
  /** A part of the picture is missing. */
  #broken = false;
  #codecNs = 0;
  #written = false;

  /**
   * @param allow asked for the memory of FFmpeg's pictures and of coded frames
   * @throws {Error} FFmpeg has no such decoder, or cannot open it
   */
  constructor(
    ffmpeg: Ffmpeg,
    buffers: Buffers,
    readonly codec: CodecName,
    format: CaptureFormat,
    allow: Allow,
  ) {
    this.#ffmpeg = ffmpeg;
    this.#buffers = buffers;
    this.#rebuilder = rebuilder(codec);
    using made = new DisposableStack();
    const parts = new Allowance(allow);
    this.#assembly = made.use(new Assembly(parts.part()));
    this.#decoder = made.use(new Decoder(ffmpeg, codec, maxPixels(format), parts.part()));
    this.#capture = new CaptureBuffers(ffmpeg, buffers, format);
    made.defer(() => this.#capture[Symbol.dispose]());
    this.#owned = made.move();
  }

  /** Of the pictures, as the latest START had it. */
  get format(): CaptureFormat {
    return this.#capture.format;
  }

  /**
   * There was another START for the codec. Behind one for the same size the next frame stands alone; a
   * frame of another size may refer to those before it, where the codec has that.
   *
   * @throws {Error} FFmpeg cannot pack such pictures
   */
  restart(format: CaptureFormat): void {
    const { width, height } = this.format;
    const scales = SCALES.includes(this.codec);
    if (scales && (width !== format.width || height !== format.height)) this.#drop();
    else this.flush();
    if (sameFormat(this.format, format)) return;
    this.#decoder.limit(maxPixels(format));
    const capture = new CaptureBuffers(this.#ffmpeg, this.#buffers, format);
    this.#capture[Symbol.dispose]();
    this.#capture = capture;
  }

  /** FFmpeg's name of the decoder. */
  get decoder(): string {
    return this.#decoder.name;
  }

  /** What FFmpeg itself took in the latest `decode`, in nanoseconds. */
  get codecNs(): number {
    return this.#codecNs;
  }

  /** Whether the latest `decode` wrote a picture: a damaged frame may have one, patched up. */
  get written(): boolean {
    return this.#written;
  }

  /**
   * Decodes what is in an OUTPUT buffer, and what was kept before, into a CAPTURE buffer.
   *
   * @param size of the bitstream in bytes
   * @param flags VPIPE_DEC_MORE: it is only kept; VPIPE_DEC_FINISH: there is no OUTPUT buffer
   * @param controls the frame's
   * @returns one of VPIPE_DEC_OK and so on
   * @throws {SysError} a buffer cannot be had
   * @throws {FfmpegError} no memory
   */
  decode(
    outputIndex: number,
    size: number,
    captureIndex: number,
    flags: number,
    controls: FrameControls,
  ): number {
    this.#codecNs = 0;
    this.#written = false;
    const finish = (flags & VPIPE_DEC_FINISH) !== 0;
    const more = (flags & VPIPE_DEC_MORE) !== 0;
    let status = VPIPE_DEC_FAILED;
    try {
      status = finish ? this.#takeKept() : this.#take(outputIndex, size, more, controls);
    } finally {
      if (status !== VPIPE_DEC_OK) this.#giveUp();
      if (more) this.#broken ||= status !== VPIPE_DEC_OK;
      else this.#drop();
    }
    return more || status !== VPIPE_DEC_OK ? status : this.#decodeTaken(captureIndex);
  }

  /** Gives FFmpeg the picture, or keeps a part of it. */
  #take(outputIndex: number, size: number, more: boolean, controls: FrameControls): number {
    // Of such a picture nothing is sent, and nothing noted.
    if (this.#broken) return VPIPE_DEC_CORRUPT;
    const source = this.#buffers.plane(VPIPE_DEC_QUEUE_OUTPUT, outputIndex, 0);
    if (size > source.size) return VPIPE_DEC_FAILED;
    const bytes = source.bytes.subarray(0, size);
    const alone = !more && this.#assembly.size === 0;
    if (alone && size === 0) return VPIPE_DEC_NO_PICTURE;
    // Before anything is noted of it: what is not decoded is no reference.
    if (!this.#decoder.reserve(this.#assembly.size + size)) return VPIPE_DEC_FAILED;
    source.begin(READING);
    try {
      if (alone && this.#rebuilder.isWhole(bytes, controls)) {
        this.#decoder.take(source.pointer, size);
        return VPIPE_DEC_OK;
      }
      if (!this.#assembly.reserve(size)) return VPIPE_DEC_FAILED;
      this.#rebuilder.add(this.#assembly, bytes, controls);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      return VPIPE_DEC_CORRUPT;
    } finally {
      source.end(READING);
    }
    return more ? VPIPE_DEC_OK : this.#takeKept();
  }

  #takeKept(): number {
    if (this.#broken) return VPIPE_DEC_CORRUPT;
    const { pointer, size } = this.#assembly;
    if (size === 0) return VPIPE_DEC_NO_PICTURE;
    if (!this.#decoder.reserve(size)) return VPIPE_DEC_FAILED;
    this.#decoder.take(pointer, size);
    return VPIPE_DEC_OK;
  }

  /** Parts that were added are not sent. */
  #giveUp(): void {
    if (this.#assembly.size > 0) this.#rebuilder.giveUp();
    this.#assembly.clear();
  }

  #drop(): void {
    this.#assembly.clear();
    this.#broken = false;
  }

  #decodeTaken(captureIndex: number): number {
    const decoder = this.#decoder;
    const picture = decoder.decode();
    this.#codecNs = decoder.codecNs;
    if (decoder.rejected) this.#rebuilder.reject?.(picture !== undefined);
    if (decoder.refused) return VPIPE_DEC_FAILED;
    if (picture === undefined) return decoder.damaged ? VPIPE_DEC_CORRUPT : VPIPE_DEC_NO_PICTURE;
    if (!this.#capture.fits(picture)) return VPIPE_DEC_MISMATCH;
    if (!this.#capture.write(picture, captureIndex)) return VPIPE_DEC_FAILED;
    this.#written = true;
    const { doubtful } = this.#rebuilder;
    return decoder.damaged || doubtful ? VPIPE_DEC_CORRUPT : VPIPE_DEC_OK;
  }

  /** Forgets CAPTURE buffers, which are gone. */
  forget(): void {
    this.#capture.forget();
  }

  /** Forgets all coded frames: the next one stands alone. */
  flush(): void {
    this.#drop();
    this.#rebuilder.flush();
    this.#decoder.flush();
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
