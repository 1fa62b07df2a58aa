/**
 * Raw frames into a file, a pipe or stdout.
 *
 * @module
 */
import { SysError } from "../sys/errno.ts";
import type { GatherBuffer } from "../sys/gather.ts";
import { Output } from "./output.ts";
import type { ReaderQueue } from "./reader_queue.ts";

/** Whole frames, one behind the other, as `Output` takes them. */
export class FrameFile implements Disposable {
  readonly #output: Output;

  /**
   * @param path `-` for stdout; folders on it are made
   * @throws {SysError | Error} as `Output`
   */
  constructor(path: string) {
    this.#output = new Output(path);
  }

  /**
   * Appends a frame. Of one that a full disk cuts off nothing stays.
   *
   * @throws {SysError} ENOSPC, EIO, EPIPE
   */
  append(frame: GatherBuffer): void {
    this.#output.begin();
    const { file, reader } = this.#output;
    if (reader !== undefined) {
      // Where lines are padded each is a part.
      reader.append(frame.gather());
      return;
    }
    const result = frame.tryWrite(file.fd);
    if (result < 0) {
      this.#output.cut();
      throw new SysError(file.path, "write", -result);
    }
    this.#output.keep(frame.size);
  }

  /** Who reads a pipe and has yet to make room for frames that it was given; undefined of nobody. */
  get behind(): ReaderQueue | undefined {
    const { reader } = this.#output;
    return reader !== undefined && reader.bytes > 0 ? reader : undefined;
  }

  /** @throws {SysError} as `Output` */
  close(): void {
    this.#output.close();
  }

  [Symbol.dispose](): void {
    this.#output[Symbol.dispose]();
  }
}
