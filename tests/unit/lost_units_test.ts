import { assert, assertEquals, assertThrows } from "@std/assert";
import { nalUnits } from "../../lib/codec/annexb.ts";
import { type AccessUnit, readStream, StreamError } from "../../lib/codec/stream.ts";

const fixture = (name: string) =>
  Deno.readFileSync(new URL(`../../fixtures/streams/${name}`, import.meta.url));

/** The beginning of a slice whose picture parameter set has a number that there is not. */
const BROKEN = [0xc0, 0x3f, 0xff];

/** The units that are left, and the numbers of those that are not. */
function read(file: Uint8Array<ArrayBuffer>): { units: AccessUnit[]; lost: number[] } {
  const lost: number[] = [];
  const units = [...readStream(file, undefined, (error, number) => {
    assert(error instanceof StreamError);
    lost.push(number);
  })];
  return { units, lost };
}

/** A file whose unit `number` has other bytes behind `keep` of it. */
function broken(file: Uint8Array<ArrayBuffer>, number: number, keep: number, byte = 0) {
  const { data } = [...readStream(file)][number];
  const at = data.byteOffset - file.byteOffset;
  const copy = file.slice();
  copy.fill(byte, at + keep, at + Math.min(data.length, keep + 8));
  return copy;
}

/** An H.264 file whose slices of these numbers have a header that nobody can read. */
function brokenSlices(file: Uint8Array<ArrayBuffer>, ...numbers: number[]) {
  const copy = file.slice();
  const slices = [...nalUnits(file)].filter(({ type }) => type === 1 || type === 5);
  for (const number of numbers) {
    const { payload } = slices[number];
    copy.set(BROKEN, payload.byteOffset);
  }
  return copy;
}

Deno.test("lost units: a broken frame in the middle costs that frame", () => {
  const cases: [name: string, keep: number, byte: number][] = [
    ["vp9-320x240.ivf", 0, 0],
    ["av1-320x240.ivf", 2, 0xff],
    ["stateful/vp8-320x240.ivf", 0, 0],
    // Behind the picture header.
    ["stateful/mpeg2-322x182.m2v", 9, 0xff],
  ];
  for (const [name, keep, byte] of cases) {
    const file = fixture(name);
    const whole = [...readStream(file)];
    const wrong = broken(file, 7, keep, byte);
    assertThrows(() => [...readStream(wrong)], StreamError);
    const { units, lost } = read(wrong);
    assertEquals(lost, [7], name);
    assertEquals(units.length, whole.length - lost.length, name);
    const expected = whole.filter((_, number) => !lost.includes(number));
    for (const [at, { data }] of units.entries()) assertEquals(data, expected[at].data, name);
    const shown = units.map(({ displayIndex }) => displayIndex).filter((index) => index >= 0);
    assertEquals(Math.max(...shown), shown.length - 1, name);
  }
});

Deno.test("lost units: a broken slice of H.264 costs its picture", () => {
  for (const name of ["h264-320x240.h264", "h264-322x182.h264", "h264-baseline.h264"]) {
    const file = fixture(name);
    const whole = [...readStream(file)];
    const wrong = brokenSlices(file, 5, 9);
    assertThrows(() => [...readStream(wrong)], StreamError);
    const { units, lost } = read(wrong);
    assertEquals(lost, [5, 9], name);
    const expected = whole.filter((_, number) => !lost.includes(number));
    assertEquals(units.length, expected.length, name);
    for (const [at, { data }] of units.entries()) assertEquals(data, expected[at].data, name);
    const shown = units.map(({ displayIndex }) => displayIndex);
    assertEquals(shown.toSorted((a, b) => a - b), shown.map((_, at) => at), name);
  }
});

Deno.test("lost units: of several slices the decoder tells the broken one", () => {
  const file = fixture("h264-slices.h264");
  const whole = [...readStream(file)];
  const { units, lost } = read(brokenSlices(file, 17));
  assertEquals(lost, []);
  assertEquals(units.length, whole.length);
  assertEquals(units.map(({ data }) => data.length), whole.map(({ data }) => data.length));
});

Deno.test("lost units: parameter sets in front of a broken slice stay", () => {
  const file = fixture("h264-320x240.h264");
  const { units, lost } = read(brokenSlices(file, 0));
  assertEquals(lost, [0]);
  const types = [...nalUnits(units[0].data)].map(({ type }) => type);
  assert(types.includes(7) && types.includes(8), `NAL units ${types}`);
});

Deno.test("lost units: where all are lost there is no stream", () => {
  const file = fixture("vp9-one-frame.ivf");
  const lost: number[] = [];
  const wrong = broken(file, 0, 0);
  const error = assertThrows(
    () => [...readStream(wrong, undefined, (_, number) => lost.push(number))],
    StreamError,
  );
  assertEquals(error.message, "no picture in it");
  assertEquals(lost, [0]);
});
