import { assert, assertEquals, assertThrows } from "@std/assert";
import { jpegImages } from "../../lib/codec/jpeg.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import { FormatError } from "../../lib/image/image.ts";
import { MOVING_PATTERNS, MovingPattern } from "../../lib/image/moving_pattern.ts";
import {
  frameBytes,
  isCompressed,
  isDrawable,
  PIXEL_FORMATS,
  pixelFormat,
  rowBytes,
} from "../../lib/image/pixel_format.ts";
import { patterns } from "../../lib/image/patterns.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { RAW_FACTS, RAW_SIZE } from "../harness/raw_formats.ts";

Deno.test("pixel formats: names and fourccs are V4L2's", () => {
  // tests/abi compares the constants with the header.
  const constants: Readonly<Record<string, unknown>> = v4l2;
  for (const { name, fourcc } of PIXEL_FORMATS) {
    const constant = name === "yu12" ? "YUV420" : name.toUpperCase();
    assertEquals(v4l2.fourcc(fourcc), constants[`V4L2_PIX_FMT_${constant}`], name);
  }
  assertEquals(new Set(PIXEL_FORMATS.map(({ fourcc }) => fourcc)).size, PIXEL_FORMATS.length);
});

Deno.test("pixel formats: line and size of each, as the kernel's documentation has them", () => {
  const raw = PIXEL_FORMATS.filter((format) => !isCompressed(format));
  const facts = raw.map((format) => [
    format.name,
    { line: rowBytes(format.planes[0], RAW_SIZE[0]), size: frameBytes(format, ...RAW_SIZE) },
  ]);
  const stated = Object.entries(RAW_FACTS).map(([name, { line, size }]) => [name, { line, size }]);
  assertEquals(Object.fromEntries(facts), Object.fromEntries(stated));
});

Deno.test("pixel formats: by name and by fourcc, sizes with odd sides too", () => {
  assertEquals(pixelFormat("nv12"), pixelFormat("NV12"));
  assertEquals(pixelFormat("rgb565"), pixelFormat("RGBP"));
  assertEquals(pixelFormat("nv24"), undefined);
  const bytes = (name: string, width: number, height: number) =>
    frameBytes(pixelFormat(name)!, width, height);
  assertEquals(bytes("grey", 641, 3), 641 * 3);
  assertEquals(bytes("yuyv", 640, 480), 640 * 480 * 2);
  assertEquals(bytes("nv12", 1920, 1080), 1920 * 1080 * 3 / 2);
  assertEquals(bytes("nv12", 3, 3), 9 + 8);
  assertEquals(bytes("yu12", 3, 3), 9 + 4 + 4);
  assertEquals(bytes("yuv410", 5, 5), 25 + 4 + 4);
  assertEquals(bytes("p010", 3, 3), 2 * (9 + 8));
  assertEquals(bytes("bgr24", 5, 2), 30);
  assertEquals(bytes("h264", 5, 2), 0);
});

function frameOf(name: string, format: string, width: number, height: number, number: number) {
  const pixels = pixelFormat(format)!;
  const frame = new Uint8Array(frameBytes(pixels, width, height));
  new MovingPattern(name, pixels, width, height).fill(frame, number);
  return frame;
}

Deno.test("moving pattern: each format is filled to its last byte, and moves", () => {
  for (const format of PIXEL_FORMATS.filter(isDrawable)) {
    const pattern = new MovingPattern("bars", format, 6, 34);
    const size = frameBytes(format, 6, 34);
    const [one, other, behind] = [0, 0, 1].map((number, i) => {
      const frame = new Uint8Array(size + 1).fill(i === 0 ? 1 : 255);
      pattern.fill(frame, number);
      return frame;
    });
    assertEquals(one.subarray(0, size), other.subarray(0, size), format.name);
    assertEquals([one[size], other[size]], [1, 255], format.name);
    assert(one.some((byte, i) => i < size && byte !== behind[i]), `${format.name} stands still`);
    const again = new Uint8Array(size);
    pattern.fill(again, 64);
    assertEquals(again, other.subarray(0, size), `${format.name} does not come round`);
  }
});

Deno.test("moving pattern: bars in every format, at the edge of two of them", () => {
  // 16 rows of white, then yellow.
  const [width, height] = [2, 18];
  const grey = frameOf("bars", "grey", width, height, 0);
  assertEquals([grey[31], grey[32]], [180, 162]);
  const packed = frameOf("bars", "yuyv", width, height, 0);
  assertEquals([...packed.subarray(60, 68)], [180, 128, 180, 128, 162, 44, 162, 142]);
  const swapped = frameOf("bars", "uyvy", width, height, 0);
  assertEquals([...swapped.subarray(64, 68)], [44, 162, 142, 162]);
  const nv12 = frameOf("bars", "nv12", width, height, 0);
  assertEquals([...nv12.subarray(36 + 14)], [128, 128, 44, 142]);
  const yu12 = frameOf("bars", "yu12", width, height, 0);
  assertEquals([...yu12.subarray(36 + 7, 36 + 9)], [128, 44]);
  assertEquals([...yu12.subarray(36 + 9 + 7)], [128, 142]);
  const rgb = frameOf("bars", "rgb24", width, height, 0);
  assertEquals([...rgb.subarray(31 * 3, 33 * 3)], [191, 191, 191, 191, 191, 0]);
  const yellow = (format: string, bytes: number) => [
    ...frameOf("bars", format, width, height, 0).subarray(32 * bytes, 33 * bytes),
  ];
  assertEquals(yellow("bgr24", 3), [0, 191, 191]);
  assertEquals(yellow("argb32", 4), [255, 191, 191, 0]);
  assertEquals(yellow("xbgr32", 4), [0, 191, 191, 0]);
  assertEquals(yellow("p010", 2), [0, 162]);
});

