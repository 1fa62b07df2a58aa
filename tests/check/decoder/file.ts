/**
 * Streams through decode-file, and the digests that their pictures are compared with.
 *
 * @module
 */
import { sha256 } from "../../harness/bytes.ts";
import type { Context } from "../../harness/context.ts";
import type { Outcome, Running } from "../../harness/processes.ts";
import { expect, expectEqual } from "../../harness/suite.ts";

/** A line of fixtures/streams/digests.txt. */
export interface StreamDigest {
  readonly name: string;
  readonly frames: number;
  /** FFmpeg's name of the pixel format. */
  readonly pixels: keyof typeof FORMATS;
  /** SHA-256 of all frames, in hexadecimal. */
  readonly sha256: string;
}

/**
 * MPEG's and H.263's inverse transform is exact within bounds alone (IEEE 1180), and FFmpeg's is another
 * one on each architecture. The digests are of x86-64's.
 */
const isExact = ({ name }: StreamDigest) =>
  Deno.build.arch === "x86_64" || !/^(mpeg|h263)/.test(name);

/** Compares the digest of all pictures, where they are the same on each machine. */
export function expectSha256(what: string, found: string, digest: StreamDigest): void {
  if (isExact(digest)) expectEqual(what, found, digest.sha256);
}

/** What was seen of it. */
export const describeSha256 = (digest: StreamDigest): string =>
  isExact(digest)
    ? `SHA-256 ${digest.sha256.slice(0, 12)}... of all as in digests.txt`
    : `not compared with ${digest.sha256.slice(0, 12)}..., which is x86-64's`;

/** decode-file's name of a format of FFmpeg's. */
export const FORMATS = { nv12: "nv12", yuv420p: "yu12", p010le: "p010" } as const;

/** The digests of the committed streams, of all or of these, in this order. */
export function digestsOf({ fixtures }: Context, ...names: readonly string[]): StreamDigest[] {
  return digestsIn(`${fixtures}/streams`, ...names);
}

/** The same of another folder. */
export function digestsIn(folder: string, ...names: readonly string[]): StreamDigest[] {
  const lines = Deno.readTextFileSync(`${folder}/digests.txt`).trimEnd().split("\n");
  const all = lines.map((line): StreamDigest => {
    const [name, frames, pixels, sha256] = line.split(" ");
    expect(pixels === "nv12" || pixels === "p010le", `digests.txt: what is ${pixels}?`);
    return { name, frames: Number(frames), pixels, sha256 };
  });
  if (names.length === 0) return all;
  return names.map((wanted) => {
    const digest = all.find(({ name }) => name === wanted);
    expect(digest !== undefined, `digests.txt: there is no ${wanted}`);
    return digest;
  });
}

/** One run of decode-file into a scratch file. */
export class Decoding implements AsyncDisposable {
  static #count = 0;
  /** The raw file. */
  readonly output: string;
  readonly program: Running;

  constructor(context: Context, input: string, options: readonly (string | number)[] = []) {
    this.output = `${context.scratch}/decoded-${Decoding.#count++}.raw`;
    const args = [input, this.output, "--json", ...options];
    this.program = context.start("decode-file", ...args);
  }

  /** Bytes that were written so far. */
  get size(): number {
    try {
      return Deno.statSync(this.output).size;
    } catch {
      // Not made yet.
      return 0;
    }
  }

  /** What was written so far. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return Deno.readFileSync(this.output);
  }

  /** Waits for the end, however it ends. */
  end(seconds?: number): Promise<Outcome> {
    return this.program.end(seconds);
  }

  /** Waits for the end, which has to be a success, and returns what the tool says of it. */
  async report(): Promise<Record<string, unknown>> {
    const { status, stdout, stderr } = await this.end();
    expect(status === 0, `decode-file: status ${status}: ${stderr.trim()}`);
    return JSON.parse(stdout);
  }

  /** Waits for the end, compares all frames with those of a digest, and returns the report. */
  async expectFrames(expected: StreamDigest): Promise<Record<string, unknown>> {
    const report = await this.report();
    const { frames, format } = report;
    expectEqual(`frames in ${format}`, frames as number, expected.frames);
    expectSha256(`SHA-256 in ${format}`, sha256(this.bytes), expected);
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    try {
      Deno.removeSync(this.output);
    } catch {
      // It was refused before it began.
    }
  }
}

/** Decodes a stream and compares all its frames with those of a digest. */
export async function expectDecoded(
  context: Context,
  input: string,
  expected: StreamDigest,
  ...options: (string | number)[]
): Promise<void> {
  await using decoding = new Decoding(context, input, options);
  await decoding.expectFrames(expected);
}
