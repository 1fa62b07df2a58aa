/**
 * A pipe, by which one thread wakes another from its poll(2).
 *
 * @module
 */
import { EAGAIN, errno, SysError } from "./errno.ts";
import { File, IoBuffer, O_CLOEXEC, O_NONBLOCK } from "./file.ts";

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
});

const BYTE = new IoBuffer(new Uint8Array(1));
const DRAIN = new IoBuffer(new Uint8Array(64));

/** Both ends of a pipe. */
export class Pipe implements Disposable {
  /** Readable when the other end was written to, hung up when it was closed. */
  readonly reader: File;
  readonly writer: File;

  /** @throws {SysError} EMFILE, ENFILE */
  constructor() {
    const ends = new Int32Array(2);
    if (libc.pipe2(new Uint8Array(ends.buffer), O_CLOEXEC | O_NONBLOCK) < 0) {
      throw new SysError("pipe", "pipe2", errno[0]);
    }
    this.reader = new File("pipe", ends[0]);
    this.writer = new File("pipe", ends[1]);
  }

  /** Forgets what was written. */
  drain(): void {
    while (this.reader.tryRead(DRAIN) > 0);
  }

  [Symbol.dispose](): void {
    this.reader.close();
    this.writer.close();
  }
}

/** Writes a byte to a pipe, to wake its reader; a full one has woken it. */
export function wake(writer: File): void {
  const wrote = writer.tryWrite(BYTE);
  if (wrote < 0 && wrote !== -EAGAIN) throw new SysError(writer.path, "write", -wrote);
}
