/**
 * Streams that FFmpeg's encoders make on the spot, against what FFmpeg's command decodes them to.
 *
 * @module
 */
import type { Context } from "../../harness/context.ts";
import { frameBytes, PICTURE_LAYOUTS } from "../../../lib/image/pixel_format.ts";
import { expectDecoded, FORMATS, type StreamDigest } from "./file.ts";
import { type Outcome, run, succeed } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { sha256 } from "../../harness/bytes.ts";

const QUIET = ["-hide_banner", "-v", "error", "-nostdin", "-y"];

// Fast ones: what is checked is the way of a stream, not an encoder.
const VP9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "999"];
const AV1 = ["-c:v", "libsvtav1", "-preset", "12", "-g", "999"];
const H264 = ["-c:v", "libx264", "-preset", "fast", "-g", "999", "-bf", "3"];
const H264_PYRAMID = [...H264, "-x264-params", "ref=4:b-pyramid=normal:scenecut=0"];

/** A stream that is made. */
interface Recipe {
  readonly name: string;
  readonly size: string;
  readonly frames: number;
  readonly pixels: StreamDigest["pixels"];
  readonly encoder: readonly string[];
  /** Of the file's name. */
  readonly suffix: "ivf" | "h264";
}

const RECIPES = [
  {
    name: "VP9, one key frame",
    ...{ size: "320x240", frames: 30, pixels: "nv12", encoder: VP9, suffix: "ivf" },
  },
  {
    name: "VP9, 1080p",
    ...{ size: "1920x1080", frames: 2, pixels: "nv12", encoder: VP9, suffix: "ivf" },
  },
  {
    name: "VP9, 1080p, yu12",
    ...{ size: "1920x1080", frames: 2, pixels: "yuv420p", encoder: VP9, suffix: "ivf" },
  },
  {
    name: "VP9, an odd size, nv12",
    ...{ size: "131x67", frames: 8, pixels: "nv12", encoder: VP9, suffix: "ivf" },
  },
  {
    name: "VP9, an odd size, yu12",
    ...{ size: "131x67", frames: 8, pixels: "yuv420p", encoder: VP9, suffix: "ivf" },
  },
  {
    name: "VP9, 10 bits, a size that fills no block",
    ...{ size: "322x182", frames: 8, pixels: "p010le", encoder: VP9, suffix: "ivf" },
  },
  {
    name: "AV1, hidden frames, a size that fills no block",
    ...{ size: "322x182", frames: 20, pixels: "nv12", encoder: AV1, suffix: "ivf" },
  },
  {
    name: "AV1, a size that fills no block, yu12",
    ...{ size: "322x182", frames: 8, pixels: "yuv420p", encoder: AV1, suffix: "ivf" },
  },
  {
    name: "AV1, 10 bits",
    ...{ size: "160x120", frames: 8, pixels: "p010le", encoder: AV1, suffix: "ivf" },
  },
  {
    name: "H.264, B-frames that others refer to, cropped",
    ...{ size: "322x182", frames: 20, pixels: "nv12", encoder: H264_PYRAMID, suffix: "h264" },
  },
  {
    name: "H.264, cropped, yu12",
    ...{ size: "322x182", frames: 8, pixels: "yuv420p", encoder: H264_PYRAMID, suffix: "h264" },
  },
  {
    name: "H.264, one frame",
    ...{ size: "64x48", frames: 1, pixels: "nv12", encoder: H264, suffix: "h264" },
  },
] as const satisfies Recipe[];

/** Runs ffmpeg; undefined where there is none. */
async function ffmpeg(args: readonly string[]): Promise<Outcome | undefined> {
  try {
    return await run("ffmpeg", [...QUIET, ...args]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Makes a stream; a check that cannot have its encoder is skipped. */
async function encode(recipe: Recipe, file: string): Promise<void> {
  const { size, frames, pixels, encoder } = recipe;
  const format = pixels === "p010le" ? "yuv420p10le" : "yuv420p";
  // It moves everywhere. Noise on it would be more to code, which an emulator takes minutes for.
  // Drawn with a sample of each colour a pixel it may be of an odd size.
  const source = `testsrc2=size=${size}:rate=25,format=gbrp,format=${format}`;
  const output = ["-frames:v", String(frames), ...encoder, file];
  const made = await ffmpeg(["-f", "lavfi", "-i", source, ...output]);
  if (made === undefined) throw new Skip("there is no ffmpeg");
  const lacks = made.stderr.match(/Unknown encoder '.*'/);
  if (lacks) throw new Skip(`ffmpeg: ${lacks[0]}`);
  expect(made.status === 0, `ffmpeg: status ${made.status}: ${made.stderr.trim()}`);
}

/** What ffmpeg decodes a stream to. */
async function decodeByFfmpeg(
  context: Context,
  file: string,
  name: string,
  frames: number,
  pixels: StreamDigest["pixels"],
): Promise<StreamDigest & { bytes: number }> {
  const raw = `${context.scratch}/ffmpeg.raw`;
  const as = ["-fps_mode", "passthrough", "-noautoscale", "-pix_fmt", pixels, "-f", "rawvideo"];
  await succeed("ffmpeg", [...QUIET, "-i", file, ...as, raw]);
  const bytes = Deno.readFileSync(raw);
  Deno.removeSync(raw);
  return { name, frames, pixels, sha256: sha256(bytes), bytes: bytes.length };
}

export async function decoderFfmpegChecks(suite: Suite, context: Context): Promise<void> {
  const files = new Map<string, string>();
  for (const recipe of RECIPES) {
    const { name, frames, pixels, suffix, size } = recipe;
    await suite.check(`decoder and ffmpeg: ${name}`, async () => {
      const file = `${context.scratch}/made-${files.size}.${suffix}`;
      await encode(recipe, file);
      const expected = await decodeByFfmpeg(context, file, name, frames, pixels);
      const [width, height] = size.split("x").map(Number);
      const bytesPerFrame = frameBytes(PICTURE_LAYOUTS[FORMATS[pixels]], width, height);
      expectEqual("bytes of ffmpeg's", expected.bytes, frames * bytesPerFrame);
      await expectDecoded(context, file, expected, "--format", FORMATS[pixels]);
      files.set(name, file);
      return `${frames} frames of ${size}: all ${expected.bytes} bytes as ffmpeg's`;
    });
  }

  await suite.check("decoder and ffmpeg: H.264, another size in the middle", async () => {
    const pyramid = files.get("H.264, B-frames that others refer to, cropped");
    const one = files.get("H.264, one frame");
    if (pyramid === undefined || one === undefined) throw new Skip("has no streams to join");
    const file = `${context.scratch}/joined.h264`;
    // A byte stream goes on with the next parameter sets.
    const parts = [one, pyramid, one].map((path) => Deno.readFileSync(path));
    Deno.writeFileSync(file, parts[0]);
    for (const part of parts.slice(1)) Deno.writeFileSync(file, part, { append: true });
    const expected = await decodeByFfmpeg(context, file, "joined", 22, "nv12");
    await expectDecoded(context, file, expected);
    return `1, 20 and 1 frames of 64x48, 322x182 and 64x48: all ${expected.bytes} bytes as ffmpeg's`;
  });
}
