import { assert, assertEquals, assertThrows } from "@std/assert";
import { fixtures } from "../../fixtures/fixtures.ts";
import { crc32 } from "../../lib/image/crc32.ts";
import { difference } from "../../lib/image/diff.ts";
import { FormatError, type GreyImage } from "../../lib/image/image.ts";
import { randomBytes } from "../../lib/image/patterns.ts";
import { decodePgm, encodePgm } from "../../lib/image/pgm.ts";
import { clampRoi, threshold } from "../../lib/image/threshold.ts";

const ascii = (text: string, ...pixels: number[]) =>
  Uint8Array.of(...new TextEncoder().encode(text), ...pixels);
const grey = (width: number, ...pixels: number[]): GreyImage => ({
  width,
  height: pixels.length / width,
  pixels: Uint8Array.from(pixels),
});

Deno.test("PGM: encode and decode are inverse", () => {
  const image = grey(3, 0, 1, 2, 253, 254, 255);
  assertEquals(decodePgm(encodePgm(image)), image);
});

Deno.test("PGM: comments and any white space in the header", () => {
  const image = decodePgm(ascii("P5 # by hand\n#\n 2\t#w\n1\r\n255\n", 7, 9));
  assertEquals(image, grey(2, 7, 9));
});

Deno.test("PGM: the first pixel may look like white space or a comment", () => {
  assertEquals(decodePgm(ascii("P5\n2 1\n255\n", 0x20, 0x23)), grey(2, 0x20, 0x23));
});

Deno.test("PGM: bytes after the last pixel are ignored", () => {
  assertEquals(decodePgm(ascii("P5\n1 1\n255\n", 5, 6, 7)).pixels, Uint8Array.of(5));
});

const refused: [name: string, file: Uint8Array, message: string][] = [
  ["nothing", ascii(""), "not a PGM"],
  ["another file", ascii("\x7fELF"), "not a PGM"],
  ["ASCII", ascii("P2\n1 1\n255\n7\n"), "ASCII PGM (P2)"],
  ["16-bit", ascii("P5\n1 1\n65535\n", 0, 0), "16-bit"],
  ["another maximum", ascii("P5\n1 1\n15\n", 0), "maximum 15"],
  ["no width", ascii("P5\n0 4\n255\n"), "empty image: 0x4"],
  ["no height", ascii("P5\n4 0\n255\n"), "empty image: 4x0"],
  ["too wide", ascii("P5\n4097 1\n255\n"), "larger than 4096x4096"],
  ["a number beyond 32 bits", ascii("P5\n4294967297 1\n255\n"), "larger than 4096x4096"],
  ["negative", ascii("P5\n-1 1\n255\n"), "no width"],
  ["a missing pixel", ascii("P5\n2 2\n255\n", 1, 2, 3), "truncated: 3 of 4"],
  ["a header cut off", ascii("P5\n2 2\n"), "no maximum"],
  ["no end of the header", ascii("P5\n2 2\n255"), "header without end"],
  ["a digit glued to the magic", ascii("P52 2\n255\n"), "no white space before the width"],
];
for (const [name, file, message] of refused) {
  Deno.test(`PGM: refuses ${name}`, () => {
    assertThrows(() => decodePgm(file), FormatError, message);
  });
}

Deno.test("fixtures: what is committed is what the patterns give", () => {
  for (const [name, make] of Object.entries(fixtures)) {
    const committed = Deno.readFileSync(new URL(`../../fixtures/${name}.pgm`, import.meta.url));
    assert(crc32(committed) === crc32(encodePgm(make())), `${name}.pgm differs`);
  }
});

Deno.test("CRC-32: the published check value, without final inversion", () => {
  // "123456789" gives cbf43926 in the catalogue of CRC algorithms (CRC-32/ISO-HDLC).
  assertEquals(crc32(ascii("123456789")), ~0xcbf43926 >>> 0);
  assertEquals(crc32(new Uint8Array()), 0xffff_ffff);
});

Deno.test("CRC-32: word steps agree with byte steps at every length and offset", () => {
  const bytes = randomBytes(64);
  const bytewise = (part: Uint8Array) =>
    part.reduce((crc, byte) => {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
      return crc;
    }, ~0) >>> 0;
  for (let start = 0; start < 5; start++) {
    for (let end = start; end <= bytes.length; end++) {
      const part = bytes.subarray(start, end);
      assertEquals(crc32(part), bytewise(part));
    }
  }
});

Deno.test("ROI: no size means the whole frame, anything else is clamped", () => {
  const frame = { width: 10, height: 8 };
  const roi = (left: number, top: number, width: number, height: number) =>
    Object.values(clampRoi(frame, { left, top, width, height }));
  assertEquals(roi(3, 3, 0, 5), [0, 0, 10, 8]);
  assertEquals(roi(3, 3, 5, -1), [0, 0, 10, 8]);
  assertEquals(roi(2, 1, 4, 4), [2, 1, 4, 4]);
  assertEquals(roi(8, 6, 4, 4), [8, 6, 2, 2]);
  assertEquals(roi(10, 8, 1, 1), [10, 8, 0, 0]);
  assertEquals(roi(4096, 0, 4096, 4096), [10, 0, 0, 8]);
});

Deno.test("threshold: above, not at, and only inside the ROI", () => {
  const source = grey(3, 126, 127, 128, 0, 255, 200);
  const { image, white, black } = threshold(source, 127, { left: 1, top: 0, width: 2, height: 2 });
  assertEquals([...image.pixels], [126, 0, 255, 0, 255, 255]);
  assertEquals([white, black], [3, 1]);
  assertEquals(threshold(source, 255).white, 0);
  assertEquals(threshold(source, 0).black, 1);
  assertEquals([...source.pixels], [126, 127, 128, 0, 255, 200], "the source is left alone");
});

Deno.test("difference: absolute, counted, sizes must agree", () => {
  const { image, pixels, maximum } = difference(grey(3, 5, 0, 255), grey(3, 5, 255, 250));
  assertEquals([...image.pixels], [0, 255, 5]);
  assertEquals([pixels, maximum], [2, 255]);
  assertThrows(() => difference(grey(2, 1, 2), grey(1, 1, 2)), FormatError, "sizes differ");
});
