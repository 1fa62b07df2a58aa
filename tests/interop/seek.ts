/**
 * Streams that go on from anywhere, behind a seek or at their beginning: no picture is shown that refers
 * to what the decoder never had, or it is flagged. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { VPIPE_DEC_OK } from "../../lib/uapi/vpipe_dec.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { codecOf, decodeAll, Scratch, units } from "./streams.ts";
import { sha256 } from "../harness/bytes.ts";

const FRAMES = 34;
/** Frames before the seek. */
const HEAD = 9;

const X264 = ["-c:v", "libx264", "-preset", "fast", "-g", "10", "-x264-params"];
const X265 = ["-c:v", "libx265", "-preset", "fast", "-x265-params"];
const GROUPS = "log-level=none:keyint=10:min-keyint=10:scenecut=0";
const MPEG = ["-bf", "2", "-g", "9"];

/** Encoders, and how many frames at most have no picture from any place up to the next group. */
const RECIPES: Readonly<Record<string, readonly [most: number, encoder: readonly string[]]>> = {
  "hevc-cra.hevc": [16, [...X265, GROUPS]],
  "hevc-radl.hevc": [12, [...X265, `${GROUPS}:open-gop=0:radl=2`]],
  "h264-open.h264": [14, [...X264, "open-gop=1:scenecut=0:bframes=3:b-pyramid=normal"]],
  // Decoding is right only when a whole wave of intra blocks has passed.
  "h264-refresh.h264": [20, [...X264, "intra-refresh=1:scenecut=0:bframes=0"]],
  "mpeg1-open.m1v": [11, ["-c:v", "mpeg1video", ...MPEG]],
  "mpeg2-open.m2v": [11, ["-c:v", "mpeg2video", ...MPEG]],
  "mpeg2-closed.m2v": [11, [
    ...["-c:v", "mpeg2video", "-flags", "+cgop", "-sc_threshold", "1000000000"],
    ...MPEG,
  ]],
  "mpeg4-open.m4v": [11, ["-c:v", "mpeg4", ...MPEG]],
  "h263-made.h263": [10, ["-c:v", "h263", "-g", "10"]],
  "vp8-made.ivf": [10, ["-c:v", "libvpx", "-deadline", "realtime", "-g", "10"]],
  "vp9-made.ivf": [10, ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-g", "10"]],
  "av1-made.ivf": [10, ["-c:v", "libsvtav1", "-preset", "12", "-g", "10"]],
};

export async function checkSeek(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  for (const [name, [most, encoder]] of Object.entries(RECIPES)) {
    await suite.check(`seek: ${name} from everywhere`, () => {
      const codec = codecOf(name);
      const size = codec === "h263" ? "176x144" : "160x128";
      const all = units(scratch.make(name, size, "-frames:v", String(FRAMES), ...encoder));
      using whole = new FakeKernel(ffmpeg, codec, 4);
      decodeAll(whole, all);
      const known = new Map(whole.pictures.map(({ source, bytes }) => [source, sha256(bytes)]));
      let shown = 0;
      let flagged = 0;
      for (let from = 1; from < FRAMES - 12; from += 4) {
        for (const head of [0, HEAD]) {
          using kernel = new FakeKernel(ffmpeg, codec, 4);
          for (const frame of all.slice(0, head)) kernel.decode(frame);
          kernel.pictures.length = 0;
          if (head > 0) kernel.start();
          decodeAll(kernel, all.slice(from));
          const where = `${head > 0 ? "sought" : "begun"} at ${from}`;
          for (const { source, status, bytes } of kernel.pictures) {
            const number = source - head + from;
            expect(
              status !== VPIPE_DEC_OK || sha256(bytes) === known.get(number),
              `${where}: wrong samples of frame ${number}`,
            );
            if (status === VPIPE_DEC_OK) shown++;
            else flagged++;
          }
          const expected = [...known.keys()].filter((number) => number >= from + most);
          const numbers = kernel.pictures.filter(({ status }) => status === VPIPE_DEC_OK)
            .map(({ source }) => source - head + from);
          const missing = expected.filter((number) => !numbers.includes(number));
          expectEqual(`${where}: missing`, missing.join(), "");
        }
      }
      return `${shown} pictures, all right, and ${flagged} flagged`;
    });
  }
}
