/**
 * Display order where the stream does not say how far pictures are reordered. Run it in a guest, by
 * `ffmpeg.ts`.
 *
 * @module
 */
import { nalUnits } from "../../lib/codec/annexb.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { v4l2_ctrl_h264_sps } from "../../lib/uapi/v4l2_controls_h264.ts";
import { readSps } from "../../lib/codec/h264/sps.ts";
import { spsUnit } from "../../lib/codec/h264/sps_writer.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { expectEqual, type Suite } from "../harness/suite.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { decodeAll, reference, Scratch, units } from "./streams.ts";
import { sha256 } from "../harness/bytes.ts";

const SPS = 7;
const START_CODE = Uint8Array.of(0, 0, 0, 1);
const FRAMES = 30;

/** A frame whose sequence parameter sets have lost their VUI; it must not be cropped. */
function withoutVui(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bits = new BitWriter();
  const units = [...nalUnits(frame)].map(({ type, refIdc, payload }) =>
    type === SPS
      ? spsUnit(bits, v4l2_ctrl_h264_sps.at(readSps(payload).control))
      : Uint8Array.of(...START_CODE, refIdc << 5 | type, ...payload)
  );
  return new Uint8Array(units.flatMap((unit) => [...unit]));
}

/** Encoders by what they do to the order. */
const RECIPES: Readonly<Record<string, readonly string[]>> = {
  "a B pyramid": ["-bf", "4", "-x264-params", "b-pyramid=normal:b-adapt=0"],
  "a B pyramid, level 4.1": ["-bf", "4", "-level", "4.1", "-x264-params", "b-pyramid=normal"],
  "B frames that nothing refers to": ["-bf", "2", "-x264-params", "b-pyramid=none:b-adapt=0"],
  "a B pyramid in open groups": ["-bf", "4", "-g", "12", "-x264-params", "open-gop=1:b-adapt=0"],
  "fields": ["-bf", "3", "-flags", "+ilme+ildct", "-x264-params", "b-adapt=0"],
};

export async function checkOrder(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  for (const [what, options] of Object.entries(RECIPES)) {
    await suite.check(`order: H.264 without VUI, ${what}`, () => {
      const frames = [
        "-frames:v",
        String(FRAMES),
        "-c:v",
        "libx264",
        "-preset",
        "fast",
        ...options,
      ];
      const path = scratch.make("h264-made.h264", "160x128", ...frames);
      using kernel = new FakeKernel(ffmpeg, "h264", 4);
      decodeAll(kernel, units(path).map(withoutVui));
      expectEqual("pictures", kernel.pictures.length, FRAMES);
      expectEqual("digest", kernel.digest, sha256(reference(path, "nv12")));
      return `${FRAMES} pictures, as ffmpeg has them of the stream with VUI`;
    });
  }

  await suite.check("order: H.264 without VUI that reorders nothing has no delay", () => {
    const frames = ["-frames:v", "12", "-c:v", "libx264", "-bf", "0"];
    const path = scratch.make("h264-made.h264", "160x128", ...frames);
    using kernel = new FakeKernel(ffmpeg, "h264", 4);
    for (const [number, frame] of units(path).map(withoutVui).entries()) {
      kernel.decode(frame);
      expectEqual(`pictures after frame ${number}`, kernel.pictures.length, number + 1);
    }
    return "12 pictures, each with its own frame";
  });
}
