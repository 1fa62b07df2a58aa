/**
 * What is given to a pipe or a terminal, whose reader may stand still.
 *
 * @module
 */
import { isRegular } from "../sys/device_number.ts";
import { EAGAIN, SysError } from "../sys/errno.ts";
import { File, IoBuffer, O_NOCTTY, O_NONBLOCK, O_WRONLY } from "../sys/file.ts";
import { Poller, POLLOUT } from "../sys/poll.ts";

// What poll(2) has found room for is taken without waiting, of a description that others have as well.
const SURELY = 512;

/** All that have something for their readers, in the order in which it was given. */
const behind = new Set<ReaderQueue>();

/** Those of descriptors that were open before, of which each has one order. */
const borrowed = new Map<number, ReaderQueue>();

/**
 * Bytes for a reader. No call waits for it: what it has no room for is kept in memory, and goes out with later
 * calls. A handler of a signal runs in the event loop alone, which a write that waits would not let turn.
 */
export class ReaderQueue {
  readonly #own: File | undefined;
  readonly #file: File;
  readonly #writable: Poller;
  readonly #most: number;
  readonly #rest: Uint8Array<ArrayBuffer>[] = [];
  /** Whether it is what a tool is run for: that it is lost is told. */
  isData = false;
  #bytes = 0;
  #failure = 0;
  #isOver = false;

  /**
   * @param path what errors name
   * @param descriptor is not closed
   */
  constructor(readonly path: string, descriptor: number) {
    const own = `/proc/self/fd/${descriptor}`;
    const mayWait = !isRegular(own);
    this.#own = mayWait ? reopened(own) : undefined;
    this.#file = this.#own ?? new File(path, descriptor);
    this.#most = mayWait && this.#own === undefined ? SURELY : Infinity;
    this.#writable = new Poller(this.#file, POLLOUT);
  }

  /** Of a descriptor such as stdout's, whoever writes to it. */
  static of(path: string, descriptor: number): ReaderQueue {
    const known = borrowed.get(descriptor) ?? new ReaderQueue(path, descriptor);
    borrowed.set(descriptor, known);
    return known;
  }

  /** How many bytes the reader has yet to make room for. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Gives the reader more; `bytes` may change afterwards.
   *
   * @throws {SysError} EPIPE, EIO: also of what was given before
   */
  append(bytes: Uint8Array<ArrayBuffer>): void {
    this.push();
    const written = this.#bytes === 0 ? this.#write(bytes) : 0;
    if (written === bytes.length) return;
    this.#rest.push(bytes.slice(written));
    this.#bytes += bytes.length - written;
    behind.add(this);
  }

  /**
   * Gives what there is room for.
   *
   * @throws {SysError} as `append`
   */
  push(): void {
    if (this.#failure !== 0) throw new SysError(this.path, "write", this.#failure);
    while (this.#bytes > 0) {
      const [next] = this.#rest;
      const written = this.#write(next);
      this.#bytes -= written;
      if (written < next.length) {
        this.#rest[0] = next.subarray(written);
        return;
      }
      this.#rest.shift();
    }
    behind.delete(this);
    if (this.#isOver) this.#own?.close();
  }

  /** Gives the reader what it takes within so many milliseconds. */
  wait(timeout: number): void {
    const end = performance.now() + timeout;
    for (let left = timeout; left > 0 && this.#bytes > 0; left = end - performance.now()) {
      if (this.#writable.wait(Math.ceil(left)) !== 0) this.push();
    }
  }

  /** Nothing follows: the reader is told so once it has all of it. Not of a borrowed descriptor. */
  end(): void {
    this.#isOver = true;
    if (this.#bytes === 0) this.#own?.close();
  }

  /** @returns how many bytes were taken */
  #write(bytes: Uint8Array<ArrayBuffer>): number {
    let written = 0;
    while (written < bytes.length) {
      if (this.#most < Infinity && this.#writable.wait(0) === 0) break;
      const end = Math.min(bytes.length, written + this.#most);
      const moved = this.#file.tryWrite(new IoBuffer(bytes.subarray(written, end)));
      if (moved === -EAGAIN) break;
      if (moved < 0) {
        this.#rest.length = this.#bytes = 0;
        behind.delete(this);
        this.#failure = -moved;
        throw new SysError(this.path, "write", -moved);
      }
      written += moved;
    }
    return written;
  }
}

/** What is behind a descriptor, opened once more, as the flags of the first are others' as well. */
function reopened(path: string): File | undefined {
  try {
    return File.open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    // A socket, or a terminal of another user.
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

/** Those whose readers have yet to make room. */
export const readersBehind = (): readonly ReaderQueue[] => [...behind];
