/**
 * lib/ffmpeg against this machine's FFmpeg, without a device: where packing writes, what of damage
 * is told, that memory stays as it is, video files to V4L2's formats, and the daemon's service of
 * stateful streams. Run it in a guest: it needs FFmpeg's libraries.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { packBuiltIn, trials } from "../../daemon/pixel_functions/compare.ts";
import { hevcAccess } from "../../lib/codec/random_access.ts";
import { readStream } from "../../lib/codec/stream.ts";
import { AV_LOG_QUIET, AVFRAME } from "../../lib/ffmpeg/abi/avutil.ts";
import type { CodecName } from "../../lib/codec/codecs.ts";
import { Decoder } from "../../lib/ffmpeg/decoder.ts";
import { Frame } from "../../lib/ffmpeg/frame.ts";
import { loadFfmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { type Layout, LAYOUTS, lineBytes, Packer, planes } from "../../lib/ffmpeg/packer.ts";
import { cString } from "../../lib/sys/libc.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import { packReference } from "../harness/packing_reference.ts";
import { expect, expectEqual, Suite } from "../harness/suite.ts";
import { checkAv1Frames } from "./av1.ts";
import { checkDamage } from "./damage.ts";
import { checkDrain } from "./drain.ts";
import { checkFields } from "./fields.ts";
import { checkGrey } from "./grey.ts";
import { checkOrder } from "./order.ts";
import { checkRebuild } from "./rebuild.ts";
import { checkResize } from "./resize.ts";
import { checkRefresh } from "./refresh.ts";
import { checkSeek } from "./seek.ts";
import { checkStateful } from "./stateful.ts";
import { checkVideoFile } from "./video_file.ts";

const STREAMS = new URL("../../fixtures/streams/", import.meta.url).pathname;
const MAX_PIXELS = 1 << 20;
const GUARD = 0xa5;
const GUARD_BYTES = 128;

const ffmpeg = loadFfmpeg();
ffmpeg.avutil.av_log_set_level(AV_LOG_QUIET);
using coded = Mapping.anonymous(1 << 20);
const source = Deno.UnsafePointer.of(coded.bytes)!;

const units = (file: string): Uint8Array[] =>
  [...readStream(Deno.readFileSync(STREAMS + file))].map(({ data }) => data);

/** Decodes one frame; whether there was a picture. */
function decode(decoder: Decoder, unit: Uint8Array): boolean {
  coded.bytes.set(unit);
  decoder.take(source, unit.length);
  return decoder.decode() !== undefined;
}

/** An empty picture with memory of its own. */
function picture(format: string, width: number, height: number): Frame {
  const frame = new Frame(ffmpeg);
  const words = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(frame.pointer, AVFRAME.size));
  words[AVFRAME.width >> 2] = width;
  words[AVFRAME.height >> 2] = height;
  words[AVFRAME.format >> 2] = ffmpeg.avutil.av_get_pix_fmt(cString(format));
  expectEqual("av_frame_get_buffer", ffmpeg.avutil.av_frame_get_buffer(frame.pointer, 0), 0);
  return frame;
}

/** Packs into memory between guards; how many bytes of these were written. */
function overrun(layout: Layout, width: number, height: number, spare: number): number {
  const { bytesPerSample, sources, planes: parts } = LAYOUTS[layout];
  const strides = lineBytes(layout, width).map((row) => row + spare * bytesPerSample);
  // In turns, chroma has lines at least as long as luma's.
  if (parts.length === 2) strides[0] = strides[1];
  const sizes = parts.map(({ down }, i) => strides[i] * Math.ceil(height / down));
  const size = sizes.reduce((sum, bytes) => sum + bytes);
  using frame = picture(sources[0], width, height);
  using packer = new Packer(ffmpeg, layout, width, height, strides);
  using memory = Mapping.anonymous(size + 2 * GUARD_BYTES);
  memory.bytes.fill(GUARD);
  let at = memory.address + GUARD_BYTES;
  const to = planes(...sizes.map((bytes) => (at += bytes) - bytes));
  expect(packer.pack(frame, to), `${width}x${height} not packed`);
  const guards = [
    ...memory.bytes.subarray(0, GUARD_BYTES),
    ...memory.bytes.subarray(GUARD_BYTES + size),
  ];
  return guards.filter((byte) => byte !== GUARD).length;
}

/** Checksum of the picture of a frame, and whether it is called damaged, or there is none. */
function sampled(decoder: Decoder, unit: Uint8Array): { crc: number; damaged: boolean } {
  coded.bytes.set(unit);
  decoder.take(source, unit.length);
  const picture = decoder.decode();
  if (picture === undefined) return { crc: -1, damaged: true };
  const { width, height } = picture;
  using packer = new Packer(ffmpeg, "nv12", width, height, [width, width]);
  using memory = Mapping.anonymous(2 * width * height);
  packer.pack(picture, planes(memory.address, memory.address + width * height));
  return { crc: crc32(Buffer.from(memory.bytes)), damaged: decoder.damaged };
}

const residentKb = () =>
  Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]);

const suite = new Suite();

await suite.check("ffmpeg: packing stays inside", () => {
  let geometries = 0;
  for (const layout of Object.keys(LAYOUTS) as Layout[]) {
    for (let width = 1; width <= 70; width++) {
      for (const height of [1, 2, 3, 16]) {
        for (const spare of [0, 1, 14, 33]) {
          const written = overrun(layout, width, height, spare);
          expectEqual(`${layout} ${width}x${height}+${spare}: bytes outside`, written, 0);
          geometries++;
        }
      }
    }
  }
  return `${geometries} sizes and strides, no byte outside the planes`;
});

