/**
 * Files that a tool reads and writes whole, or row by row.
 *
 * @module
 */
import { EEXIST, errno, SysError } from "../sys/errno.ts";
import { File, IoBuffer, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from "../sys/file.ts";
import { cString, libc } from "../sys/libc.ts";

const NEWLINE = 0x0a;

/**
 * The whole content of a file or pipe.
 *
 * @throws {SysError} naming the file
 */
export function readFile(path: string): Uint8Array<ArrayBuffer> {
  return concatenate(Array.from(readPieces(path), (piece) => piece.slice()));
}

/**
 * The content of a file or pipe piece by piece, each in the memory of the one before.
 *
 * @throws {SysError} naming the file
 */
export function* readPieces(path: string): Generator<Uint8Array<ArrayBuffer>, void> {
  using file = File.open(path, O_RDONLY);
  const buffer = new IoBuffer(new Uint8Array(1 << 20));
  for (;;) {
    const got = file.tryRead(buffer);
    if (got < 0) throw new SysError(path, "read", -got);
    if (got === 0) return;
    yield buffer.bytes.subarray(0, got);
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Makes the folders on the way to a file, as far as they are missing. */
export function makeFolders(path: string): void {
  for (let end = path.indexOf("/", 1); end > 0; end = path.indexOf("/", end + 1)) {
    const folder = path.slice(0, end);
    if (libc.mkdir(cString(folder), 0o777) === 0) continue;
    const code = errno();
    // What is in the way and no folder is reported when the file is opened.
    if (code !== EEXIST) throw new SysError(folder, "mkdir", code);
  }
}

/** A new or emptied file; folders on its path are made. */
export class OutputFile implements Disposable {
  readonly #file: File;
  readonly #encoder = new TextEncoder();
  #size = 0;

  /** @throws {SysError} naming the file or the folder */
  constructor(readonly path: string) {
    makeFolders(path);
    this.#file = File.open(path, O_WRONLY | O_CREAT | O_TRUNC);
  }

  /**
   * Appends `content`. Where a full disk cuts it off, text keeps its complete lines and bytes
   * nothing.
   *
   * @throws {SysError} ENOSPC, EIO
   */
  append(content: string | Uint8Array<ArrayBuffer>): void {
    const isText = typeof content === "string";
    const bytes = isText ? new Uint8Array(this.#encoder.encode(content)) : content;
    let written = 0;
    while (written < bytes.length) {
      const moved = this.#file.tryWrite(new IoBuffer(bytes.subarray(written)));
      if (moved < 0) {
        const kept = isText && written > 0 ? bytes.lastIndexOf(NEWLINE, written - 1) + 1 : 0;
        this.#cutTo(this.#size + kept);
        throw new SysError(this.path, "write", -moved);
      }
      written += moved;
    }
    this.#size += written;
  }

  #cutTo(size: number): void {
    try {
      this.#file.truncate(size);
    } catch {
      // A pipe or a device cannot be cut; the write error is what matters.
    }
  }

  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Writes a whole file; one that could not be written whole is left empty.
 *
 * @throws {SysError} naming the file
 */
export function writeFile(path: string, ...parts: Uint8Array[]): void {
  using file = new OutputFile(path);
  file.append(concatenate(parts));
}
