/**
 * A compressed stream from a pipe, whose frames go to the device as they come.
 *
 * @module
 */
import type { LiveFrame, Splitter } from "../codec/live_frames.ts";
import { StreamError } from "../codec/stream_error.ts";
import type { PixelFormat } from "../image/pixel_format.ts";
import { EAGAIN, SysError } from "../sys/errno.ts";
import { type File, IoBuffer } from "../sys/file.ts";
import { openInput } from "../files/files.ts";
import { InputWaiter } from "./input_waiter.ts";

const FIRST_BYTES = 1 << 20;
// More than any frame has: what has none by then is no such stream.
const MOST_BYTES = 1 << 26;

/** Frames of a pipe; it knows their size once the first one is there. */
export class StreamPipe implements Disposable {
  readonly width: number;
  readonly height: number;
  readonly #file: File;
  readonly #waiter: InputWaiter;
  readonly #split: Splitter;
  #buffer = new IoBuffer(new Uint8Array(FIRST_BYTES));
  #length = 0;
  /** Whole frames that were not asked for yet. */
  readonly #frames: LiveFrame[] = [];
  #ended = false;
  #broken: Error | undefined;

  /**
   * Waits for the first frame, deaf to nothing: a signal still ends the program.
   *
   * @throws {SysError | Error} naming the input; also where it ends without a frame
   */
  constructor(readonly path: string, readonly format: PixelFormat, splitter: Splitter) {
    this.#file = openInput(path);
    this.#waiter = new InputWaiter(this.#file);
    this.#split = splitter;
    while (this.#frames.length === 0 && !this.#ended) this.#read();
    if (this.#frames.length === 0) throw this.#broken ?? new Error(`${path}: holds no frame`);
    const [{ width, height }] = this.#frames;
    this.width = width;
    this.height = height;
  }

  /** For how long the pipe had nothing, in ns, in all. */
  get waited(): number {
    return this.#waiter.waited;
  }

  /** @returns bytes of the frame, 0 at the end, or -EAGAIN: a tenth of a second without one */
  fill({ bytes }: IoBuffer): number {
    if (this.#frames.length === 0 && !this.#ended) this.#read();
    const frame = this.#frames.shift();
    if (frame === undefined) {
      if (!this.#ended) return -EAGAIN;
      if (this.#broken !== undefined) throw this.#broken;
      return 0;
    }
    const { length } = frame.data;
    if (length > bytes.length) {
      throw new Error(
        `${this.path}: a frame has ${length} bytes, a buffer of the device ${bytes.length}`,
      );
    }
    bytes.set(frame.data);
    return length;
  }

  rewind(): void {
    throw new Error(`${this.path}: cannot begin again: it is read as it comes`);
  }

  #read(): void {
    if (!this.#waiter.wait()) return;
    this.#buffer.range(this.#length, Infinity);
    const got = this.#file.tryRead(this.#buffer);
    if (got < 0) throw new SysError(this.path, "read", -got);
    this.#ended = got === 0;
    this.#length += got;
    this.#take();
    if (this.#length < this.#buffer.bytes.length) return;
    if (this.#length >= MOST_BYTES) {
      throw new Error(`${this.path}: ${MOST_BYTES} bytes without a whole frame`);
    }
    const larger = new Uint8Array(2 * this.#length);
    larger.set(this.#buffer.bytes);
    this.#buffer = new IoBuffer(larger);
  }

  #take(): void {
    const { bytes } = this.#buffer;
    try {
      const { frames, used } = this.#split(bytes.subarray(0, this.#length), this.#ended);
      for (const frame of frames) this.#frames.push({ ...frame, data: frame.data.slice() });
      bytes.copyWithin(0, used, this.#length);
      this.#length -= used;
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.#broken = new Error(`${this.path}: ${error.message}`, { cause: error });
      this.#ended = true;
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
