/**
 * Files by descriptor, as ioctl, poll and mmap need them. Ordinary files go the same way, so that
 * every error names its errno and a tool needs no permission but FFI's.
 *
 * @module
 */
import { addressOf, cString, libc } from "./libc.ts";
import { EINTR, errno, SysError } from "./errno.ts";
import { n64, struct } from "../uapi/struct.ts";

// open(2) flags, from asm-generic/fcntl.h.
/** open(2): for reading only. */
export const O_RDONLY = 0o0;
/** open(2): for writing only. */
export const O_WRONLY = 0o1;
/** open(2): for both, as most ioctls of a device want it. */
export const O_RDWR = 0o2;
export const O_CREAT = 0o100;
/** open(2), with O_CREAT: fails with EEXIST where there is one already. */
export const O_EXCL = 0o200;
/** open(2) of a folder: a file in it that has no name. O_DIRECTORY, a part of it, is another on aarch64. */
export const O_TMPFILE = Deno.build.arch === "aarch64" ? 0o20040000 : 0o20200000;
/** open(2): a terminal does not become the session's. */
export const O_NOCTTY = 0o400;
/** open(2): calls that would have to wait fail with EAGAIN. */
export const O_NONBLOCK = 0o4000;
/** open(2): exec(2) closes the descriptor. `File.open` adds it by itself. */
export const O_CLOEXEC = 0o2000000;

export const F_ADD_SEALS = 1033;
export const F_SEAL_SHRINK = 2;

/** fcntl(2) */
export const F_SETFL = 4;

/** lseek(2), from linux/fs.h */
export const SEEK_SET = 0;

export const iovec = struct("struct iovec", 16, {
  iov_base: n64(0),
  iov_len: n64(8),
});

/** Memory that reads and writes use again and again without allocating. */
export class IoBuffer {
  readonly #iovec;
  readonly #address: number;
  /** The `struct iovec` of the next call. */
  readonly vector: Uint8Array<ArrayBuffer>;

  /** Of memory that reads fill and writes take from; the next call may move all of it. */
  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {
    this.#address = Number(addressOf(bytes));
    this.#iovec = iovec.alloc({ iov_base: this.#address, iov_len: bytes.length });
    this.vector = this.#iovec.bytes;
  }

  /** Bytes that the next call may move: at most the length of `bytes`. */
  set length(length: number) {
    this.range(0, length);
  }

  /** The next call may move bytes `start` to `end`, as far as there are such. */
  range(start: number, end: number): void {
    this.#iovec.iov_base = this.#address + start;
    this.#iovec.iov_len = Math.min(end, this.bytes.length) - start;
  }
}

/** An open descriptor and the path it came from. Close it with `using` or `close()`. */
export class File implements Disposable {
  #fd: number;

  /**
   * Takes a descriptor over: it is closed with this object.
   *
   * @param path what errors name; of a descriptor without a path, what it came from
   */
  constructor(readonly path: string, fd: number) {
    this.#fd = fd;
  }

  /**
   * Opens `path`; the descriptor is never inherited by a child process.
   *
   * @throws {SysError} ENOENT, EACCES and whatever the driver's open gives
   */
  static open(path: string, flags: number): File {
    const fd = libc.open(cString(path), flags | O_CLOEXEC, 0o666);
    if (fd < 0) throw new SysError(path, "open", errno[0]);
    return new File(path, fd);
  }

  /** The descriptor; -1 once it is closed. */
  get fd(): number {
    return this.#fd;
  }

  /**
   * Reads, and again while a signal interrupts it.
   *
   * @returns bytes read, 0 at the end of the file, or the negated errno
   */
  tryRead(target: IoBuffer): number {
    return again(libc.readv, this.#fd, target);
  }

  /**
   * Reads from the start of the file, as the files of /proc and /sys are read again.
   *
   * @returns bytes read, or the negated errno
   */
  tryReadStart(target: IoBuffer): number {
    const got = libc.preadv(this.#fd, target.vector, 1, 0n);
    return got < 0 ? -errno[0] : got;
  }

  /**
   * Writes, and again while a signal interrupts it.
   *
   * @returns bytes written, or the negated errno
   */
  tryWrite(source: IoBuffer): number {
    return again(libc.writev, this.#fd, source);
  }

  /**
   * Cuts the file off after `size` bytes.
   *
   * @throws {SysError} EINVAL for a pipe or device
   */
  truncate(size: number): void {
    if (libc.ftruncate(this.#fd, BigInt(size)) < 0) {
      throw new SysError(this.path, "ftruncate", errno[0]);
    }
  }

  /**
   * Has the next read or write begin at the start of the file.
   *
   * @throws {SysError} ESPIPE for a pipe
   */
  rewind(): void {
    if (libc.lseek(this.#fd, 0n, SEEK_SET) < 0) throw new SysError(this.path, "lseek", errno[0]);
  }

  /** Closes the descriptor; what close(2) says of it is not looked at. A second call does nothing. */
  close(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }

  /**
   * Closes what was written, of which a file system on a network may say only now that it has no room for it.
   *
   * @throws {SysError} EIO, ENOSPC, EDQUOT; it is closed all the same
   */
  finish(): void {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd < 0 || libc.close(fd) === 0) return;
    const code = errno[0];
    if (code !== EINTR) throw new SysError(this.path, "close", code);
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function again(call: typeof libc.readv, fd: number, { vector }: IoBuffer): number {
  for (;;) {
    const moved = call(fd, vector, 1);
    if (moved >= 0) return moved;
    const code = errno[0];
    if (code !== EINTR) return -code;
  }
}
