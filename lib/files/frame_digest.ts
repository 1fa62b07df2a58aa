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
  #copy = new Uint8Array(0);

  /** @throws {SysError} naming the file */
  constructor(path: string) {
    this.#file = new OutputFile(path);
    this.#file.begin();
  }

  /**
   * @param place in display order
   * @param damaged what was damaged, and patched up
   */
  add(place: number, frame: GatherBuffer, damaged = false): void {
    const value = crc32(frame.parts.length === 1 ? frame.parts[0] : this.#gather(frame));
    const hex = value.toString(16).padStart(8, "0");
    this.#lines.push(`${place} ${hex}${damaged ? " damaged" : ""}\n`);
    if (this.#lines.length === BATCH) this.flush();
  }

  // crc32() could go on from the part before, but once V8 has compiled a call of Deno 2.4.2's, it is
  // wrong where that part's value is 2^31 or more.
  #gather({ parts, size }: GatherBuffer): Uint8Array {
    if (this.#copy.length !== size) this.#copy = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      this.#copy.set(part, at);
      at += part.length;
    }
    return this.#copy;
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
