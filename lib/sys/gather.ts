/**
 * Writing memory that does not lie in one piece, by writev(2).
 *
 * @module
 */
import { EINTR, errno } from "./errno.ts";
import { IoBuffer, iovec } from "./file.ts";
import { addressOf, libc } from "./libc.ts";

// UIO_MAXIOV of linux/uio.h: parts that one call takes.
const MAX_PARTS = 1024;

/** Parts of memory that are written one behind the other, again and again without allocating. */
export class GatherBuffer {
  /** In bytes, of all parts. */
  readonly size: number;
  readonly #calls: readonly {
    readonly vectors: Uint8Array<ArrayBuffer>;
    readonly parts: readonly Uint8Array<ArrayBuffer>[];
    readonly size: number;
  }[];
  #whole: Uint8Array<ArrayBuffer> | undefined;

  /**
   * Looks the addresses up, once.
   *
   * @param parts of an ArrayBuffer each; their memory has to stay
   */
  constructor(readonly parts: readonly Uint8Array<ArrayBuffer>[]) {
    const sizeOf = (some: typeof parts) => some.reduce((size, { length }) => size + length, 0);
    this.size = sizeOf(parts);
    this.#calls = Array.from({ length: Math.ceil(parts.length / MAX_PARTS) }, (_, i) => {
      const some = parts.slice(i * MAX_PARTS, (i + 1) * MAX_PARTS);
      const vectors = new Uint8Array(some.length * iovec.size);
      some.forEach((part, k) => {
        const vector = iovec.at(vectors, k * iovec.size);
        vector.iov_base = Number(addressOf(part));
        vector.iov_len = part.length;
      });
      return { vectors, parts: some, size: sizeOf(some) };
    });
  }

  /** All parts in one piece, which may be memory that the next call uses again. */
  gather(): Uint8Array<ArrayBuffer> {
    if (this.parts.length === 1) return this.parts[0];
    const whole = this.#whole ??= new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /**
   * Writes all parts, and again while a signal interrupts it.
   *
   * @returns 0, or the negated errno; some may have been written then
   */
  tryWrite(fd: number): number {
    for (const { vectors, parts, size } of this.#calls) {
      const moved = write(fd, vectors, parts.length);
      if (moved < 0) return moved;
      const result = moved < size ? writeRest(fd, parts, moved) : 0;
      if (result < 0) return result;
    }
    return 0;
  }
}

function write(fd: number, vectors: Uint8Array<ArrayBuffer>, count: number): number {
  for (;;) {
    const moved = libc.writev(fd, vectors, count);
    if (moved >= 0) return moved;
    const code = errno[0];
    if (code !== EINTR) return -code;
  }
}

/** Writes what is behind the first `done` bytes; a full disk, or a signal, cut them off there. */
function writeRest(fd: number, parts: readonly Uint8Array<ArrayBuffer>[], done: number): number {
  for (const part of parts) {
    let at = Math.min(done, part.length);
    done -= at;
    while (at < part.length) {
      const moved = write(fd, new IoBuffer(part.subarray(at)).vector, 1);
      if (moved < 0) return moved;
      at += moved;
    }
  }
  return 0;
}
