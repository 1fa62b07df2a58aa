/**
 * Raw frames into a file, a pipe or stdout.
 *
 * @module
 */
import { SysError } from "../sys/errno.ts";
import type { GatherBuffer } from "../sys/gather.ts";
import { Output } from "./output.ts";

/** Whole frames, one behind the other, as `Output` takes them. */
export class FrameFile implements Disposable {
  readonly #output: Output;

  /**
   * @param path `-` for stdout; folders on it are made
   * @throws {SysError | Error} as `Output`
   */
  constructor(path: string) {
    this.#output = new Output(path);
    this.#output.begin();
  }

  /**
   * Appends a frame. Of one that a full disk cuts off nothing stays.
   *
   * @throws {SysError} ENOSPC, EIO, EPIPE
   */
  append(frame: GatherBuffer): void {
    const { file } = this.#output;
    const result = frame.tryWrite(file.fd);
    if (result < 0) {
      this.#output.cut();
      throw new SysError(file.path, "write", -result);
    }
    this.#output.keep(frame.size);
  }

  [Symbol.dispose](): void {
    this.#output[Symbol.dispose]();
  }
}
