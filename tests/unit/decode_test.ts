import { assert, assertEquals, assertThrows } from "@std/assert";
import type { StopRequest } from "../../lib/cli/stop.ts";
import { FrameDigest } from "../../lib/files/frame_digest.ts";
import { FrameFile } from "../../lib/files/frame_file.ts";
import { DecodeRun } from "../../lib/frames/decode_run.ts";
import { DisplayOrder } from "../../lib/image/display_order.ts";
import type { Rectangle } from "../../lib/image/rectangle.ts";
import { PICTURE_LAYOUTS, type PictureFormat } from "../../lib/image/pixel_format.ts";
import { runsOf, samplePlanes } from "../../lib/image/sample_planes.ts";
import { EAGAIN, SysError } from "../../lib/sys/errno.ts";
import { File, O_NONBLOCK, O_RDWR } from "../../lib/sys/file.ts";
import { GatherBuffer } from "../../lib/sys/gather.ts";

const lying = (format: PictureFormat, height: number, ...bytesperlines: number[]) =>
  samplePlanes(PICTURE_LAYOUTS[format], height, bytesperlines);

const whole = (width: number, height: number): Rectangle => ({ left: 0, top: 0, width, height });

Deno.test("picture: without padding it is one run", () => {
  assertEquals(runsOf(lying("nv12", 4, 64), whole(64, 4)), [{
    memory: 0,
    offset: 0,
    length: 64 * 6,
  }]);
  assertEquals(runsOf(lying("p010", 4, 64), whole(32, 4)), [{
    memory: 0,
    offset: 0,
    length: 64 * 6,
  }]);
});

Deno.test("picture: rows below the visible ones part luma from chroma", () => {
  assertEquals(runsOf(lying("nv12", 16, 64), whole(64, 12)), [
    { memory: 0, offset: 0, length: 64 * 12 },
    { memory: 0, offset: 64 * 16, length: 64 * 6 },
  ]);
});

Deno.test("picture: planes in memory of their own are a run each", () => {
  assertEquals(runsOf(lying("nv12m", 4, 64, 64), whole(64, 4)), [
    { memory: 0, offset: 0, length: 256 },
    { memory: 1, offset: 0, length: 128 },
  ]);
  assertEquals(runsOf(lying("ym12", 4, 64, 32, 32), whole(64, 4)), [
    { memory: 0, offset: 0, length: 256 },
    { memory: 1, offset: 0, length: 64 },
    { memory: 2, offset: 0, length: 64 },
  ]);
});

Deno.test("picture: an odd size has a column and a row of chroma more", () => {
  const runs = runsOf(lying("nv12", 3, 64), whole(5, 3));
  assertEquals(runs.map(({ offset, length }) => [offset, length]), [
    [0, 5],
    [64, 5],
    [128, 5],
    [192, 6],
    [256, 6],
  ]);
});

Deno.test("picture: rows of a chroma by itself are half as far apart", () => {
  const runs = runsOf(lying("yu12", 3, 64), { left: 2, top: 0, width: 5, height: 3 });
  assertEquals(runs.map(({ offset, length }) => [offset, length]), [
    [2, 5],
    [66, 5],
    [130, 5],
    [193, 3],
    [225, 3],
    [257, 3],
    [289, 3],
  ]);
});

Deno.test("picture: cropped on all sides, as each sample by itself says", () => {
  for (const [format, bytesPerSample] of [["nv12", 1], ["p010", 2]] as const) {
    const stride = 64 * bytesPerSample;
    const height = 32;
    const crop = { left: 6, top: 4, width: 21, height: 13 };
    const layout = lying(format, height, stride);
    const expected: number[] = [];
    const sample = (offset: number) => {
      for (let i = 0; i < bytesPerSample; i++) expected.push(offset + i);
    };
    for (let y = 4; y < 4 + 13; y++) {
      for (let x = 6; x < 6 + 21; x++) sample(y * stride + x * bytesPerSample);
    }
    // 21x13 pixels have 11x7 pairs of chroma.
    for (let y = 2; y < 2 + 7; y++) {
      for (let x = 3; x < 3 + 11; x++) {
        for (const part of [0, 1]) sample((height + y) * stride + (2 * x + part) * bytesPerSample);
      }
    }
    const bytes = runsOf(layout, crop).flatMap(({ offset, length }) =>
      Array.from({ length }, (_, i) => offset + i)
    );
    assertEquals(bytes, expected);
  }
});

Deno.test("display order: pictures wait for their turn", () => {
  const order = new DisplayOrder(0, 8);
  const shown: number[][] = [];
  // Decoding order I0 P4 B2 B1 B3 P5; the picture of place n is number 10 + n.
  for (const place of [0, 4, 2, 1, 3, 5]) {
    order.put(place, 10 + place);
    const now: number[] = [];
    for (let picture = order.take(); picture >= 0; picture = order.take()) {
      assertEquals(order.taken, picture - 10);
      now.push(picture);
    }
    shown.push(now);
  }
  assertEquals(shown, [[10], [], [], [11, 12], [13, 14], [15]]);
  assertEquals(order.held, 0);
});

