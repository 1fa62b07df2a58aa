/**
 * Damage that FFmpeg conceals: the picture comes, as ffmpeg shows it, and is flagged, on both kinds of
 * stream. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import { nalUnits } from "../../lib/codec/annexb.ts";
import { readCodedFrames } from "../../lib/ffmpeg/coded_frames.ts";
import { Decoder } from "../../lib/ffmpeg/decoder.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { VPIPE_DEC_CORRUPT, VPIPE_DEC_OK } from "../../lib/uapi/vpipe_dec.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { codecOf, decodeAll, reference, Scratch, STREAMS, units } from "./streams.ts";
import { sha256 } from "../harness/bytes.ts";

const FRAMES = 24;
const SEI = 6;
const X264 = ["-c:v", "libx264", "-bf", "2"];

/**
 * Encoders of codecs whose damage FFmpeg finds; not what the others have: any bits are a picture to
 * the arithmetic decoders of VP8 and VP9, and FFmpeg's HEVC decoder tells nobody.
 */
const RECIPES: Readonly<Record<string, readonly string[]>> = {
  "h264-cabac.h264": X264,
  "h264-cavlc.h264": [...X264, "-coder", "0"],
  "h264-slices.h264": [...X264, "-x264-params", "slices=4"],
  "h264-interlaced.h264": [...X264, "-flags", "+ilme+ildct"],
  "mpeg1-made.m1v": ["-c:v", "mpeg1video", "-bf", "2"],
  "mpeg2-made.m2v": ["-c:v", "mpeg2video", "-bf", "2"],
  "mpeg4-made.m4v": ["-c:v", "mpeg4", "-bf", "2"],
  "h263-made.h263": ["-c:v", "h263"],
};

/** A copy with 12 bytes changed, no start code more or less. */
function damaged(frame: Uint8Array<ArrayBuffer>, seed: number): Uint8Array<ArrayBuffer> {
  const copy = frame.slice();
  const from = Math.floor(copy.length * 0.3);
  let state = seed;
  for (let left = 12; left > 0; left--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const at = from + state % (copy.length - from);
    copy[at] = (copy[at] ^ 0x54) > 3 ? copy[at] ^ 0x54 : 0x77;
  }
  return copy;
}

const cut = (frame: Uint8Array<ArrayBuffer>) => frame.slice(0, Math.max(8, frame.length >> 1));

/** An access unit whose SEI comes first. */
function seiFirst(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const all = [...nalUnits(frame)];
  const order = [
    ...all.filter(({ type }) => type === SEI),
    ...all.filter(({ type }) => type !== SEI),
  ];
  const bytes = order.flatMap(({ type, refIdc, payload }) => [
    ...[0, 0, 0, 1, refIdc << 5 | type],
    ...payload,
  ]);
  return Uint8Array.from(bytes);
}

