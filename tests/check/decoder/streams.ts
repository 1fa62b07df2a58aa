/**
 * The committed streams through the decoder: every byte as FFmpeg decoded it.
 *
 * @module
 */
import { parse } from "@std/csv";
import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Context } from "../../harness/context.ts";
import { pictures } from "./client.ts";
import {
  Decoding,
  describeSha256,
  digestsIn,
  digestsOf,
  expectDecoded,
  expectSha256,
  FORMATS,
  type StreamDigest,
} from "./file.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { sha256 } from "../../harness/bytes.ts";
import { inTurns } from "../../harness/chroma.ts";
import { PICTURE_LAYOUTS, type PictureFormat } from "../../../lib/image/pixel_format.ts";

/** A stream of each codec for what need not be tried with all. */
const BY_CODEC = ["vp9-320x240.ivf", "av1-320x240.ivf", "h264-320x240.h264"];

/** Of codecs whose other streams are in the folder stateful. */
const STATEFUL_TOO = [
  "vp8-320x240.ivf",
  "vp8-322x182.ivf",
  "vp8-hidden.ivf",
  "mpeg2-322x182.m2v",
  "mpeg2-interlaced.m2v",
];

/** Decodes a stream of 8 bits without a tool, and compares it with its digest, which is NV12's. */
function expectIn(format: PictureFormat, input: string, expected: StreamDigest): void {
  const { memories, planes } = PICTURE_LAYOUTS[format];
  const frames: Uint8Array[] = [];
  for (const { stream, index, place, size } of pictures(input, format)) {
    expectEqual("planes", stream.capture.planes[index].length, memories);
    const picture = Buffer.concat(stream.pictures[index].parts);
    frames[place] = planes.length > 2 ? inTurns(picture, size) : picture;
  }
  expectEqual(`frames of ${expected.name} in ${format}`, frames.length, expected.frames);
  const digest = sha256(Buffer.concat(frames));
  expectSha256(`SHA-256 of ${expected.name} in ${format}`, digest, expected);
}

