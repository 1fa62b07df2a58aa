/**
 * Streams for the checks of this folder: committed ones, and what the ffmpeg command makes on the
 * spot and decodes them to.
 *
 * @module
 */
import { readStream } from "../../lib/codec/stream.ts";
import type { CodecName } from "../../lib/codec/codecs.ts";
import { expect } from "../harness/suite.ts";
import type { FakeKernel, Picture } from "./fake_kernel.ts";
import { sha256 } from "../harness/bytes.ts";

/** The folder of the committed streams. */
export const STREAMS = new URL("../../fixtures/streams/", import.meta.url).pathname;

/** The codec of a file that is named after it. */
export const codecOf = (file: string) => file.replace(/.*\//, "").split(/[-.]/)[0] as CodecName;

/** Standard output of the ffmpeg command. */
export function ffmpeg(...args: string[]): Uint8Array<ArrayBuffer> {
  const { success, stdout, stderr } = new Deno.Command("ffmpeg", {
    args: ["-v", "error", "-nostdin", "-y", ...args],
  }).outputSync();
  expect(success, `ffmpeg ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** The coded frames of a file, as FFmpeg's demuxers part them. */
export function units(path: string): Uint8Array<ArrayBuffer>[] {
  if (/(vp9|av1|h264)-[^/]*$/.test(path)) {
    return [...readStream(Deno.readFileSync(path))].map(({ data }) => data);
  }
  const folder = Deno.makeTempDirSync();
  // Some containers keep the headers for themselves.
  const copy = ["-c", "copy", "-copyinkf", "-bsf:v", "dump_extra", "-f", "image2"];
  ffmpeg("-i", path, ...copy, `${folder}/%06d`);
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const frames = files.map((name) => Deno.readFileSync(`${folder}/${name}`));
  Deno.removeSync(folder, { recursive: true });
  return frames;
}

/** What the ffmpeg command decodes a file to. */
export const reference = (path: string, format: string, ...options: string[]) =>
  ffmpeg(
    ...["-threads", "1", ...options, "-i", path, "-fps_mode", "passthrough", "-noautoscale"],
    ...["-pix_fmt", format, "-f", "rawvideo", "-"],
  );

/** Streams of testsrc2, made by ffmpeg's encoders; the folder goes with this. */
export class Scratch implements Disposable {
  readonly folder = Deno.makeTempDirSync();

  /** @param options of the output, which come before its name */
  make(name: string, size: string, ...options: string[]): string {
    const path = `${this.folder}/${name}`;
    ffmpeg("-f", "lavfi", "-i", `testsrc2=size=${size}:rate=25`, ...options, path);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** Decodes a file's coded frames, and drains. */
export function decodeAll(kernel: FakeKernel, frames: readonly Uint8Array[]): void {
  for (const frame of frames) kernel.decode(frame);
  kernel.drain();
}

/** Fails unless both are there and show the same. */
export function expectSame(
  what: string,
  actual: Picture | undefined,
  expected: Picture | undefined,
): void {
  expect(actual !== undefined && expected !== undefined, `${what}: there is none`);
  expect(sha256(actual.bytes) === sha256(expected.bytes), `${what}: other samples`);
}
