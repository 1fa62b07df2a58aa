/**
 * Drains in groups that are longer than what is kept of them: decoding goes on with all references, or
 * says that it does not. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { VPIPE_DEC_OK } from "../../lib/uapi/vpipe_dec.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { codecOf, decodeAll, expectSame, Scratch, units } from "./streams.ts";

const FRAMES = 680;
/** Frames of a group that are kept. */
const KEPT = 600;

const X264 = ["-c:v", "libx264", "-preset", "veryfast", "-x264-params"];
const ONE_GROUP = ["-bf", "2", "-g", "9999", "-sc_threshold", "1000000000"];

/** One group, or groups that are one to a decoder of H.264. */
const KEEPING: Readonly<Record<string, readonly string[]>> = {
  "h264-infinite.h264": [...X264, "keyint=infinite:scenecut=0:bframes=3:b-pyramid=normal"],
  "h264-open.h264": [...X264, "keyint=50:open-gop=1:bframes=3"],
};
const TELLING: Readonly<Record<string, readonly string[]>> = {
  "mpeg2-infinite.m2v": ["-c:v", "mpeg2video", ...ONE_GROUP],
  "mpeg4-infinite.m4v": ["-c:v", "mpeg4", ...ONE_GROUP],
};

export async function checkDrain(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  const make = (name: string, encoder: readonly string[]) =>
    units(scratch.make(name, "64x64", "-frames:v", String(FRAMES), ...encoder));
  const drained = (kernel: FakeKernel, all: readonly Uint8Array[], step: number) => {
    for (const [at, frame] of all.entries()) {
      kernel.decode(frame);
      if (at % step === step - 1) kernel.drain();
    }
    kernel.drain();
  };

  for (const [name, encoder] of Object.entries(KEEPING)) {
    await suite.check(`drain: ${name}, every 650 and every 25 frames`, () => {
      const all = make(name, encoder);
      const codec = codecOf(name);
      using whole = new FakeKernel(ffmpeg, codec, 4);
      decodeAll(whole, all);
      const bySource = new Map(whole.pictures.map((picture) => [picture.source, picture]));
      expectEqual("pictures", bySource.size, FRAMES);
      for (const step of [650, 25]) {
        using kernel = new FakeKernel(ffmpeg, codec, 4);
        drained(kernel, all, step);
        expectEqual(`every ${step}: pictures`, kernel.pictures.length, FRAMES);
        for (const picture of kernel.pictures) {
          expectEqual(`every ${step}: status`, picture.status, VPIPE_DEC_OK);
          expectSame(`every ${step}: ${picture.source}`, picture, bySource.get(picture.source));
        }
      }
      return `${FRAMES} pictures each time, as without a drain`;
    });
  }

  for (const [name, encoder] of Object.entries(TELLING)) {
    await suite.check(`drain: ${name}, after 650 frames`, () => {
      const all = make(name, encoder);
      const codec = codecOf(name);
      using kernel = new FakeKernel(ffmpeg, codec, 4);
      drained(kernel, all, 650);
      const told = kernel.statuses.flatMap((status, at) => status === VPIPE_DEC_OK ? [] : [at]);
      expectEqual("first frame that is told", told[0], 650);
      expectEqual("frames told", told.length, FRAMES - 650);
      const late = kernel.pictures.filter(({ source }) => source >= 650);
      expect(late.every(({ status }) => status !== VPIPE_DEC_OK), "a picture that is not flagged");
      // A random access point puts an end to it.
      kernel.statuses.length = kernel.pictures.length = 0;
      decodeAll(kernel, all.slice(0, 12));
      expectEqual("errors behind a key frame", kernel.statuses.filter((s) => s > 0).length, 0);
      const good = kernel.pictures.filter(({ status }) => status === VPIPE_DEC_OK);
      expectEqual("pictures behind a key frame", good.length, 12);
      return `of ${FRAMES} frames, ${KEPT} of which would be kept, ${told.length} are told`;
    });
  }
}
