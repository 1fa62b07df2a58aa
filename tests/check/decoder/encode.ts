/**
 * Streams of the checks' own, by the ffmpeg that is there.
 *
 * @module
 */
import { run } from "../../harness/processes.ts";
import { expectEqual, Skip } from "../../harness/suite.ts";

/**
 * Makes a stream of pictures that move.
 *
 * @param frames how many, of 64x48
 * @param options how to encode them
 * @throws {Skip} there is no ffmpeg, or none with this encoder
 */
export async function encode(file: string, frames: number, ...options: string[]): Promise<void> {
  const source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", String(frames)];
  let outcome;
  try {
    outcome = await run("ffmpeg", ["-v", "error", "-y", ...source, ...options, file]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Skip("there is no ffmpeg");
    throw error;
  }
  if (/Unknown encoder/.test(outcome.stderr)) throw new Skip(outcome.stderr.trim());
  expectEqual(`status of ffmpeg (${outcome.stderr.trim()})`, outcome.status, 0);
}
