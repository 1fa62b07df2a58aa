/**
 * Raw frames from a file or a pipe.
 *
 * @module
 */
import { EAGAIN, SysError } from "../sys/errno.ts";
import type { File, IoBuffer } from "../sys/file.ts";
import { openInput } from "../files/files.ts";
import { InputWaiter } from "./input_waiter.ts";

/** Frames of one size in bytes, one behind the other, read straight to where they are wanted. */
export class RawFile implements Disposable {
  readonly #file: File;
  readonly #waiter: InputWaiter;
  #frame = 0;
  /** Bytes of the frame that were read already. */
  #got = 0;

  /**
   * @param frameBytes of a frame
   * @throws {SysError} naming the file
   */
  constructor(readonly path: string, readonly frameBytes: number) {
    this.#file = openInput(path);
    this.#waiter = new InputWaiter(this.#file);
  }

  /** For how long a pipe had nothing, in ns, in all. */
  get waited(): number {
    return this.#waiter.waited;
  }

  /**
   * Reads the next frame. Of a pipe that is silent it waits a tenth of a second; call it again with
   * the same memory then. It allocates nothing.
   *
   * @returns bytes of the frame, 0 at the end, or -EAGAIN
   * @throws {SysError | Error} naming the file; also where it ends in the middle of a frame
   */
  fill(target: IoBuffer): number {
    const { path, frameBytes } = this;
    while (this.#got < frameBytes) {
      if (!this.#waiter.wait()) return -EAGAIN;
      target.range(this.#got, frameBytes);
      const got = this.#file.tryRead(target);
      if (got < 0) throw new SysError(path, "read", -got);
      if (got === 0) {
        if (this.#got === 0) return 0;
        throw new Error(
          `${path}: ends after ${this.#got} of the ${frameBytes} bytes of frame ${this.#frame}`,
        );
      }
      this.#got += got;
    }
    this.#got = 0;
    this.#frame++;
    return frameBytes;
  }

  /** @throws {SysError} ESPIPE for a pipe */
  rewind(): void {
    this.#file.rewind();
    this.#frame = 0;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
