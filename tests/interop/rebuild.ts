/**
 * Streams as a stateless client sends them, parameter sets and headers in controls alone, decoded to
 * the same pictures as the streams themselves. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import { rebuilder } from "../../daemon/rebuild/choose.ts";
import { type AccessUnit, readStream } from "../../lib/codec/stream.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { H264Client } from "../harness/h264_client.ts";
import { HevcClient } from "../harness/hevc_client.ts";
import { withSequenceSets } from "../harness/hevc_sequence_sets.ts";
import { Mpeg2Client } from "../harness/mpeg2_client.ts";
import { frameControls } from "../harness/vp8_client.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { checkAv1 } from "./av1.ts";
import { Digests } from "./picture_digests.ts";

const STREAMS = new URL("../../fixtures/streams/", import.meta.url).pathname;

function checkH264(ffmpeg: Ffmpeg, units: readonly AccessUnit[], startCode: boolean): string {
  const { bitDepth } = units[0].sequence;
  using whole = new Digests(ffmpeg, "h264", bitDepth);
  using parts = new Digests(ffmpeg, "h264", bitDepth);
  const client = new H264Client(startCode);
  const rebuilt = rebuilder("h264");
  const packet = new Assembly();
  let count = 0;
  for (const [number, unit] of units.entries()) {
    const { slices, controls } = client.parts(unit.data);
    count += slices.length;
    packet.clear();
    for (const slice of slices) rebuilt.add(packet, slice, client.frameControls(controls));
    expectEqual(`picture ${number}`, parts.of(packet.bytes), whole.of(unit.data));
  }
  return `${units.length} pictures, ${count} slices`;
}

/** @param plain the same pictures, coded as they are known to be decoded */
function checkHevc(
  ffmpeg: Ffmpeg,
  units: readonly AccessUnit[],
  startCode: boolean,
  plain = units,
): string {
  const { bitDepth } = units[0].sequence;
  using whole = new Digests(ffmpeg, "hevc", bitDepth);
  using parts = new Digests(ffmpeg, "hevc", bitDepth);
  const client = new HevcClient(startCode);
  const rebuilt = rebuilder("hevc");
  const packet = new Assembly();
  let count = 0;
  for (const [number, unit] of units.entries()) {
    // Above 32 bits.
    const timestamp = (number + 1) * 1e9;
    const { slices, controls } = client.parts(unit.data, timestamp);
    count += slices.length;
    packet.clear();
    const frame = Uint8Array.from(slices.flatMap((slice) => [...slice]));
    rebuilt.add(packet, frame, client.frameControls(controls, timestamp));
    const expected = whole.of(plain[number].data);
    expect(expected >= 0, `picture ${number} is damaged`);
    expectEqual(`picture ${number}`, parts.of(packet.bytes), expected);
  }
  return `${units.length} pictures, ${count} slices`;
}

function checkMpeg2(ffmpeg: Ffmpeg, units: readonly AccessUnit[]): string {
  using whole = new Digests(ffmpeg, "mpeg2", 8);
  using pictures = new Digests(ffmpeg, "mpeg2", 8);
  const client = new Mpeg2Client();
  const rebuilt = rebuilder("mpeg2");
  const packet = new Assembly();
  for (const [number, { data }] of units.entries()) {
    const time = BigInt(number + 1);
    const { slices, controls } = client.parts(data, time);
    packet.clear();
    rebuilt.add(packet, slices, frameControls(time, controls));
    const digest = pictures.of(packet.bytes);
    expect(digest !== -1, `picture ${number} is none`);
    expectEqual(`picture ${number}`, digest, whole.of(data));
  }
  return `${units.length} pictures`;
}

/** How encoders name reference pictures that the fixtures were not made by. */
const NAMINGS = [
  ["sets of the sequence", { predicted: false, longTerm: false }],
  ["sets predicted from those of the sequence", { predicted: true, longTerm: false }],
  ["a long-term reference of the sequence", { predicted: true, longTerm: true }],
] as const;

async function checkNamings(suite: Suite, ffmpeg: Ffmpeg, file: string): Promise<void> {
  const bytes = Deno.readFileSync(STREAMS + file);
  for (const [what, naming] of NAMINGS) {
    await suite.check(`rebuilt: ${file} with ${what}`, () => {
      const units = [...readStream(withSequenceSets(bytes, naming))];
      // Motion vectors to long-term references are not scaled: those are other pictures.
      const plain = naming.longTerm ? units : [...readStream(bytes)];
      return checkHevc(ffmpeg, units, true, plain);
    });
  }
}

export async function checkRebuild(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  const files = ["", "stateful/"].flatMap((folder) =>
    [...Deno.readDirSync(STREAMS + folder)].map(({ name }) => folder + name)
  ).sort();
  for (const file of files.filter((name) => /^[^/]+\.(h264|ivf)$|\.(m2v|hevc)$/.test(name))) {
    const units = [...readStream(Deno.readFileSync(STREAMS + file))];
    const { codec } = units[0].sequence;
    if (codec === "h264" || codec === "hevc") {
      const check = codec === "h264" ? checkH264 : checkHevc;
      for (const startCode of [true, false]) {
        const form = startCode ? "with start codes" : "without start codes";
        await suite.check(`rebuilt: ${file} ${form}`, () => check(ffmpeg, units, startCode));
      }
      if (codec === "hevc") await checkNamings(suite, ffmpeg, file);
    } else if (codec === "av1") {
      await suite.check(
        `rebuilt: ${file}`,
        () => checkAv1(ffmpeg, units.map(({ data }) => data), units[0].sequence.bitDepth),
      );
    } else if (codec === "mpeg2") {
      await suite.check(`rebuilt: ${file}`, () => checkMpeg2(ffmpeg, units));
    }
  }
}
