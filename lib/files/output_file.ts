/**
 * Files that a tool writes row by row.
 *
 * @module
 */
import { SysError } from "../sys/errno.ts";
import { IoBuffer } from "../sys/file.ts";
import { Output } from "./output.ts";
import type { ReaderQueue } from "./reader_queue.ts";

const NEWLINE = 0x0a;

/** So many bytes are kept for a reader that stands still, before it is one that does not read. */
const MOST_BEHIND = 1 << 26;
const WAIT_MS = 1000;

const encoder = new TextEncoder();

/** What is appended piece by piece, as `Output` takes it. */
export class OutputFile implements Disposable {
  readonly #output: Output;

  /**
   * @param isPatient whether who reads a pipe is waited for where much is kept for it: of what comes as
   * fast as it is made, and is no measurement
   * @throws {SysError | Error} as `Output`
   */
  constructor(readonly path: string, readonly isPatient = false) {
    this.#output = new Output(path);
  }

  /** Who reads a pipe and has yet to make room; undefined of nobody. */
  get behind(): ReaderQueue | undefined {
    const { reader } = this.#output;
    return reader !== undefined && reader.bytes > 0 ? reader : undefined;
  }

  /**
   * Appends `content`; the first empties a file that was there. Where a full disk cuts it off, text keeps
   * its complete lines and bytes nothing. What a pipe or a terminal has no room for is kept.
   *
   * @throws {SysError} ENOSPC, EIO
   * @throws {Error} where too much is kept
   */
  append(content: string | Uint8Array<ArrayBuffer>): void {
    const output = this.#output;
    output.begin();
    const isText = typeof content === "string";
    const bytes = isText ? new Uint8Array(encoder.encode(content)) : content;
    if (output.reader !== undefined) return this.#give(output.reader, bytes);
    let written = 0;
    while (written < bytes.length) {
      const moved = output.file.tryWrite(new IoBuffer(bytes.subarray(written)));
      if (moved < 0) {
        const lines = isText && written > 0 ? bytes.lastIndexOf(NEWLINE, written - 1) + 1 : 0;
        if (lines > 0) output.keep(lines);
        output.cut();
        throw new SysError(output.file.path, "write", -moved);
      }
      written += moved;
    }
    output.keep(written);
  }

  #give(reader: ReaderQueue, bytes: Uint8Array<ArrayBuffer>): void {
    if (reader.bytes > MOST_BEHIND && !this.isPatient) {
      throw new Error(`${reader.path}: is not read: ${reader.bytes} bytes wait for it`);
    }
    reader.append(bytes);
    while (reader.bytes > MOST_BEHIND && this.isPatient) reader.wait(WAIT_MS);
  }

  /** @throws {SysError} as `Output` */
  close(): void {
    this.#output.close();
  }

  [Symbol.dispose](): void {
    this.#output[Symbol.dispose]();
  }
}
