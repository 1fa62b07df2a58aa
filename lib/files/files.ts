/**
 * Files that a tool reads and writes whole, or row by row.
 *
 * @module
 */
import { deviceAt, type DeviceFile } from "../sys/device_number.ts";
import { EEXIST, EFBIG, errno, SysError } from "../sys/errno.ts";
import { File, IoBuffer, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from "../sys/file.ts";
import { cString, libc } from "../sys/libc.ts";

const NEWLINE = 0x0a;

/** Of a file that is read whole: devices and pipes may have no end. */
const LARGEST = 2 ** 31;

/**
 * The whole content of a file or pipe.
 *
 * @throws {SysError} naming the file; EFBIG for more than 2 GiB
 */
export function readFile(path: string): Uint8Array<ArrayBuffer> {
  const content = readBeginning(path, LARGEST + 1);
  if (content.length > LARGEST) throw new SysError(path, "read", EFBIG);
  return content;
}

/**
 * The first `most` bytes of a file or pipe, or all that it has.
 *
 * @throws {SysError} naming the file
 */
export function readBeginning(path: string, most: number): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (const piece of readPieces(path)) {
    const wanted = piece.slice(0, most - size);
    pieces.push(wanted);
    size += wanted.length;
    if (size === most) break;
  }
  return concatenate(pieces);
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

export const STDIN = 0;
export const STDOUT = 1;

const DESCRIPTORS: Readonly<Record<string, number>> = {
  "/dev/stdin": STDIN,
  "/dev/stdout": STDOUT,
  "/dev/stderr": 2,
};

/**
 * The descriptor that a path names: of `/dev/stdout` and the like. Opened once more, a file would be
 * written from its start by each who opens it.
 *
 * @param dash what `-` stands for
 */
export function descriptorOf(path: string, dash: number): number | undefined {
  if (path === "-") return dash;
  const [, number] = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/.exec(path) ?? [];
  return number === undefined ? DESCRIPTORS[path] : Number(number);
}

// linux/major.h; the minors are of /dev/null and /dev/full.
const MEM_MAJOR = 1;
const SINKS = [3, 7];
const TTY_MAJORS = [4, 5];
const PTY_MAJORS = [136, 143] as const;

/** A device that takes text without being anybody's picture or disk. */
function takesText({ block, major, minor }: DeviceFile): boolean {
  if (block) return false;
  return major === MEM_MAJOR && SINKS.includes(minor) || TTY_MAJORS.includes(major) ||
    PTY_MAJORS[0] <= major && major <= PTY_MAJORS[1];
}

/**
 * Opens what is there, or takes what a path such as `/dev/stdin` stands for; `-` is stdin.
 *
 * @throws {SysError} naming the file
 */
export function openInput(path: string): File {
  const descriptor = descriptorOf(path, STDIN);
  return descriptor === undefined ? File.open(path, O_RDONLY) : new File(path, descriptor);
}

/** Where output goes. */
export interface Output {
  readonly file: File;
  /** Was open before: whoever opened it closes it, and what it had before is not known. */
  readonly borrowed: boolean;
}

/**
 * Opens a new or emptied file, or what a path such as `/dev/stdout` stands for; `-` is stdout. Folders
 * on the path are made.
 *
 * @throws {SysError} naming the file or the folder
 * @throws {Error} where it is a device: an argument was forgotten, or two were exchanged
 */
export function openOutput(path: string): Output {
  const descriptor = descriptorOf(path, STDOUT);
  if (descriptor !== undefined) {
    const name = descriptor === STDOUT ? "stdout" : path;
    return { file: new File(name, descriptor), borrowed: true };
  }
  const device = deviceAt(path);
  if (device !== undefined && !takesText(device)) {
    throw new Error(`${path}: is a device and no file to write (is an argument missing?)`);
  }
  makeFolders(path);
  return { file: File.open(path, O_WRONLY | O_CREAT | O_TRUNC), borrowed: false };
}

/** A new or emptied file; folders on its path are made. */
export class OutputFile implements Disposable {
  readonly #file: File;
  readonly #borrowed: boolean;
  readonly #encoder = new TextEncoder();
  #size = 0;

  /** @throws {SysError | Error} as `openOutput` */
  constructor(readonly path: string) {
    const { file, borrowed } = openOutput(path);
    this.#file = file;
    this.#borrowed = borrowed;
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
        throw new SysError(this.#file.path, "write", -moved);
      }
      written += moved;
    }
    this.#size += written;
  }

  #cutTo(size: number): void {
    if (this.#borrowed) return;
    try {
      this.#file.truncate(size);
    } catch {
      // A pipe or a device cannot be cut; the write error is what matters.
    }
  }

  close(): void {
    if (!this.#borrowed) this.#file.close();
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