Deno.test("moving pattern: two rows up a frame, pixels side by side in packed formats", () => {
  const tall = patterns.noise(8, 6 + 128).pixels;
  assertEquals(frameOf("noise", "grey", 8, 6, 0), tall.slice(0, 48));
  assertEquals(frameOf("noise", "grey", 8, 6, 3), tall.slice(48, 96));
  const packed = frameOf("noise", "yuyv", 8, 6, 3);
  assertEquals(packed.filter((_, i) => i % 2 === 0), tall.slice(48, 96));
  assert(packed.every((byte, i) => i % 2 === 0 || byte === 128));
  assertEquals(frameOf("noise", "nv12", 8, 6, 3).slice(0, 48), tall.slice(48, 96));
});

Deno.test("moving pattern: refuses a name it does not have, compressed formats and bits", () => {
  const grey = pixelFormat("grey")!;
  assertThrows(() => new MovingPattern("clouds", grey, 4, 4), FormatError, 'no pattern "clouds"');
  assertThrows(
    () => new MovingPattern("bars", pixelFormat("h264")!, 4, 4),
    FormatError,
    "a pattern cannot be h264",
  );
  assertThrows(
    () => new MovingPattern("bars", pixelFormat("rgb565")!, 4, 4),
    FormatError,
    "a pattern cannot be rgb565",
  );
  assert(MOVING_PATTERNS.includes("bars") && MOVING_PATTERNS.includes("noise"));
});

const segment = (marker: number, ...content: number[]) => [
  ...[0xff, marker, content.length + 2 >> 8, content.length + 2 & 255],
  ...content,
];
const START_OF_FRAME = segment(0xc0, 8, 0, 3, 1, 4, 1, 1, 0x11, 0);
const SCAN = [...segment(0xda, 1, 1, 0, 0, 63, 0), 7, 0xff, 0, 8, 0xff, 0xd3, 9];
// A preview in the application's segment, with an end of its own.
const PREVIEW = segment(0xe1, 0xff, 0xd8, 0xff, 0xd9);
const IMAGE = [0xff, 0xd8, ...PREVIEW, ...START_OF_FRAME, ...SCAN, 0xff, 0xd9];

Deno.test("JPEG: images of a stream, with previews, stuffed bytes and restart markers", () => {
  const progressive = [
    0xff,
    0xd8,
    ...segment(0xc2, 8, 1, 0, 2, 0, 1, 1, 0x11, 0),
    ...SCAN,
    ...SCAN,
    0xff,
    0xd9,
  ];
  const filled = [0xff, 0xd8, 0xff, ...START_OF_FRAME, ...SCAN, 0xff, 0xff, 0xd9];
  const images = [...jpegImages(Uint8Array.from([...IMAGE, ...progressive, ...filled]))];
  assertEquals(images.map(({ data }) => [...data]), [IMAGE, progressive, filled]);
  assertEquals(images.map(({ width, height }) => [width, height]), [[260, 3], [512, 256], [
    260,
    3,
  ]]);
});

const broken: [name: string, bytes: number[], message: string][] = [
  ["nothing", [], "no start of image at byte 0"],
  ["another file", [0x50, 0x35], "no start of image at byte 0"],
  ["no more than a start", [0xff, 0xd8], "cut off at byte 2"],
  ["a segment cut off", IMAGE.slice(0, 8), "cut off"],
  ["a scan cut off", IMAGE.slice(0, -2), "cut off"],
  ["a segment of no length", [0xff, 0xd8, 0xff, 0xe0, 0, 1, 0xff, 0xd9], "without length"],
  ["something else than a marker", [0xff, 0xd8, 1, 2], "no marker at byte 2"],
  ["no frame header", [0xff, 0xd8, 0xff, 0xd9], "no size"],
];
for (const [name, bytes, message] of broken) {
  Deno.test(`JPEG: refuses ${name}, after the whole image before it`, () => {
    assertThrows(() => [...jpegImages(Uint8Array.from(bytes))], StreamError, message);
    const images = jpegImages(Uint8Array.from([...IMAGE, ...bytes]));
    assertEquals([...images.next().value!.data], IMAGE);
    if (bytes.length > 0) assertThrows(() => images.next(), StreamError, `byte ${IMAGE.length}`);
    else assert(images.next().done);
  });
}

Deno.test("JPEG: no prefix of a stream is read beyond its end", () => {
  const stream = Uint8Array.from([...IMAGE, ...IMAGE]);
  for (let length = 0; length < stream.length; length++) {
    let whole = 0;
    assertThrows(
      () => {
        for (const _ of jpegImages(stream.slice(0, length))) whole++;
        if (length === IMAGE.length) throw new StreamError("whole");
      },
      StreamError,
    );
    assertEquals(whole, Math.floor(length / IMAGE.length));
  }
});