Deno.test("display order: nobody waits for what is lost", () => {
  const order = new DisplayOrder(3, 4);
  order.put(5, 1);
  order.lose(3);
  assertEquals(order.take(), -1);
  order.lose(4);
  assertEquals([order.take(), order.taken], [1, 5]);
  assertEquals(order.take(), -1);
});

Deno.test("display order: at the end what is missing is passed over", () => {
  const order = new DisplayOrder(0, 8);
  order.put(2, 7);
  order.put(6, 8);
  assertEquals([order.take(), order.held], [-1, 2]);
  assertEquals([order.take(true), order.taken], [7, 2]);
  assertEquals([order.take(true), order.taken], [8, 6]);
  assertEquals(order.take(true), -1);
  assertThrows(() => order.put(6, 1), RangeError);
  assertThrows(() => order.put(15, 1), RangeError);
  order.put(14, 3);
  assertEquals(order.take(true), 3);
});

Deno.test("frame file: parts in their order, more than one call takes", () => {
  const memory = Uint8Array.from({ length: 9000 }, (_, i) => i * 7);
  const parts = Array.from({ length: 3000 }, (_, i) => memory.subarray(i * 3, i * 3 + 2));
  const frame = new GatherBuffer(parts);
  assertEquals(frame.size, 6000);
  const path = `${Deno.makeTempDirSync()}/folder/frames`;
  {
    using file = new FrameFile(path);
    file.append(frame);
    memory[0] = 99;
    file.append(frame);
  }
  const expected = [...memory].filter((_, i) => i % 3 < 2);
  assertEquals([...Deno.readFileSync(path)], [0, ...expected.slice(1), ...expected]);
});

Deno.test("frame file: of a frame that a full disk cuts off nothing stays", () => {
  using full = new FrameFile("/dev/full");
  assertThrows(
    () => full.append(new GatherBuffer([new Uint8Array(100)])),
    SysError,
    "/dev/full: write: No space left on device (ENOSPC)",
  );
});

Deno.test("gather: what a call leaves over is written by the next", () => {
  const path = `${Deno.makeTempDirSync()}/fifo`;
  new Deno.Command("mkfifo", { args: [path] }).outputSync();
  using fifo = File.open(path, O_RDWR | O_NONBLOCK);
  // A pipe takes 64 KiB, so a call is cut off within the second part.
  const parts = [40_000, 40_000].map((size, i) => new Uint8Array(size).fill(i + 1));
  assertEquals(new GatherBuffer(parts).tryWrite(fifo.fd), -EAGAIN);
  using reader = Deno.openSync(path);
  const got = new Uint8Array(100_000);
  assertEquals(reader.readSync(got), 65536);
  assertEquals([got[39_999], got[40_000], got[65_535]], [1, 2, 2]);
});

Deno.test("digest: a line a frame with the CRC-32 that everybody has", () => {
  const path = `${Deno.makeTempDirSync()}/digest`;
  {
    using digest = new FrameDigest(path);
    const bytes = (text: string) => new Uint8Array(new TextEncoder().encode(text));
    const frame = new GatherBuffer([bytes("1234"), bytes("56789")]);
    digest.add(0, frame);
    digest.add(2, new GatherBuffer([new Uint8Array(32)]));
    // Often enough for V8 to compile it.
    for (let i = 0; i < 20_000; i++) digest.add(3, frame);
    digest.flush();
  }
  // "123456789" is the check value in every catalogue of CRCs.
  const check = " cbf43926\n";
  assertEquals(
    Deno.readTextFileSync(path),
    `0${check}2 190a55ad\n` + `3${check}`.repeat(20_000),
  );
});

Deno.test("decoding: last checksums that cannot be written do not cost the figures of the run", () => {
  const settings = {
    ...{ input: "in.ivf", output: "/dev/null", device: "/dev/none", digest: "/dev/full" },
    ...{ codec: undefined, buffers: 4, format: undefined, timeout: 1 },
  };
  const session = { quiet: true, stop: { requested: false } as StopRequest, warn() {} };
  using run = new DecodeRun(settings, "vp9", 1, session);
  run.begins({ width: 4, height: 4, format: "nv12" });
  run.write(new GatherBuffer([new Uint8Array(24)]), 0, false);
  const { text, failure } = run.report(undefined);
  assertEquals(failure?.message, "/dev/full: write: No space left on device (ENOSPC)");
  assert(text[0].includes("4x4 nv12"), text[0]);
});