await suite.check("ffmpeg: packing, sample by sample", () => {
  let count = 0;
  for (const trial of trials()) {
    const { layout, width, height, strides, to } = trial;
    packReference(trial);
    const wanted = to.samples;
    to.clear();
    packBuiltIn(ffmpeg, trial);
    const got = to.samples;
    const differing = got.filter((byte, at) => byte !== wanted[at]).length;
    const what = `${layout} of ${width}x${height}, ${strides[0]} a line`;
    expectEqual(`${what}: wrong bytes`, differing, 0);
    // What FFmpeg pads lines with, which may be left of another client's picture, is nothing for this one.
    expect(to.holds(wanted), `${what}: something between the lines`);
    count++;
  }
  return `${count} pictures, odd and even`;
});

await suite.check("ffmpeg: CRC-32 of pictures, one after the other", () => {
  let count = 0;
  for (const trial of trials()) {
    const { layout, width, height, strides, to } = trial;
    packReference(trial);
    using packer = new Packer(ffmpeg, layout, width, height, strides);
    const crc = packer.crc32(packer.crc32(0, to.planes), to.planes);
    const wanted = crc32(Buffer.concat([to.samples, to.samples]));
    expectEqual(`${layout} of ${width}x${height}, ${strides[0]} a line: CRC-32`, crc, wanted);
    count++;
  }
  return `${count} pictures, each twice`;
});

await suite.check("ffmpeg: no good frame is called damaged", () => {
  let frames = 0;
  for (const { name } of Deno.readDirSync(STREAMS)) {
    const codec = /^(vp9|av1|h264)-.*\.(ivf|obu|h264)$/.exec(name)?.[1] as CodecName | undefined;
    if (codec === undefined) continue;
    using decoder = new Decoder(ffmpeg, codec, MAX_PIXELS);
    for (const unit of units(name)) {
      expect(decode(decoder, unit), `${name}: a frame without picture`);
      expect(!decoder.damaged, `${name}: a good frame is called damaged`);
      frames++;
    }
  }
  expect(frames > 0, "there are no streams");
  return `${frames} frames, all with a picture`;
});

await suite.check("ffmpeg: H.264 that was cut off is called damaged", () => {
  const frames = units("h264-320x240.h264");
  let told = 0;
  for (const [cut, whole] of frames.entries()) {
    using decoder = new Decoder(ffmpeg, "h264", MAX_PIXELS);
    for (const unit of frames.slice(0, cut)) decode(decoder, unit);
    decode(decoder, whole.subarray(0, whole.length >> 1));
    if (decoder.damaged) told++;
  }
  // Arithmetic decoding can make a whole picture of half a small frame and the zeroes behind it.
  expect(told >= 0.8 * frames.length, `${told} of ${frames.length} frames, cut in half, are told`);
  return `${told} of ${frames.length} frames, cut in half`;
});

await suite.check("ffmpeg: HEVC that lacks a reference is called damaged", () => {
  const frames = units("stateful/hevc-slices.hevc");
  const access = frames.map(hevcAccess);
  using whole = new Decoder(ffmpeg, "hevc", MAX_PIXELS);
  const right = frames.map((unit) => sampled(whole, unit));
  expect(right.every(({ damaged }) => !damaged), "a good picture is called damaged");
  const count = { wrong: 0, told: 0 };
  for (let lost = 1; lost < frames.length; lost++) {
    using decoder = new Decoder(ffmpeg, "hevc", MAX_PIXELS);
    let alone = -1;
    for (const [number, unit] of frames.entries()) {
      if (number === lost) continue;
      const { crc, damaged } = sampled(decoder, unit);
      const wrong = crc !== right[number].crc;
      expect(damaged || !wrong, `${number} without ${lost} is wrong, and nobody says so`);
      // What is made up for a leading picture some releases keep for those behind it.
      if (access[number] === "open" && number > lost) alone = number;
      else if (access[number] === "leading" && damaged) alone = -1;
      const safe = number < lost || alone >= 0 && access[number] !== "leading";
      expect(!damaged || !safe, `${number} without ${lost} is right, and called damaged`);
      if (wrong) count.wrong++;
      if (damaged) count.told++;
    }
  }
  expect(count.wrong > frames.length, "most pictures refer to others");
  return `${count.wrong} wrong pictures without one of the others, ${count.told} are called so`;
});

for (const codec of ["vp9", "av1", "h264", "hevc"] as const) {
  await suite.check(`ffmpeg: memory after 4,000 frames of ${codec}`, () => {
    const stream = { vp9: "vp9-320x240.ivf", av1: "av1-320x240.ivf", h264: "h264-320x240.h264" };
    const frames = units({ ...stream, hevc: "stateful/hevc-320x240.hevc" }[codec]);
    using decoder = new Decoder(ffmpeg, codec, MAX_PIXELS);
    const run = (count: number) => {
      for (let done = 0; done < count; done += frames.length) {
        decoder.flush();
        for (const unit of frames) decode(decoder, unit);
      }
    };
    run(4_000);
    const before = residentKb();
    run(4_000);
    const grown = residentKb() - before;
    expect(grown < 2048, `${grown} kB more after 4,000 frames than before`);
    return `${grown} kB more after another 4,000`;
  });
}

await checkVideoFile(suite, ffmpeg);
await checkStateful(suite, ffmpeg);
await checkDamage(suite, ffmpeg);
await checkOrder(suite, ffmpeg);
await checkGrey(suite, ffmpeg);
await checkResize(suite, ffmpeg);
await checkSeek(suite, ffmpeg);
await checkRefresh(suite, ffmpeg);
await checkDrain(suite, ffmpeg);
await checkRebuild(suite, ffmpeg);
await checkFields(suite, ffmpeg);
await checkAv1Frames(suite, ffmpeg);

console.log(suite.closing);
Deno.exit(suite.counts.failed === 0 ? 0 : 1);
