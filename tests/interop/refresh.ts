/**
 * HEVC without random access points, begun where an encoder says that pictures will be whole by and by:
 * they have the error flag until then, and not a frame longer. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { joined } from "../harness/bytes.ts";
import { HevcClient } from "../harness/hevc_client.ts";
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import { rebuilder } from "../../daemon/rebuild/choose.ts";
import { unitsOf, writeUnit } from "../../lib/codec/annexb.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { type AccessUnit, readStream } from "../../lib/codec/stream.ts";
import { Decoder } from "../../lib/ffmpeg/decoder.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { Packer, planes } from "../../lib/ffmpeg/packer.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import { VPIPE_DEC_OK } from "../../lib/uapi/vpipe_dec.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { decodeAll, Scratch } from "./streams.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const FRAMES = 40;
/** Frames between two that are intra pictures, and no random access points but the first. */
const GROUP = 10;
const MAX_PIXELS = 1 << 20;

/** By name, B pictures between others, and how many pictures before an intra one its message comes. */
const RECIPES: Readonly<Record<string, readonly [bframes: number, ahead: number]>> = {
  "refresh.hevc": [0, 3],
  "refresh-b.hevc": [2, 0],
};

const encoder = (bframes: number) => [
  ...["-frames:v", String(FRAMES), "-force_key_frames", `expr:gte(n,n_forced*${GROUP})`],
  ...["-c:v", "libx265", "-preset", "fast", "-x265-params"],
  `log-level=none:info=0:keyint=-1:min-keyint=100:open-gop=0:scenecut=0:ref=1:bframes=${bframes}:b-adapt=0:b-pyramid=0`,
];

/** An SEI unit: a recovery point. */
function recoveryPoint(pocs: number): Bytes {
  const bits = new BitWriter();
  bits.signedExponential(pocs);
  // exact_match_flag, broken_link_flag, and what fills the byte up
  bits.bits(0b10, 2);
  bits.bits(1, 1);
  bits.align();
  return writeUnit([39 << 1, 1], Uint8Array.of(6, bits.bytes.length, ...bits.bytes, 0x80));
}

/** Parameter sets at the beginning of a stream. */
function setsOf(first: Bytes): Bytes {
  const sets = [...unitsOf(first)].filter(({ bytes: [head] }) =>
    head >> 1 >= 32 && head >> 1 <= 34
  );
  return joined(...sets.flatMap(({ bytes }) => [Uint8Array.of(0, 0, 0, 1), bytes]));
}

/** Messages before all intra pictures but the first, and parameter sets there. */
function marked(units: readonly AccessUnit[], ahead: number): Bytes[] {
  const sets = setsOf(units[0].data);
  return units.map(({ data, displayIndex }) => {
    const begins = displayIndex > 0 && (displayIndex + ahead) % GROUP === 0;
    return begins ? joined(sets, recoveryPoint(ahead), data) : data;
  });
}

/** In decoding order, where an intra picture is whose message is at a frame. */
const whole = (units: readonly AccessUnit[], from: number, ahead: number) =>
  units[from].displayIndex + ahead;

function checkStateful(ffmpeg: Ffmpeg, units: readonly AccessUnit[], ahead: number): string {
  const frames = marked(units, ahead);
  using all = new FakeKernel(ffmpeg, "hevc", 4);
  decodeAll(all, frames);
  const known = new Map(all.pictures.map(({ source, bytes }) => [source, crc32(bytes)]));
  expectEqual("pictures", known.size, FRAMES);
  let flagged = 0;
  for (const [from, frame] of frames.entries()) {
    if (frame === units[from].data) continue;
    for (const head of [0, 5]) {
      using kernel = new FakeKernel(ffmpeg, "hevc", 4);
      for (const frame of frames.slice(0, head)) kernel.decode(frame);
      kernel.pictures.length = 0;
      if (head > 0) kernel.start();
      decodeAll(kernel, frames.slice(from));
      const place = `${head > 0 ? "sought" : "begun"} at ${from}`;
      const good = kernel.pictures.filter(({ status }) => status === VPIPE_DEC_OK);
      for (const { source, bytes } of good) {
        const number = source - head + from;
        expectEqual(`${place}: frame ${number}`, crc32(bytes), known.get(number));
      }
      const expected = units.slice(from).filter(({ displayIndex }) =>
        displayIndex >= whole(units, from, ahead)
      );
      expectEqual(`${place}: good pictures`, good.length, expected.length);
      flagged += kernel.pictures.length - good.length;
    }
  }
  return `${flagged} flagged`;
}

