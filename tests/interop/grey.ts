/**
 * Streams without chroma: pictures have it, without colour. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import { readStream } from "../../lib/codec/stream.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { VPIPE_DEC_OK } from "../../lib/uapi/vpipe_dec.ts";
import { expectEqual, type Suite } from "../harness/suite.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { FakeStateless } from "./fake_stateless.ts";
import { codecOf, decodeAll, reference, Scratch, units } from "./streams.ts";
import { sha256 } from "../harness/bytes.ts";

const FRAMES = 5;
const WIDTH = 98;
const HEIGHT = 66;
const AOM = ["-c:v", "libaom-av1", "-cpu-used", "8"];
const X265 = ["-c:v", "libx265", "-x265-params", "log-level=none"];

const RECIPES: Readonly<Record<string, readonly [depth: 8 | 10, encoder: readonly string[]]>> = {
  "av1-grey.ivf": [8, AOM],
  "av1-grey10.ivf": [10, AOM],
  "hevc-grey.hevc": [8, X265],
  "hevc-grey10.hevc": [10, X265],
};

/** Pictures of luma as ones of NV12 or P010. */
function withChroma(luma: Uint8Array, depth: number): Uint8Array {
  const size = WIDTH * HEIGHT * (depth > 8 ? 2 : 1);
  const samples = WIDTH / 2 * (HEIGHT / 2) * 2;
  const chroma = depth > 8
    ? new Uint8Array(new Uint16Array(samples).fill(0x8000).buffer)
    : new Uint8Array(samples).fill(0x80);
  const picture = size + chroma.length;
  const all = new Uint8Array(picture * luma.length / size);
  for (let number = 0; number < luma.length / size; number++) {
    all.set(luma.subarray(number * size, (number + 1) * size), number * picture);
    all.set(chroma, number * picture + size);
  }
  // The ten bits of P010 are the upper ones.
  if (depth > 8) {
    const words = new Uint16Array(all.buffer);
    for (const [at, word] of words.entries()) if (word < 1 << depth) words[at] = word << 16 - depth;
  }
  return all;
}

export async function checkGrey(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  for (const [name, [depth, encoder]] of Object.entries(RECIPES)) {
    await suite.check(`grey: ${name}`, () => {
      const codec = codecOf(name);
      const format = depth > 8 ? "gray10le" : "gray";
      const options = ["-frames:v", String(FRAMES), "-pix_fmt", format, ...encoder];
      const path = scratch.make(name, `${WIDTH}x${HEIGHT}`, ...options);
      const expected = sha256(withChroma(reference(path, format), depth));
      using kernel = new FakeKernel(ffmpeg, codec, 4);
      decodeAll(kernel, units(path));
      expectEqual("pictures", kernel.pictures.length, FRAMES);
      expectEqual("depth", kernel.formats[0].depth, depth);
      expectEqual("digest", kernel.digest, expected);
      if (codec !== "av1" || depth > 8) return `${FRAMES} pictures with chroma of no colour`;
      using stateless = new FakeStateless(ffmpeg, codec);
      const pictures: number[] = [];
      for (const { data, sequence } of readStream(Deno.readFileSync(path))) {
        if (pictures.length === 0) stateless.start(sequence.width, sequence.height);
        const { status, bytes } = stateless.decode(data);
        expectEqual("status", status, VPIPE_DEC_OK);
        pictures.push(...bytes);
      }
      expectEqual("stateless digest", sha256(Uint8Array.from(pictures)), expected);
      return `${FRAMES} pictures by each node, with chroma of no colour`;
    });
  }
}
