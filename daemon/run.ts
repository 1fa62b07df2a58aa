/**
 * What a START begins: a decoder, and the way of its pictures into the client's CAPTURE buffers.
 *
 * @module
 */
import type { CodecName } from "../lib/ffmpeg/codecs.ts";
import { Decoder } from "../lib/ffmpeg/decoder.ts";
import type { Frame } from "../lib/ffmpeg/frame.ts";
import type { Ffmpeg } from "../lib/ffmpeg/libraries.ts";
import { Packer, type Planes, planes } from "../lib/ffmpeg/packer.ts";
import {
  VPIPE_DEC_CORRUPT,
  VPIPE_DEC_FAILED,
  VPIPE_DEC_MISMATCH,
  VPIPE_DEC_NO_PICTURE,
  VPIPE_DEC_OK,
  VPIPE_DEC_QUEUE_CAPTURE,
  VPIPE_DEC_QUEUE_OUTPUT,
} from "../lib/vpipe/decoder_uapi.ts";
import type { Buffers, Plane } from "./buffers.ts";
import type { CaptureFormat } from "./capture_format.ts";

// A stream may change its size up to here and gets MISMATCH; beyond, its frames are CORRUPT. What
// a bitstream alone says must not take all memory.
const SPARE_PIXELS = 4096 * 2304;
const SPARE_FACTOR = 4;

/** A CAPTURE buffer as the packer writes it. */
interface Destination {
  readonly planes: readonly Plane[];
  readonly addresses: Planes;
}

/** Decodes the frames of one codec into buffers of one format. */
export class Run implements Disposable {
  readonly #buffers: Buffers;
  readonly #decoder: Decoder;
  readonly #packer: Packer;
  readonly #destinations = new Map<number, Destination>();
  readonly #owned: DisposableStack;

  /**
   * @throws {Error} FFmpeg has no such decoder, or cannot open it
   */
  constructor(
    ffmpeg: Ffmpeg,
    buffers: Buffers,
    readonly codec: CodecName,
    readonly format: CaptureFormat,
  ) {
    const { layout, width, height, luma, chroma } = format;
    this.#buffers = buffers;
    using made = new DisposableStack();
    const maxPixels = Math.max(SPARE_FACTOR * width * height, SPARE_PIXELS);
    this.#decoder = made.use(new Decoder(ffmpeg, codec, maxPixels));
    const strides = [luma.bytesperline, chroma.bytesperline] as const;
    this.#packer = made.use(new Packer(ffmpeg, layout, width, height, strides));
    this.#owned = made.move();
  }

  /** FFmpeg's name of the decoder. */
  get decoder(): string {
    return this.#decoder.name;
  }

  /**
   * Decodes what is in an OUTPUT buffer into a CAPTURE buffer.
   *
   * @param size of the bitstream in bytes
   * @returns one of VPIPE_DEC_OK and so on
   * @throws {SysError} a buffer cannot be had
   * @throws {FfmpegError} no memory
   */
  decode(outputIndex: number, size: number, captureIndex: number): number {
    const decoder = this.#decoder;
    const source = this.#buffers.plane(VPIPE_DEC_QUEUE_OUTPUT, outputIndex, 0);
    if (size > source.size) return VPIPE_DEC_FAILED;
    if (size === 0) return VPIPE_DEC_NO_PICTURE;
    source.begin();
    decoder.take(source.pointer, size);
    source.end();
    const picture = decoder.decode();
    if (picture === undefined) return decoder.damaged ? VPIPE_DEC_CORRUPT : VPIPE_DEC_NO_PICTURE;
    if (!this.#packer.fits(picture)) return VPIPE_DEC_MISMATCH;
    if (!this.#write(picture, this.#destination(captureIndex))) return VPIPE_DEC_FAILED;
    return decoder.damaged ? VPIPE_DEC_CORRUPT : VPIPE_DEC_OK;
  }

  #write(picture: Frame, { planes, addresses }: Destination): boolean {
    for (let i = 0; i < planes.length; i++) planes[i].begin();
    const written = this.#packer.pack(picture, addresses);
    for (let i = 0; i < planes.length; i++) planes[i].end();
    return written;
  }

  #destination(index: number): Destination {
    return this.#destinations.get(index) ?? this.#makeDestination(index);
  }

  #makeDestination(index: number): Destination {
    const { sizes, luma, chroma } = this.format;
    const parts = sizes.map((size, plane) => {
      const part = this.#buffers.plane(VPIPE_DEC_QUEUE_CAPTURE, index, plane);
      if (part.size >= size) return part;
      throw new Error(`CAPTURE buffer ${index}: plane ${plane} has ${part.size} of ${size} bytes`);
    });
    const [lumaAt, chromaAt] = [luma, chroma].map(({ plane, offset }) =>
      parts[plane].address + offset
    );
    const made = { planes: parts, addresses: planes(lumaAt, chromaAt) };
    this.#destinations.set(index, made);
    return made;
  }

  /** Forgets CAPTURE buffers, which are gone. */
  forget(): void {
    this.#destinations.clear();
  }

  /** Forgets all coded frames: the next one stands alone. */
  flush(): void {
    this.#decoder.flush();
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