export async function checkDamage(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  await suite.check("damage: a container that ends in its last frame", () => {
    const path = `${scratch.folder}/cut.ivf`;
    for (const name of ["vp9-320x240.ivf", "stateful/vp8-320x240.ivf"]) {
      const bytes = Deno.readFileSync(STREAMS + name);
      const whole = readCodedFrames(STREAMS + name);
      expect(whole.broken === undefined, `${name}: ${whole.broken?.message}`);
      Deno.writeFileSync(path, bytes.subarray(0, -20));
      const { broken, frames } = readCodedFrames(path);
      expectEqual("frames", frames.length, whole.frames.length);
      const last = frames.length - 1;
      expectEqual("says", broken?.message, `${path}: frame ${last} in decoding order is cut off`);
    }
    return "VP9 and VP8 in IVF: the frame is sent, and named";
  });

  await suite.check("damage: none in SEI in front of the parameter sets", () => {
    const hrd = "nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900:keyint=8:bframes=0";
    const x264 = ["-frames:v", "24", "-c:v", "libx264", "-b:v", "700k", "-x264-params", hrd];
    const path = scratch.make("h264-hrd.h264", "160x128", ...x264);
    const frames = units(path).map(seiFirst);
    using kernel = new FakeKernel(ffmpeg, "h264", 4);
    decodeAll(kernel, frames);
    expectEqual("digest", kernel.digest, sha256(reference(path, "nv12")));
    using decoder = new Decoder(ffmpeg, "h264", 1 << 20);
    for (const [number, frame] of frames.entries()) {
      decoder.take(Deno.UnsafePointer.of(frame)!, frame.length);
      expect(decoder.decode() !== undefined, `frame ${number} has no picture`);
      expect(!decoder.damaged, `frame ${number} is called damaged`);
    }
    return `${frames.length} frames by each node, a buffering period before each key frame`;
  });

  for (const [name, encoder] of Object.entries(RECIPES)) {
    const codec = codecOf(name);
    const size = codec === "h263" ? "352x288" : "320x240";
    const all = units(scratch.make(name, size, "-frames:v", String(FRAMES), ...encoder));
    await suite.check(`damage: stateful, ${name}`, () => {
      let told = 0;
      for (let trial = 1; trial <= 6; trial++) {
        const hit = 7 + trial;
        const frames = all.map((frame, at) => at === hit ? damaged(frame, trial) : frame);
        using kernel = new FakeKernel(ffmpeg, codec, 4);
        decodeAll(kernel, frames);
        const none = kernel.pictures.length < FRAMES;
        // What has no picture is told by its OUTPUT buffer.
        expect(!none || kernel.statuses[hit] !== VPIPE_DEC_OK, `trial ${trial}: lost unsaid`);
        expect(kernel.pictures.length >= FRAMES - 1, `${kernel.pictures.length} pictures`);
        const flagged = kernel.pictures.filter(({ status }) => status === VPIPE_DEC_CORRUPT);
        const wrong = flagged.filter(({ source }) => source < hit);
        expectEqual(`trial ${trial}: good pictures that are flagged`, wrong.length, 0);
        expect(flagged.every(({ bytes }) => bytes.some((byte) => byte > 0)), "an empty picture");
        if (none || flagged.some(({ source }) => source === hit)) told++;
      }
      // Now and then damage makes another stream that is whole.
      expect(told >= 4, `${told} of 6 are flagged`);
      return `${told} of 6 damaged frames flagged, with their pictures`;
    });
    await suite.check(`damage: stateful, ${name} cut in its last frame`, () => {
      using kernel = new FakeKernel(ffmpeg, codec, 4);
      decodeAll(kernel, all.map((frame, at) => at + 1 < all.length ? frame : cut(frame)));
      expectEqual("pictures", kernel.pictures.length, FRAMES);
      const flagged = kernel.pictures.filter(({ status }) => status !== VPIPE_DEC_OK);
      const numbers = flagged.map(({ source }) => source);
      expectEqual("flagged", numbers.join(), String(FRAMES - 1));
      return `${FRAMES} pictures, that of the last frame flagged`;
    });
    if (codec !== "h264") continue;
    await suite.check(`damage: stateless, ${name}`, () => {
      let told = 0;
      for (let trial = 1; trial <= 8; trial++) {
        const hit = 7 + (trial >> 1);
        using decoder = new Decoder(ffmpeg, codec, 1 << 20);
        for (const [at, frame] of all.slice(0, hit + 1).entries()) {
          const sent = at < hit ? frame : trial % 2 ? cut(frame) : damaged(frame, trial);
          decoder.take(Deno.UnsafePointer.of(sent)!, sent.length);
          expect(decoder.decode() !== undefined, `trial ${trial}: frame ${at} has no picture`);
          if (at === hit && decoder.damaged) told++;
          else expect(at === hit || !decoder.damaged, `trial ${trial}: frame ${at} is good`);
        }
      }
      expect(told >= 5, `${told} of 8 are told`);
      return `${told} of 8 frames told, all with a picture`;
    });
  }
}
