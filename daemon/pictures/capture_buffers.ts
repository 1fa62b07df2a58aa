/**
 * The way of pictures into the client's CAPTURE buffers.
 *
 * @module
 */
import { type Dmabuf, WRITING } from "../../lib/dmabuf/dma_buf.ts";
import type { Frame } from "../../lib/ffmpeg/frame.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { Packer, type Planes, planes } from "../../lib/ffmpeg/packer.ts";
import { VPIPE_DEC_QUEUE_CAPTURE } from "../../lib/uapi/vpipe_dec.ts";
import type { Buffers } from "./buffers.ts";
import type { CaptureFormat } from "./capture_format.ts";

/** A CAPTURE buffer as the packer writes it. */
interface Destination {
  readonly planes: readonly Dmabuf[];
  readonly addresses: Planes;
}

/** The CAPTURE buffers of one format. */
export class CaptureBuffers implements Disposable {
  readonly #buffers: Buffers;
  readonly #packer: Packer;
  readonly #destinations = new Map<number, Destination>();

  constructor(ffmpeg: Ffmpeg, buffers: Buffers, readonly format: CaptureFormat) {
    const { layout, width, height } = format;
    this.#buffers = buffers;
    const strides = format.planes.map(({ bytesperline }) => bytesperline);
    this.#packer = new Packer(ffmpeg, layout, width, height, strides);
  }

  /** Whether a picture has the size and depth of these buffers. */
  fits(picture: Frame): boolean {
    return this.#packer.fits(picture);
  }

  /**
   * Writes a picture that fits into a buffer.
   *
   * @returns whether all of it was written
   * @throws {SysError} the buffer cannot be had
   * @throws {Error} the buffer is smaller than its format
   */
  write(picture: Frame, index: number): boolean {
    const { planes, addresses } = this.#destinations.get(index) ?? this.#makeDestination(index);
    for (let i = 0; i < planes.length; i++) planes[i].begin(WRITING);
    const written = this.#packer.packDecoded(picture, addresses);
    this.#buffers.digest?.take(this.#packer, addresses);
    for (let i = 0; i < planes.length; i++) planes[i].end(WRITING);
    return written;
  }

  #makeDestination(index: number): Destination {
    const { sizes } = this.format;
    const parts = sizes.map((size, plane) => {
      const part = this.#buffers.plane(VPIPE_DEC_QUEUE_CAPTURE, index, plane);
      if (part.size >= size) return part;
      throw new Error(`CAPTURE buffer ${index}: plane ${plane} has ${part.size} of ${size} bytes`);
    });
    const lines = this.format.planes.map(({ memory, offset }) => parts[memory].address + offset);
    const made = { planes: parts, addresses: planes(...lines) };
    this.#destinations.set(index, made);
    return made;
  }

  /** Forgets where buffers are: some are gone. */
  forget(): void {
    this.#destinations.clear();
  }

  [Symbol.dispose](): void {
    this.#packer[Symbol.dispose]();
  }
}
