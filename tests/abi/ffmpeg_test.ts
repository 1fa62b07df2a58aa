/**
 * Compares what the library says of FFmpeg's structs and constants with its headers, of the release
 * that the set-up could get: toolchain/setup.
 */
import { assertEquals } from "@std/assert";
import * as avcodec from "../../lib/ffmpeg/abi/avcodec.ts";
import * as avformat from "../../lib/ffmpeg/abi/avformat.ts";
import * as avutil from "../../lib/ffmpeg/abi/avutil.ts";
import * as swscale from "../../lib/ffmpeg/abi/swscale.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HEADERS = `${ROOT}build/toolchain/ffmpeg`;

/** FFmpeg's major release by libavcodec's. */
const RELEASES: Readonly<Record<number, keyof typeof avformat.AVSTREAM_CODECPAR>> = {
  59: 5,
  60: 6,
  61: 7,
  62: 8,
  63: 9,
};

/** Offsets by the library's names of structs, and its names of members where they are not C's. */
const STRUCTS: readonly [c: string, offsets: Readonly<Record<string, number>>][] = [
  ["AVFrame", avutil.AVFRAME],
  ["AVPixFmtDescriptor", avutil.AVPIXFMTDESCRIPTOR],
  ["AVComponentDescriptor", avutil.AVCOMPONENTDESCRIPTOR],
  ["AVPacket", avcodec.AVPACKET],
  ["AVPacketSideData", avformat.AVPACKETSIDEDATA],
  ["AVCodec", avcodec.AVCODEC_STRUCT],
  ["AVFormatContext", avformat.AVFORMATCONTEXT],
  ["AVInputFormat", avformat.AVINPUTFORMAT],
];

/** How much of a struct is looked at: no member. */
const LENGTHS: Readonly<Record<string, string>> = {
  "AVFrame.size": "offsetof(AVFrame, decode_error_flags) + sizeof(int)",
  "AVComponentDescriptor.bytes": "sizeof(AVComponentDescriptor)",
  "AVPacketSideData.bytes": "sizeof(AVPacketSideData)",
  "AVPacket.end": "offsetof(AVPacket, flags) + sizeof(int)",
};

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type Row = readonly [expression: string, value: number];

const constants = Object.entries({ ...avcodec, ...avformat, ...avutil, ...swscale })
  .flatMap(([name, value]): Row[] => {
    if (typeof value !== "number" || !/^[A-Z][A-Z0-9_]*$/.test(name)) return [];
    const code = name.match(/^AVERROR_(E[A-Z]+)$/)?.[1];
    return [[code === undefined || code === "EOF" ? name : `AVERROR(${code})`, value]];
  });

const members = STRUCTS.flatMap(([c, offsets]) =>
  Object.entries(offsets).map(([name, offset]): Row => [
    LENGTHS[`${c}.${name}`] ?? `offsetof(${c}, ${snake(name)})`,
    offset,
  ])
);

/** Members that older releases do not have, or have elsewhere. */
const sideData = Object.entries(avformat.AVCODECPARAMETERS).map(([name, offset]): Row => [
  `offsetof(AVCodecParameters, ${snake(name)})`,
  offset,
]);

/** What the compiler makes of each expression, by FFmpeg's headers. */
function evaluate(expressions: readonly string[]): number[] {
  const program = [
    "#include <errno.h>",
    "#include <stddef.h>",
    "#include <stdio.h>",
    "#include <libavcodec/avcodec.h>",
    "#include <libavformat/avformat.h>",
    "#include <libavutil/crc.h>",
    "#include <libavutil/frame.h>",
    "#include <libavutil/opt.h>",
    "#include <libavutil/pixdesc.h>",
    "#include <libswscale/swscale.h>",
    "int main(void) {",
    ...expressions.map((expression) => `printf("%lld\\n", (long long)(${expression}));`),
    "return 0; }",
    "",
  ].join("\n");
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/ffmpeg.c`, program);
    const { code } = new Deno.Command("cc", {
      args: ["-Wall", "-Werror", `-I${HEADERS}`, "-o", `${folder}/ffmpeg`, `${folder}/ffmpeg.c`],
      stderr: "inherit",
    }).outputSync();
    assertEquals(code, 0, "the comparison program does not compile: run make setup");
    const { stdout } = new Deno.Command(`${folder}/ffmpeg`).outputSync();
    return new TextDecoder().decode(stdout).trimEnd().split("\n").map(Number);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test(`FFmpeg's headers agree with the library in ${constants.length + members.length + 1} values`, () => {
  const [major] = evaluate(["LIBAVCODEC_VERSION_MAJOR"]);
  const rows: Row[] = [
    ...constants,
    ...members,
    ["offsetof(AVStream, codecpar)", avformat.AVSTREAM_CODECPAR[RELEASES[major]]],
    ...(RELEASES[major] < 7 ? [] : sideData),
  ];
  const values = evaluate(rows.map(([expression]) => expression));
  assertEquals(
    rows.map(([expression], i) => `${expression} ${values[i]}`),
    rows.map((row) => row.join(" ")),
  );
});
