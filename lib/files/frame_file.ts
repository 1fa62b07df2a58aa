/**
 * Raw frames into a file, a pipe or stdout.
 *
 * @module
 */
import { SysError } from "../sys/errno.ts";
import type { File } from "../sys/file.ts";
import type { GatherBuffer } from "../sys/gather.ts";
import { openOutput } from "./files.ts";

/** Whole frames, one behind the other. */
export class FrameFile implements Disposable {
  readonly #file: File;
  readonly #borrowed: boolean;
  #size = 0;

  /**
   * @param path `-` for stdout; folders on it are made
   * @throws {SysError | Error} as `openOutput`
   */
  constructor(path: string) {
    const { file, borrowed } = openOutput(path);
    this.#file = file;
    this.#borrowed = borrowed;
  }

  /**
   * Appends a frame. Of one that a full disk cuts off nothing stays.
   *
   * @throws {SysError} ENOSPC, EIO, EPIPE
   */
  append(frame: GatherBuffer): void {
    const result = frame.tryWrite(this.#file.fd);
    if (result < 0) {
      this.#cut();
      throw new SysError(this.#file.path, "write", -result);
    }
    this.#size += frame.size;
  }

  #cut(): void {
    if (this.#borrowed) return;
    try {
      this.#file.truncate(this.#size);
    } catch {
      // A pipe or a device cannot be cut; the write error is what matters.
    }
  }

  [Symbol.dispose](): void {
    if (!this.#borrowed) this.#file.close();
  }
}