export async function decoderStreamChecks(suite: Suite, context: Context): Promise<void> {
  const folder = `${context.fixtures}/streams`;
  const byCodec = digestsOf(context, ...BY_CODEC);
  const [first, , h264] = byCodec;

  const stateful = digestsIn(`${folder}/stateful`).filter(({ name }) =>
    name.endsWith(".hevc") || STATEFUL_TOO.includes(name)
  );
  const all = [...digestsOf(context), ...stateful];
  const inputOf = (digest: StreamDigest) =>
    `${folder}/${stateful.includes(digest) ? "stateful/" : ""}${digest.name}`;
  for (const digest of all) {
    const input = inputOf(digest);
    await suite.check(`decoder: ${digest.name}`, async () => {
      const format = FORMATS[digest.pixels];
      await using decoding = new Decoding(context, input, ["--format", format]);
      await decoding.expectFrames(digest);
      return `${digest.frames} frames in ${format}, ` +
        describeSha256(digest);
    });
  }

  await suite.check("decoder: planes of their own", () => {
    const split = digestsOf(context, "vp9-322x182.ivf", "av1-322x182.ivf", "h264-322x182.h264");
    for (const digest of split) expectIn("nv12m", inputOf(digest), digest);
    return `${split.map(({ name }) => name).join(", ")} in nv12m: the same SHA-256`;
  });

  for (const format of ["yu12", "ym12"] as const) {
    await suite.check(`decoder: ${format}`, () => {
      const narrow = all.filter(({ pixels }) => pixels === "nv12");
      for (const digest of narrow) expectIn(format, inputOf(digest), digest);
      return `${narrow.length} streams: with chroma in turns the same SHA-256`;
    });
  }

  await suite.check("decoder: buffers", async () => {
    const counts = [1, 2, 32];
    for (const count of counts) {
      const input = `${folder}/${first.name}`;
      await expectDecoded(context, input, first, "--buffers", count);
    }
    return `${first.name} with ${counts.join(", ")} buffers: the same SHA-256`;
  });

  await suite.check("decoder: one buffer where pictures are held back", async () => {
    await expectDecoded(context, `${folder}/${h264.name}`, h264, "--buffers", 1);
    return `${h264.name} with 1 frame in flight: ${h264.frames} frames, the same SHA-256`;
  });

  await suite.check("decoder: to stdout, with a checksum of each frame", async () => {
    const file = `${context.scratch}/decoded.crc`;
    const args = [`${folder}/${first.name}`, "-", "--digest", file, "--json"];
    const command = new Deno.Command(context.tool("decode-file"), { args, stdin: "null" });
    const { code, stdout, stderr } = await command.output();
    const says = new TextDecoder().decode(stderr);
    expect(code === 0, `status ${code}: ${says}`);
    expectEqual("SHA-256 of stdout", sha256(stdout), first.sha256);
    expectEqual("frames, as stderr says", JSON.parse(says).frames, first.frames);
    const size = stdout.length / first.frames;
    const expected = Array.from({ length: first.frames }, (_, i) => {
      const value = crc32(stdout.subarray(i * size, (i + 1) * size));
      return `${i} ${value.toString(16).padStart(8, "0")}\n`;
    }).join("");
    expectEqual("checksums", Deno.readTextFileSync(file), expected);
    return `${stdout.length} bytes on stdout and nothing else, ${first.frames} CRC-32 of them`;
  });

  await suite.whole?.check("decoder: blocks", async () => {
    const csv = `${context.scratch}/blocks.csv`;
    await expectDecoded(context, `${folder}/${h264.name}`, h264, "--blocks", csv);
    const rows = parse(Deno.readTextFileSync(csv), { skipFirstRow: true });
    const of = (wanted: string) => rows.filter(({ kind }) => kind === wanted);
    const number = (text: string | undefined) => text === "" ? NaN : Number(text);
    const [width, height] = [320, 240];
    for (let frame = 0; frame < h264.frames; frame++) {
      const blocks = of("block").filter((row) => number(row.frame) === frame);
      const places = new Set(blocks.map(({ x, y }) => `${x},${y}`));
      expectEqual(`blocks of frame ${frame}`, places.size, width * height / 16 ** 2);
      expectEqual("each one once", blocks.length, places.size);
    }
    expectEqual("a quantiser of each picture", of("picture").length, h264.frames);
    expect(
      of("block").every(({ qp }) => number(qp) >= 0 && number(qp) <= 51),
      "H.264's quantisers",
    );
    const vectors = of("vector");
    expect(
      vectors.every((row) =>
        number(row.frame) > 0 && number(row.source) !== 0 && number(row.motion_x) <= width &&
        number(row.x) + number(row.width) <= width && number(row.y) + number(row.height) <= height
      ),
      "vectors of blocks in the picture",
    );
    expect(vectors.length > 0, "no vector");

    Deno.removeSync(csv);
    const other = `${folder}/stateful/hevc-320x240.hevc`;
    await using decoding = new Decoding(context, other, ["--blocks", csv]);
    const { status, stderr } = await decoding.end();
    expectEqual("status of HEVC", status, 1);
    expect(stderr.includes(`${other}: FFmpeg tells nothing of the blocks of this codec`), stderr);
    expect(!existsSync(csv) && !existsSync(decoding.output), "a file without anything in it");
    return `${of("block").length} blocks, ${vectors.length} vectors; none of HEVC, in one line`;
  });

  await suite.check("decoder: three streams at once", async () => {
    const started = byCodec.map((digest) => ({
      digest,
      decoding: new Decoding(context, `${folder}/${digest.name}`, ["--format", "nv12m"]),
    }));
    for (const { digest, decoding } of started) {
      await using running = decoding;
      await running.expectFrames(digest);
    }
    return `${BY_CODEC.join(", ")}: each has its own frames, in nv12m`;
  });
}
