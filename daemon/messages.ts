/**
 * Reading and writing the messages of vpipe-dec.h, whole, in memory that is used again and again.
 *
 * @module
 */
import { EAGAIN, SysError } from "../lib/sys/errno.ts";
import { type File, IoBuffer } from "../lib/sys/file.ts";
import type { Fields, StructType, View } from "../lib/sys/struct.ts";
import {
  vpipe_dec_header,
  VPIPE_DEC_MAX_MESSAGE,
  VPIPE_DEC_VERSION,
} from "../lib/vpipe/decoder_uapi.ts";

// Of struct vpipe_dec_header, in 32-bit words: no BigInt for what is only passed on.
const COOKIE = 4;

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
  answers({ words }: Incoming): void {
    this.#words[COOKIE] = words[COOKIE];
    this.#words[COOKIE + 1] = words[COOKIE + 1];
  }

  /** @returns 0 or the negated errno */
  tryWrite(): number {
    return Math.min(this.#file.tryWrite(this.#buffer), 0);
  }

  /** @throws {SysError} as write(2) */
  write(): void {
    const code = this.tryWrite();
    if (code < 0) throw new SysError(this.#file.path, "write", -code);
  }
}
