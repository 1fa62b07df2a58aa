/**
 * Fields as a stateless client sends them, each with its own controls: pictures of both, and of one that is
 * alone. Run it in a guest, by `ffmpeg.ts`.
 *
 * @module
 */
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import { rebuilder } from "../../daemon/rebuild/choose.ts";
import { Decoder } from "../../lib/ffmpeg/decoder.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { concatenate } from "../../lib/files/files.ts";
import { fieldControls, fieldTime } from "../harness/h264_field_client.ts";
import {
  codeFields,
  FIELD_STREAMS,
  fieldFile,
  type FieldStream,
} from "../harness/h264_field_streams.ts";
import type { FieldPicture } from "../harness/h264_fields.ts";
import {
  codeMpeg2Fields,
  hasLumaOf,
  MPEG2_FIELD_STREAMS,
  MPEG2_WIDTH,
  type Mpeg2FieldStream,
} from "../harness/mpeg2_fields.ts";
import { frameControls } from "../harness/vp8_client.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { decodePacket, sameSamples } from "./picture_digests.ts";
import { reference, Scratch } from "./streams.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const MAX_PIXELS = 1 << 20;

/** Whether the lines of one field of 64x64 pixels are the same in two pictures, as every other line of both. */
function sameField(a: Bytes, b: Bytes, parity: number): boolean {
  return a.every((sample, at) => (at >> 6) % 2 !== parity || sample === b[at]);
}

/** Pictures that FFmpeg's own decoder has of a stream with its headers in band. */
function wholeStream(scratch: Scratch, name: FieldStream): Bytes {
  const path = `${scratch.folder}/fields.h264`;
  Deno.writeFileSync(path, fieldFile(codeFields(name)));
  return reference(path, "nv12");
}

/** Frames of which there are both fields. */
function completeFrames(coded: readonly FieldPicture[]): Set<number> {
  const complete = coded.filter(({ frame, parity }, at) =>
    parity === undefined || at > 0 && coded[at - 1].frame === frame
  );
  return new Set(complete.map(({ frame }) => frame));
}

/** @param together whether both fields of a frame are in one packet, as where CAPTURE is held */
function checkH264Fields(ffmpeg: Ffmpeg, name: FieldStream, together: boolean): string {
  const { encoder, coded, pictures } = codeFields(name);
  using decoder = new Decoder(ffmpeg, "h264", MAX_PIXELS);
  const rebuilt = rebuilder("h264");
  const packet = new Assembly();
  let alone = 0;
  for (const [at, picture] of coded.entries()) {
    const { frame, parity, slices } = picture;
    const controls = frameControls(BigInt(fieldTime(frame)), fieldControls(encoder, picture));
    for (const slice of slices) rebuilt.add(packet, slice, controls);
    const more = coded[at + 1]?.frame === frame;
    if (together && more) continue;
    const decoded = decodePacket(ffmpeg, decoder, packet);
    packet.clear();
    expect(decoded !== undefined && !decoded.damaged, `frame ${frame} is not whole`);
    expect(!rebuilt.doubtful, `frame ${frame} is doubtful`);
    const { bytes } = decoded;
    const right = pictures[frame];
    if (!more) {
      expect(sameSamples(bytes, right), `frame ${frame} has other samples`);
      continue;
    }
    // Its own lines, twice.
    alone++;
    expect(sameField(bytes, right, parity!), `the first field of frame ${frame} is another`);
    const moved = new Uint8Array([...bytes.subarray(64), ...bytes.subarray(0, 64)]);
    expect(sameField(bytes, moved, 0), `frame ${frame} has lines of something else`);
  }
  return `${coded.length} pictures in ${pictures.length} frames` +
    (together ? "" : `, ${alone} first fields by themselves`);
}

function checkMpeg2Fields(ffmpeg: Ffmpeg, name: Mpeg2FieldStream): string {
  const rebuilt = rebuilder("mpeg2");
  const packet = new Assembly();
  using decoder = new Decoder(ffmpeg, "mpeg2", MAX_PIXELS);
  const frames = codeMpeg2Fields(name);
  for (const [number, fields] of frames.entries()) {
    packet.clear();
    for (const { slices, controls } of fields) {
      rebuilt.add(packet, slices, frameControls(BigInt(number), controls));
    }
    const decoded = decodePacket(ffmpeg, decoder, packet);
    if (fields.length === 1) {
      expect(decoded === undefined, `there is a picture ${number}`);
      continue;
    }
    expect(decoded !== undefined && !decoded.damaged, `picture ${number} is not whole`);
    const same = hasLumaOf(fields, decoded.bytes, MPEG2_WIDTH);
    expect(same, `picture ${number} has other lines`);
  }
  return `${frames.length} frames`;
}

/** A client of the stateful node that sends fields one by one: it gets CAPTURE ready before the first picture. */
function checkStatefulFields(ffmpeg: Ffmpeg): string {
  const { encoder, coded, pictures } = codeFields("all of these");
  using kernel = new FakeKernel(ffmpeg, "h264", 4);
  for (const [at, { slices }] of coded.entries()) {
    kernel.decode(concatenate([...at === 0 ? [encoder.parameterSets] : [], ...slices]));
    expectEqual(`formats behind picture ${at}`, kernel.formats.length, 1);
  }
  kernel.drain();
  const got = concatenate(kernel.pictures.map(({ bytes }) => bytes));
  expect(sameSamples(got, concatenate(pictures)), "other samples");
  return `${coded.length} pictures in ${pictures.length} frames, the format with the first field`;
}

export async function checkFields(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  for (const name of Object.keys(FIELD_STREAMS) as FieldStream[]) {
    for (const together of [true, false]) {
      const how = together ? "both fields in one packet" : "each field in its own";
      await suite.check(
        `fields: H.264, ${name}, ${how}`,
        () => checkH264Fields(ffmpeg, name, together),
      );
    }
    await suite.check(`fields: H.264, ${name}, as FFmpeg has the whole stream`, () => {
      const { coded, pictures } = codeFields(name);
      const complete = completeFrames(coded);
      const expected = concatenate(pictures.filter((_, frame) => complete.has(frame)));
      const got = wholeStream(scratch, name);
      expectEqual("bytes", got.length, expected.length);
      expect(sameSamples(got, expected), "FFmpeg has other samples");
      return `${complete.size} frames of both fields, in display order`;
    });
  }
  await suite.check("fields: H.264, stateful, one by one", () => checkStatefulFields(ffmpeg));
  for (const name of Object.keys(MPEG2_FIELD_STREAMS) as Mpeg2FieldStream[]) {
    await suite.check(`fields: MPEG-2, ${name}`, () => checkMpeg2Fields(ffmpeg, name));
  }
}
