/**
 * A checksum of each frame, in a file: what can be compared without the frames.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { GatherBuffer } from "../sys/gather.ts";
import { OutputFile } from "./output_file.ts";

// Lines that wait for a quiet moment, at most.
const BATCH = 1000;

/**
 * One line a frame: its place in display order from 0, and its CRC-32 in hexadecimal, which is the
 * one of gzip and of `ffmpeg -f framehash -hash crc32`. Behind that of a damaged one "damaged" follows.
 */
export class FrameDigest implements Disposable {
  readonly #file: OutputFile;
  #lines: string[] = [];

  /** @throws {SysError} naming the file */
  constructor(path: string) {
    this.#file = new OutputFile(path);
  }

  /**
   * @param place in display order
   * @param damaged what was damaged, and patched up
   */
  add(place: number, frame: GatherBuffer, damaged = false): void {
    // crc32() could go on from the part before, but once V8 has compiled a call of Deno 2.4.2's, it is
    // wrong where that part's value is 2^31 or more.
    const value = crc32(frame.gather());
    const hex = value.toString(16).padStart(8, "0");
    this.#lines.push(`${place} ${hex}${damaged ? " damaged" : ""}\n`);
    if (this.#lines.length === BATCH) this.flush();
  }

  /** @throws {SysError} ENOSPC, EIO */
  flush(): void {
    const lines = this.#lines.join("");
    this.#lines = [];
    if (lines !== "") this.#file.append(lines);
  }

  /** @throws {SysError} as `Output` */
  close(): void {
    this.flush();
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