function checkStateless(ffmpeg: Ffmpeg, units: readonly AccessUnit[], ahead: number): string {
  const frames = marked(units, ahead);
  const { width, height } = units[0].sequence;
  using packer = new Packer(ffmpeg, "nv12", width, height, [width, width]);
  using memory = Mapping.anonymous(2 * width * height);
  const decode = (frames: readonly Bytes[]) => {
    using decoder = new Decoder(ffmpeg, "hevc", MAX_PIXELS);
    return frames.map((frame) => {
      decoder.take(Deno.UnsafePointer.of(frame)!, frame.length);
      const picture = decoder.decode();
      expect(picture !== undefined, "no picture");
      packer.pack(picture, planes(memory.address, memory.address + width * height));
      return { crc: crc32(memory.bytes), damaged: decoder.damaged };
    });
  };
  const known = decode(frames);
  let flagged = 0;
  for (const [from, frame] of frames.entries()) {
    if (frame === units[from].data) continue;
    for (const [i, { crc, damaged }] of decode(frames.slice(from)).entries()) {
      const expected = units[from + i].displayIndex < whole(units, from, ahead);
      expectEqual(`begun at ${from}: flag of frame ${from + i}`, damaged, expected);
      if (!damaged) expectEqual(`begun at ${from}: frame ${from + i}`, crc, known[from + i].crc);
      else flagged++;
    }
  }
  return `${flagged} flagged`;
}

/** A frame is lost behind the first message: pictures are doubtful up to what the next one says. */
function checkLoss(ffmpeg: Ffmpeg, units: readonly AccessUnit[], ahead: number): string {
  const frames = marked(units, ahead);
  using all = new FakeKernel(ffmpeg, "hevc", 4);
  decodeAll(all, frames);
  const known = new Map(all.pictures.map(({ source, bytes }) => [source, crc32(bytes)]));
  const points = frames.flatMap((frame, at) => frame === units[at].data ? [] : [at]);
  let flagged = 0;
  for (let lost = points[0] + 1; lost < points[1]; lost++) {
    using kernel = new FakeKernel(ffmpeg, "hevc", 4);
    const numbers = frames.map((_, at) => at).filter((at) => at >= points[0] && at !== lost);
    decodeAll(kernel, numbers.map((at) => frames[at]));
    for (const { source, status, bytes } of kernel.pictures) {
      const same = crc32(bytes) === known.get(numbers[source]);
      expect(same || status !== VPIPE_DEC_OK, `${numbers[source]} without ${lost} is not flagged`);
      if (status !== VPIPE_DEC_OK) flagged++;
    }
    const good = kernel.pictures.filter(({ source, status }) =>
      numbers[source] >= points[1] && status === VPIPE_DEC_OK
    );
    const expected = units.slice(points[1]).filter(({ displayIndex }) =>
      displayIndex >= whole(units, points[1], ahead)
    );
    expect(good.length >= expected.length, `without ${lost}: ${good.length} are good behind it`);
  }
  return `${flagged} flagged`;
}

/** A client describes frames by controls, with all that came before the beginning in its lists. */
function checkDescribed(ffmpeg: Ffmpeg, units: readonly AccessUnit[]): string {
  const client = new HevcClient(true);
  const frames = units.map(({ data }, number) => {
    const timestamp = (number + 1) * 1e9;
    const { slices, controls } = client.parts(data, timestamp);
    return { bytes: joined(...slices), controls: client.frameControls(controls, timestamp) };
  });
  const { width, height } = units[0].sequence;
  let pictures = 0;
  for (const from of frames.keys().filter((from) => from % 7 === 6)) {
    using decoder = new Decoder(ffmpeg, "hevc", MAX_PIXELS);
    const rebuilt = rebuilder("hevc");
    const packet = new Assembly();
    for (const [i, { bytes, controls }] of frames.slice(from).entries()) {
      packet.clear();
      rebuilt.add(packet, bytes, controls);
      decoder.take(packet.pointer, packet.size);
      const picture = decoder.decode();
      const place = `begun at ${from}: frame ${from + i}`;
      expect(picture?.width === width && picture.height === height, `${place}: no picture`);
      expect(decoder.damaged, `${place}: not flagged`);
      pictures++;
    }
  }
  return `${pictures} pictures, all of them flagged`;
}

export async function checkRefresh(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  for (const [name, [bframes, ahead]] of Object.entries(RECIPES)) {
    const path = scratch.make(name, "160x128", ...encoder(bframes));
    const units = [...readStream(Deno.readFileSync(path))];
    await suite.check(`refresh: ${name}, stateful`, () => checkStateful(ffmpeg, units, ahead));
    await suite.check(`refresh: ${name}, stateless`, () => checkStateless(ffmpeg, units, ahead));
    await suite.check(
      `refresh: ${name}, stateless, in controls`,
      () => checkDescribed(ffmpeg, units),
    );
    await suite.check(`refresh: ${name}, one is lost`, () => checkLoss(ffmpeg, units, ahead));
  }
}
