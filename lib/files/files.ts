/**
 * Files that a tool reads, and the descriptors that paths stand for.
 *
 * @module
 */
import { EFBIG, SysError } from "../sys/errno.ts";
import { isOpenAs, refuseDevice } from "../sys/device_number.ts";
import { File, IoBuffer, O_RDONLY } from "../sys/file.ts";

/** Of a file that is read whole: a pipe may have no end. */
const LARGEST = 2 ** 31;

/**
 * The whole content of a file or pipe.
 *
 * @throws {SysError} naming the file; EFBIG for more than 2 GiB
 * @throws {Error} naming the file, where it is a device
 */
export function readFile(path: string): Uint8Array<ArrayBuffer> {
  refuseDevice(path);
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

/** One behind the other. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const STDIN = 0;
export const STDOUT = 1;
const STDERR = 2;

const DESCRIPTORS: Readonly<Record<string, number>> = {
  "/dev/stdin": STDIN,
  "/dev/stdout": STDOUT,
  "/dev/stderr": STDERR,
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

/**
 * The descriptor that a path to write is open as: of `-` and `/dev/stdout` by name, and of stdout's or stderr's
 * file or pipe by whatever name.
 */
export function outputDescriptor(path: string): number | undefined {
  return descriptorOf(path, STDOUT) ?? [STDOUT, STDERR].find((fd) => isOpenAs(path, fd));
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
