/**
 * Reading and writing the messages of vpipe-dec.h, whole, in memory that is used again and again.
 *
 * @module
 */
import { constants } from "node:os";
import { EAGAIN, SysError } from "../../lib/sys/errno.ts";
import { type File, IoBuffer } from "../../lib/sys/file.ts";
import type { Fields, StructType, View } from "../../lib/uapi/struct.ts";
import {
  vpipe_dec_header,
  VPIPE_DEC_MAX_MESSAGE,
  VPIPE_DEC_VERSION,
} from "../../lib/uapi/vpipe_dec.ts";

// By its halves: no BigInt for what is only passed on.
const COOKIE_AT = vpipe_dec_header.fields.cookie.offset;

export const { EPIPE, ESTALE } = constants.errno;

/** The kernel did not keep to vpipe-dec.h. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}

/** The messages that one file gives. */
export class Incoming {
  readonly #file: File;
  readonly #buffer = new IoBuffer(new Uint8Array(VPIPE_DEC_MAX_MESSAGE));
  readonly header = vpipe_dec_header.at(this.#buffer.bytes);
  readonly words = new Uint32Array(this.#buffer.bytes.buffer);

  constructor(file: File) {
    this.#file = file;
  }

  /** The lower half of the message's cookie. */
  get cookieLow(): number {
    return this.words[COOKIE_AT >> 2];
  }
  /** The upper half of it. */
  get cookieHigh(): number {
    return this.words[(COOKIE_AT >> 2) + 1];
  }

  /** A view of the message as a struct; it stays valid, `read` puts the next message there. */
  as<F extends Fields>(type: StructType<F>): View<F> {
    return type.at(this.#buffer.bytes);
  }

  /**
   * Reads a message.
   *
   * @returns its type; 0 where there is none now, -1 where the file is over
   * @throws {ProtocolError} it is not one
   * @throws {SysError} as read(2)
   */
  read(): number {
    const size = this.#file.tryRead(this.#buffer);
    if (size === 0) return -1;
    if (size === -EAGAIN) return 0;
    if (size < 0) throw new SysError(this.#file.path, "read", -size);
    const { header } = this;
    if (size < vpipe_dec_header.size || header.size !== size) {
      throw new ProtocolError(`${this.#file.path}: a message of ${size} bytes says ${header.size}`);
    }
    if (header.version !== VPIPE_DEC_VERSION) {
      const versions = `${header.version}, this daemon ${VPIPE_DEC_VERSION}`;
      throw new ProtocolError(`${this.#file.path}: the kernel speaks version ${versions}`);
    }
    return header.type;
  }

  /** @throws {ProtocolError} the message is shorter than `type` */
  require({ c, size }: StructType<Fields>): void {
    const got = this.header.size;
    if (got < size) throw new ProtocolError(`${this.#file.path}: ${c} of ${got} bytes`);
  }
}

/** One kind of message to one file. */
export class Outgoing<F extends Fields> {
  readonly #file: File;
  readonly #buffer: IoBuffer;
  readonly #words: Uint32Array;
  readonly view: View<F>;

  /** @param type VPIPE_DEC_MSG_* */
  constructor(file: File, type: number, struct: StructType<F>, stream = 0) {
    this.#file = file;
    const bytes = new Uint8Array(struct.size);
    this.#buffer = new IoBuffer(bytes);
    this.#words = new Uint32Array(bytes.buffer);
    const { size } = struct;
    Object.assign(vpipe_dec_header.at(bytes), { version: VPIPE_DEC_VERSION, type, size, stream });
    this.view = struct.at(bytes);
  }

  /** Makes this the answer to a message. */
  answers({ cookieLow, cookieHigh }: Incoming): void {
    this.setCookie(cookieLow, cookieHigh);
  }

  /** Makes this the answer to the message with a cookie of these halves. */
  setCookie(low: number, high: number): void {
    this.setWords(COOKIE_AT, low, high);
  }

  /** Sets a 64-bit field at `offset` by its halves. */
  setWords(offset: number, low: number, high: number): void {
    this.#words[offset >> 2] = low;
    this.#words[(offset >> 2) + 1] = high;
  }

  /** @returns 0 or the negated errno */
  tryWrite(): number {
    return Math.min(this.#file.tryWrite(this.#buffer), 0);
  }

  /**
   * Writes what the kernel may not want any more.
   *
   * @returns 0; ESTALE: what it is about was taken back, or EPIPE: the stream is over
   * @throws {SysError} as write(2), for any other reason
   */
  offer(): number {
    const code = -this.tryWrite();
    if (code === 0 || code === ESTALE || code === EPIPE) return code;
    throw new SysError(this.#file.path, "write", code);
  }

  /** @throws {SysError} as write(2) */
  write(): void {
    const code = this.tryWrite();
    if (code < 0) throw new SysError(this.#file.path, "write", -code);
  }
}
