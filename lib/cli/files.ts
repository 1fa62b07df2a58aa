/**
 * Files that a tool reads and writes, with errors that name the file, the call and the errno.
 *
 * @module
 */
import { errnoName } from "../sys/errno_name.ts";

/** A file that could not be opened, read or written. */
export class FileError extends Error {
  override name = "FileError";
  constructor(path: string, call: string, cause: Error) {
    // Deno puts the errno into the message: `No space left on device (os error 28)`.
    const match = /^(.*) \(os error (\d+)\)/.exec(cause.message);
    const reason = match ? `${match[1]} (${errnoName(Number(match[2]))})` : cause.message;
    super(`${path}: ${call}: ${reason}`, { cause });
  }
}

const NEWLINE = 0x0a;

function attempt<T>(path: string, call: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Error) throw new FileError(path, call, error);
    throw error;
  }
}

/** The whole content of a file. */
export function readFile(path: string): Uint8Array<ArrayBuffer> {
  return attempt(path, "open", () => Deno.readFileSync(path));
}

/** A new or emptied file; folders on its path are made. */
export class OutputFile implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #size = 0;

  constructor(readonly path: string) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    if (folder !== "") attempt(folder, "mkdir", () => Deno.mkdirSync(folder, { recursive: true }));
    this.#file = attempt(
      path,
      "open",
      () => Deno.openSync(path, { write: true, create: true, truncate: true }),
    );
  }

  /**
   * Appends `content`. Where a full disk cuts it off, text keeps its complete lines and bytes
   * nothing.
   *
   * @throws {FileError} ENOSPC, EIO
   */
  append(content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? this.#encoder.encode(content) : content;
    let written = 0;
    try {
      while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
    } catch (error) {
      this.#keep(typeof content === "string" ? bytes.lastIndexOf(NEWLINE, written - 1) + 1 : 0);
      throw new FileError(this.path, "write", error as Error);
    }
    this.#size += written;
  }

  #keep(bytes: number): void {
    try {
      this.#file.truncateSync(this.#size + bytes);
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

/** Writes a whole file in one go; what could not be written whole is removed again. */
export function writeFile(path: string, ...parts: Uint8Array[]): void {
  using file = new OutputFile(path);
  try {
    for (const part of parts) file.append(part);
  } catch (error) {
    try {
      if (Deno.statSync(path).isFile) Deno.removeSync(path);
    } catch {
      // The write error is what matters.
    }
    throw error;
  }
}
