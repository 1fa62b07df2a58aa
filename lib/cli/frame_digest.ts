/**
 * A checksum of each frame, in a file: what can be compared without the frames.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { OutputFile } from "./files.ts";

// Lines that wait for a quiet moment, at most.
const BATCH = 1000;

/**
 * One line a frame: its place in display order from 0, and its CRC-32 in hexadecimal, which is the
 * one of gzip and of `ffmpeg -f framehash -hash crc32`.
 */
export class FrameDigest implements Disposable {
  readonly #file: OutputFile;
  #lines: string[] = [];

  /** @throws {SysError} naming the file */
  constructor(path: string) {
    this.#file = new OutputFile(path);
  }

  /** @param parts the frame's bytes, in order */
  add(place: number, parts: readonly Uint8Array[]): void {
    let value = 0;
    for (const part of parts) value = crc32(part, value);
    this.#lines.push(`${place} ${value.toString(16).padStart(8, "0")}\n`);
    if (this.#lines.length === BATCH) this.flush();
  }

  /** @throws {SysError} ENOSPC, EIO */
  flush(): void {
    const lines = this.#lines.join("");
    this.#lines = [];
    if (lines !== "") this.#file.append(lines);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
