/**
 * The memory of a stream's pictures: the kernel has the account of all streams.
 *
 * @module
 */
import { EBUSY, EDQUOT } from "../../lib/sys/errno.ts";
import type { File } from "../../lib/sys/file.ts";
import { tryIoctl } from "../../lib/sys/ioctl.ts";
import { VPIPE_DEC_IOC_MEMORY, vpipe_dec_memory } from "../../lib/uapi/vpipe_dec.ts";
import type { Log } from "./log.ts";

const MIB = 1 << 20;

/** Asks for one stream. */
export class StreamMemory {
  readonly #log: Log;
  readonly #stream: number;
  readonly #file: File;
  readonly #request = vpipe_dec_memory.alloc();
  #complained = false;

  /** @param file of the stream with number `stream` */
  constructor(log: Log, stream: number, file: File) {
    this.#log = log;
    this.#stream = stream;
    this.#file = file;
  }

  /** Makes the next complaint heard again: there was a START. */
  begin(): void {
    this.#complained = false;
  }

  /** As `Allow`. Once a START it is logged that there is not so much. */
  readonly allow = (bytes: number): boolean => {
    const request = this.#request;
    request.wanted = Math.ceil(bytes);
    const code = -tryIoctl(this.#file.fd, VPIPE_DEC_IOC_MEMORY.request, request.bytes);
    // Of a stream that is over, nothing counts any more.
    if (code !== EBUSY && code !== EDQUOT) return true;
    if (!this.#complained) {
      this.#complained = true;
      this.#complain(bytes, code);
    }
    return false;
  };

  #complain(bytes: number, code: number): void {
    try {
      this.#log.warning("no-memory", {
        stream: this.#stream,
        wanted_mib: Math.ceil(bytes / MIB),
        left_mib: Math.floor(this.#request.available / MIB),
        of: code === EBUSY ? "all" : "its user",
      });
    } catch {
      // FFmpeg asks in a callback: behind an exception it would go on with a picture that has no memory,
      // and end the process. A log that cannot be written is told of by the next line elsewhere.
    }
  }
}
