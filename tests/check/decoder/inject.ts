/**
 * debugfs' inject: streams and bare frames without any V4L2 client, told by what they are.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { File, IoBuffer, O_RDWR } from "../../../lib/sys/file.ts";
import type { CodecName } from "../../../lib/codec/codecs.ts";
import { av1AnnexB } from "../../harness/av1_annexb.ts";
import type { Context } from "../../harness/context.ts";
import { expectEqual, type Suite } from "../../harness/suite.ts";
import { referenceOf } from "../stateful/streams.ts";

const INJECT = "/sys/kernel/debug/vpipe-dec/inject";

/** A stream of each codec and container that tells what it is, 8 and 10 bits, none of them cropped. */
const TOLD: readonly (readonly [name: string, size: string, pixels?: string])[] = [
  ["vp9-320x240.ivf", "320x240"],
  ["vp9-10bit.ivf", "160x120", "P010"],
  ["av1-320x240.ivf", "320x240"],
  ["av1-10bit.ivf", "160x120", "P010"],
  ["av1-320x240.obu", "320x240"],
  ["h264-320x240.h264", "320x240"],
  ["stateful/hevc-10bit.hevc", "160x120", "P010"],
  ["stateful/vp8-322x182.ivf", "322x182"],
  ["stateful/mpeg2-interlaced.m2v", "160x128"],
];

/** A stream of each codec, whose first coded frame is the first picture, too. */
const BARE: readonly (readonly [name: string, size: string])[] = [
  ["vp9-322x182.ivf", "322x182"],
  ["av1-322x182.ivf", "322x182"],
  ["h264-320x240.h264", "320x240"],
  ["stateful/hevc-320x240.hevc", "320x240"],
  ["stateful/vp8-322x182.ivf", "322x182"],
  ["stateful/mpeg1-160x120.m1v", "160x120"],
  ["stateful/mpeg2-interlaced.m2v", "160x128"],
  ["stateful/mpeg4-160x120.m4v", "160x120"],
  ["stateful/h263-176x144.h263", "176x144"],
];

const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");

/** FNV-1a of 32 bits, as its authors publish it. */
function fnv1a(bytes: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

const line = (number: number, size: string, pixels: string, picture: Uint8Array) =>
  `picture ${number} ${size} ${pixels} crc32 ${hex(crc32(picture))} fnv1a ${hex(fnv1a(picture))}`;

/** What inject says of bytes that are written to it. */
function inject(bytes: Uint8Array<ArrayBuffer>, codec?: CodecName): string[] {
  using file = File.open(codec === undefined ? INJECT : `${INJECT}-${codec}`, O_RDWR);
  const piece = new IoBuffer(bytes);
  piece.length = bytes.length;
  expectEqual("bytes taken", file.tryWrite(piece), bytes.length);
  const text = new IoBuffer(new Uint8Array(4096));
  text.length = text.bytes.length;
  const lines: string[] = [];
  let length: number;
  while ((length = file.tryRead(text)) > 0) {
    lines.push(new TextDecoder().decode(text.bytes.subarray(0, length)).trimEnd());
  }
  expectEqual("read(2) at the end", length, 0);
  return lines;
}

export async function decoderInjectChecks(suite: Suite, context: Context): Promise<void> {
  const read = (name: string) => Deno.readFileSync(`${context.fixtures}/streams/${name}`);
  const expected = (name: string, size: string, pixels: string) =>
    [...referenceOf(context, name).pictures.values()]
      .map((picture, at) => line(at, size, pixels, picture));

  await suite.whole?.check("decoder: inject: what is written tells its codec", () => {
    expectEqual("FNV-1a as published", hex(fnv1a(new TextEncoder().encode("foobar"))), "bf9cf968");
    let pictures = 0;
    for (const [name, size, pixels = "NV12"] of TOLD) {
      const lines = expected(name, size, pixels);
      expectEqual(name, inject(read(name)).join("\n"), lines.join("\n"));
      pictures += lines.length;
    }
    const [name, size] = ["av1-320x240.obu", "320x240"];
    const annexB = inject(av1AnnexB(read(name), false));
    expectEqual(`${name} as Annex B`, annexB.join("\n"), expected(name, size, "NV12").join("\n"));
    return `${TOLD.length + 1} streams, ${pictures + annexB.length} pictures: ` +
      "CRC-32 and FNV-1a of each, in display order";
  });

  await suite.whole?.check("decoder: inject: a bare frame of each codec", () => {
    for (const [name, size] of BARE) {
      const { codec, frames: [frame], pictures } = referenceOf(context, name);
      const [picture] = pictures.values();
      const lines = inject(frame.slice() as Uint8Array<ArrayBuffer>, codec);
      expectEqual(`first frame of ${name}`, lines.join("\n"), line(0, size, "NV12", picture));
    }
    return `${BARE.length} of them by inject-CODEC`;
  });

  await suite.check("decoder: inject: a size that changes, and what is broken", () => {
    const resized = inject(read("vp9-resize.ivf"));
    const lines = expected("vp9-resize.ivf", "", "");
    expectEqual("pictures", resized.length, lines.length);
    const digests = (all: string[]) => all.map((line) => line.split(" crc32 ")[1]).join("\n");
    expectEqual("digests", digests(resized), digests(lines));

    const name = "vp9-320x240.ivf";
    const file = read(name);
    const cut = inject(file.subarray(0, file.length - 1));
    expectEqual("behind a cut", cut.pop(), "error");
    expectEqual(
      "before it",
      cut.join("\n"),
      expected(name, "320x240", "NV12").slice(0, -1).join("\n"),
    );
    expectEqual("no video", inject(new Uint8Array(100)).join("\n"), "error");
    expectEqual("another codec", inject(file, "av1").join("\n"), "error");
    return `${resized.length} pictures of several sizes; "error" behind what is whole of a file`;
  });
}
