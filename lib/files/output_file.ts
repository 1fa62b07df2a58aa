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

const encoder = new TextEncoder();

/** What is appended piece by piece, as `Output` takes it. */
export class OutputFile implements Disposable {
  readonly #output: Output;

  /** @throws {SysError | Error} as `Output` */
  constructor(readonly path: string) {
    this.#output = new Output(path);
  }

  /**
   * Appends `content`. Where a full disk cuts it off, text keeps its complete lines and bytes
   * nothing. Nobody is waited for: what a pipe or a terminal has no room for is kept.
   *
   * @throws {SysError} ENOSPC, EIO
   * @throws {Error} where too much is kept
   */
  append(content: string | Uint8Array<ArrayBuffer>): void {
    const output = this.#output;
    output.begin();
    const isText = typeof content === "string";
    const bytes = isText ? new Uint8Array(encoder.encode(content)) : content;
    if (output.reader !== undefined) return give(output.reader, bytes);
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

  /** Empties a file that was there, as the first `append` does. */
  begin(): void {
    this.#output.begin();
  }

  /** @throws {SysError} as `Output` */
  close(): void {
    this.#output.close();
  }

  [Symbol.dispose](): void {
    this.#output[Symbol.dispose]();
  }
}

function give(reader: ReaderQueue, bytes: Uint8Array<ArrayBuffer>): void {
  if (reader.bytes > MOST_BEHIND) {
    throw new Error(`${reader.path}: is not read: ${reader.bytes} bytes wait for it`);
  }
  reader.append(bytes);
}
