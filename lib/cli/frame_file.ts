/**
 * Raw frames into a file, a pipe or stdout.
 *
 * @module
 */
import { SysError } from "../sys/errno.ts";
import { File, O_CREAT, O_TRUNC, O_WRONLY } from "../sys/file.ts";
import type { GatherBuffer } from "../sys/gather.ts";
import { makeFolders } from "./files.ts";

const STDOUT = 1;

/** Whole frames, one behind the other. */
export class FrameFile implements Disposable {
  readonly #file: File;
  readonly #isStdout: boolean;
  #size = 0;

  /**
   * @param path `-` for stdout; folders on it are made
   * @throws {SysError} naming the file or the folder
   */
  constructor(path: string) {
    this.#isStdout = path === "-";
    if (this.#isStdout) {
      this.#file = new File("stdout", STDOUT);
    } else {
      makeFolders(path);
      this.#file = File.open(path, O_WRONLY | O_CREAT | O_TRUNC);
    }
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
    // What stdout had before is not known.
    if (this.#isStdout) return;
    try {
      this.#file.truncate(this.#size);
    } catch {
      // A pipe or a device cannot be cut; the write error is what matters.
    }
  }

  [Symbol.dispose](): void {
    if (!this.#isStdout) this.#file.close();
  }
}
