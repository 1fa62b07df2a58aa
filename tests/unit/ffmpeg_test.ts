import { assert, assertEquals, assertThrows } from "@std/assert";
import { selftest } from "../../daemon/selftest.ts";
import { FfmpegError } from "../../lib/ffmpeg/abi/error.ts";
import { type Ffmpeg, loadFfmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { AVERROR_EOF } from "../../lib/ffmpeg/abi/avutil.ts";
import { planes } from "../../lib/ffmpeg/packer.ts";
import { RAW_FORMATS, rawFormat, rawLayout } from "../../lib/ffmpeg/raw_layout.ts";
import { destination } from "../../lib/ffmpeg/scaler.ts";
import { VideoFile } from "../../lib/ffmpeg/video_file.ts";

/** This machine's FFmpeg, or why there is none. */
function find(): Ffmpeg | string {
  try {
    return loadFfmpeg();
  } catch (error) {
    return (error as Error).message;
  }
}

const found = find();

Deno.test({
  name: "loadFfmpeg: without one, the releases that would do",
  ignore: typeof found !== "string",
  fn: () => assert(/^FFmpeg: .*known are FFmpeg \d+ \(libavcodec.so.\d+\), /.test(String(found))),
});

Deno.test({
  name: "selftest: this machine's FFmpeg packs as it should",
  ignore: typeof found === "string",
  // The libraries stay loaded.
  sanitizeResources: false,
  fn() {
    const { status, json } = selftest();
    assertEquals(status, 0);
    assertEquals(json.packing, true);
  },
});

Deno.test("planes: four addresses, as sws_scale wants them", () => {
  const bytes = planes(2 ** 46 + 1, 2 ** 46 + 2);
  assertEquals([...new BigUint64Array(bytes.buffer)], [2n ** 46n + 1n, 2n ** 46n + 2n, 0n, 0n]);
});

Deno.test("AVERROR_EOF: the tag, as FFERRTAG packs it", () => {
  assertEquals(new TextDecoder().decode(Int32Array.of(-AVERROR_EOF)), "EOF ");
});

Deno.test("rawLayout: planes one behind the other, as V4L2 has them", () => {
  const bytesPerPixel: Record<string, number> = {
    GREY: 1,
    YUYV: 2,
    UYVY: 2,
    NV12: 1.5,
    YU12: 1.5,
    RGB3: 3,
    BGR3: 3,
  };
  assertEquals(RAW_FORMATS.map(({ fourcc }) => fourcc), Object.keys(bytesPerPixel));
  for (const format of RAW_FORMATS) {
    const { planes, size } = rawLayout(format, 640, 480);
    assertEquals(size, 640 * 480 * bytesPerPixel[format.fourcc]);
    let end = 0;
    for (const { offset, stride, lines } of planes) {
      assertEquals(offset, end);
      end += stride * lines;
    }
    assertEquals(end, size);
  }
});

Deno.test("rawLayout: of an odd size, chroma is rounded up", () => {
  const planes = (fourcc: string) =>
    rawLayout(rawFormat(fourcc)!, 5, 3).planes.map((
      { offset, stride, lines },
    ) => [offset, stride, lines]);
  assertEquals(planes("NV12"), [[0, 5, 3], [15, 6, 2]]);
  assertEquals(planes("YU12"), [[0, 5, 3], [15, 3, 2], [21, 3, 2]]);
  assertEquals(planes("YUYV"), [[0, 12, 3]]);
});

Deno.test("rawFormat: no compressed format, and no property of objects", () => {
  assert(rawFormat("NV12"));
  for (const text of ["MJPG", "H264", "nv12", "toString", ""]) assert(!rawFormat(text), text);
});

Deno.test("destination: the address of each plane, and no more", () => {
  const { addresses, pointers } = destination(rawLayout(rawFormat("NV12")!, 4, 2), 2n ** 46n);
  assertEquals([...new BigUint64Array(addresses.buffer)], [2n ** 46n, 2n ** 46n + 8n, 0n, 0n]);
  assertEquals(pointers.map(Deno.UnsafePointer.value), [2n ** 46n, 2n ** 46n + 8n]);
});

Deno.test({
  name: "VideoFile: without FFmpeg, the releases that would do",
  ignore: typeof found !== "string",
  fn() {
    assertThrows(() => VideoFile.open("in.mp4", { format: "GREY" }), Error, "known are FFmpeg");
  },
});

Deno.test("an error of FFmpeg's: of a system call its errno by name, of its own the words alone", () => {
  const avutil = {
    av_strerror(_code: number, text: Uint8Array) {
      text.set(new TextEncoder().encode("what it is\0"));
      return 0;
    },
  };
  const said = (code: number) =>
    new FfmpegError({ avutil } as unknown as Ffmpeg, "avformat_open_input", code, "a.mkv").message;
  assertEquals(said(-2), "a.mkv: avformat_open_input: what it is (ENOENT)");
  // AVERROR_INVALIDDATA
  assertEquals(said(-0x41444e49), "a.mkv: avformat_open_input: what it is");
});
