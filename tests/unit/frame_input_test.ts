import { assert, assertEquals, assertThrows } from "@std/assert";
import { writeFile } from "../../lib/files/whole_file.ts";
import { openFrameInput, type WantedFrames } from "../../lib/frames/frame_input.ts";
import { UsageError } from "../../lib/cli/parameters.ts";
import { pixelFormat } from "../../lib/image/pixel_format.ts";
import { IoBuffer } from "../../lib/sys/file.ts";
import type { Format } from "../../lib/v4l2/format.ts";
import { fourcc, V4L2_FIELD_NONE } from "../../lib/uapi/videodev2.ts";

const device: Format = {
  width: 4,
  height: 2,
  pixelformat: fourcc("GREY"),
  field: V4L2_FIELD_NONE,
  bytesperline: 4,
  sizeimage: 8,
  planes: [{ bytesperline: 4, sizeimage: 8 }],
};
const grey = pixelFormat("grey")!;
const nv12 = pixelFormat("nv12")!;
const h264 = pixelFormat("h264")!;
const mjpeg = pixelFormat("mjpeg")!;
const streams = new URL("../../fixtures/streams/", import.meta.url).pathname;

/** An input's format and size, and the bytes of each of its frames. */
function read(input: string, wanted: WantedFrames = {}, current = device) {
  using source = openFrameInput(input, wanted, current);
  const { format, width, height } = source;
  const target = new IoBuffer(new Uint8Array(1 << 16));
  const frames: Uint8Array[] = [];
  for (let round = 0; round < 2; round++) {
    for (let got = source.fill(target); got > 0; got = source.fill(target)) {
      frames.push(target.bytes.slice(0, got));
    }
    if (round === 0) source.rewind();
  }
  const once = frames.slice(0, frames.length / 2);
  assertEquals(frames.slice(once.length), once, "other frames after a rewind");
  return { is: `${width}x${height} ${format.name}`, frames: once };
}

function withFile(name: string, content: Uint8Array<ArrayBuffer>, body: (path: string) => void) {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/${name}`;
    writeFile(path, content);
    body(path);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const ascii = (text: string) => new Uint8Array(new TextEncoder().encode(text));

Deno.test("input: a pattern has the device's format and size, or those asked for", () => {
  using one = openFrameInput("pattern", {}, device);
  assertEquals([one.width, one.height, one.format], [4, 2, grey]);
  using other = openFrameInput("pattern:noise", { format: nv12, size: [6, 2] }, device);
  const target = new IoBuffer(new Uint8Array(32));
  assertEquals(other.fill(target), 18);
  assertThrows(() => openFrameInput("pattern:", {}, device), Error, 'no pattern ""');
  assertThrows(
    () => openFrameInput("pattern", { format: h264 }, device),
    Error,
    "a pattern cannot be h264",
  );
});

Deno.test("input: a stream whose frames nobody here can tell apart", () => {
  withFile("a.ivf", ascii("DKIF"), (path) =>
    assertThrows(
      () => openFrameInput(path, { format: pixelFormat("vp8") }, device),
      UsageError,
      `${path}: streams of mjpeg and h264 can be passed on, not of vp8`,
    ));
});

Deno.test("input: raw frames by the file's name", () => {
  const content = Uint8Array.from({ length: 24 }, (_, i) => i);
  const frames = (size: number) =>
    Array.from({ length: 24 / size }, (_, i) => content.slice(i * size, (i + 1) * size));
  withFile("a.raw", content, (path) => {
    assertEquals(read(path), { is: "4x2 grey", frames: frames(8) });
    const wanted = { format: nv12, size: [2, 2] };
    assertEquals(read(path, wanted), { is: "2x2 nv12", frames: frames(6) });
  });
  withFile("a.nv12", content, (path) => {
    assertEquals(read(path), { is: "4x2 nv12", frames: frames(12) });
    assertEquals(read(path, { format: grey }), { is: "4x2 grey", frames: frames(8) });
  });
  withFile("a.raw", content, (path) => {
    const current = { ...device, pixelformat: fourcc("MJPG") };
    const message = "--format is needed: the device is set to MJPG";
    assertThrows(() => openFrameInput(path, {}, current), UsageError, message);
  });
});

Deno.test("input: a PGM is one grey frame of its own size", () => {
  withFile("a.pgm", ascii("P5\n3 1\n255\nabc"), (path) => {
    assertEquals(read(path), { is: "3x1 grey", frames: [ascii("abc")] });
    assertThrows(
      () => openFrameInput(path, { size: [4, 1] }, device),
      Error,
      `${path}: is 3x1, --size asks for 4x1`,
    );
    assertThrows(
      () => openFrameInput(path, { format: nv12 }, device),
      Error,
      `${path}: a PGM is grey, --format asks for nv12`,
    );
  });
});

Deno.test("input: an H.264 stream is passed on, access unit by access unit", () => {
  const path = `${streams}h264-320x240.h264`;
  const { is, frames } = read(path, { format: h264 });
  assertEquals([is, frames.length], ["320x240 h264", 30]);
  const size = frames.reduce((size, { length }) => size + length, 0);
  assertEquals(size, Deno.statSync(path).size);
  assertThrows(
    () => openFrameInput(path, { format: mjpeg }, device),
    Error,
    `${path}: JPEG image at byte 0: no start of image`,
  );
  assertThrows(
    () => openFrameInput(path, { format: h264, size: [640, 480] }, device),
    Error,
    "is 320x240, --size asks for 640x480",
  );
});

Deno.test("input: a stream that is cut off gives its whole frames first", () => {
  const image = Uint8Array.of(
    ...[0xff, 0xd8, 0xff, 0xc0, 0, 8, 8, 0, 2, 0, 4, 0],
    ...[0xff, 0xda, 0, 2, 1, 2, 3, 0xff, 0xd9],
  );
  withFile("a.mjpeg", Uint8Array.of(...image, ...image.subarray(0, 9)), (path) => {
    using source = openFrameInput(path, { format: mjpeg }, device);
    assertEquals([source.width, source.height], [4, 2]);
    const target = new IoBuffer(new Uint8Array(64));
    assertEquals(source.fill(target), image.length);
    assertThrows(() => source.fill(target), Error, `${path}: JPEG image at byte ${image.length}`);
    source.rewind();
    const small = new IoBuffer(new Uint8Array(8));
    const message = `${path}: frame 0 has ${image.length} bytes, a buffer of the device 8`;
    assertThrows(() => source.fill(small), Error, message);
  });
});

Deno.test("input: what is not there, or is empty", () => {
  for (const name of ["a.raw", "a.pgm"]) {
    assertThrows(() => openFrameInput(`/nowhere/${name}`, {}, device), Error, `/nowhere/${name}: `);
  }
  withFile("a.raw", new Uint8Array(), (path) => assert(read(path).frames.length === 0));
});

/** In a shell line: waits until its reader has as many frames as it waits for. */
const HAD = "until [ -e had ]; do sleep 0.02; done";

/**
 * What a shell line writes to a pipe, frame by frame.
 *
 * @param awaited number of frames that are had before the line goes on behind `HAD`
 */
async function live(line: string, format: string, awaited = 0) {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/pipe`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  const args = ["-c", `{ ${line}; } >pipe`];
  const writer = new Deno.Command("sh", { args, cwd: folder }).spawn();
  const end = performance.now() + 60_000;
  try {
    using source = openFrameInput(path, { format: pixelFormat(format)! }, device);
    const target = new IoBuffer(new Uint8Array(1 << 16));
    const frames: Uint8Array[] = [];
    for (let got = source.fill(target); got !== 0; got = source.fill(target)) {
      if (got > 0) {
        frames.push(target.bytes.slice(0, got));
        if (frames.length === awaited) Deno.writeTextFileSync(`${folder}/had`, "");
      }
      assert(performance.now() < end, `${frames.length} frames, and no more in a minute`);
    }
    return { is: `${source.width}x${source.height}`, frames };
  } finally {
    Deno.writeTextFileSync(`${folder}/had`, "");
    await writer.status;
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("input: a compressed stream in a pipe comes frame by frame", async () => {
  const image = [
    ...["ff", "d8", "ff", "c0", "00", "08", "08", "00", "02", "00", "04", "00"],
    ...["ff", "da", "00", "02", "01", "02", "03", "ff", "d9"],
  ].map((byte) => `\\${parseInt(byte, 16).toString(8)}`).join("");
  const once = `printf '${image}'`;
  // The first image does not wait for the second.
  const motion = await live(`${once}; ${HAD}; ${once}; ${once}`, "mjpeg", 1);
  assertEquals([motion.is, motion.frames.map(({ length }) => length)], ["4x2", [21, 21, 21]]);

  const path = `${streams}h264-320x240.h264`;
  const { frames } = read(path, { format: h264 });
  const half = frames.slice(0, 15).reduce((size, { length }) => size + length, 0);
  const cat = `head -c ${half + 200} ${path}; ${HAD}; tail -c +${half + 201} ${path}`;
  const stream = await live(cat, "h264", 15);
  assertEquals([stream.is, stream.frames], ["320x240", frames]);
  // In the smallest pieces, too.
  const crumbs = await live(`dd if=${path} bs=7 2>/dev/null`, "h264");
  assertEquals(crumbs.frames, frames);
});

Deno.test("input: a stream in a pipe that is cut off gives its whole frames first", async () => {
  const path = `${streams}h264-320x240.h264`;
  const message = await live(`printf '\\377\\330\\377'`, "mjpeg").then(
    () => "",
    (error) => error.message,
  );
  assert(message.endsWith("pipe: the last JPEG image is cut off after 3 bytes"), message);
  const none = await live("true", "h264").then(() => "", (error) => error.message);
  assert(none.endsWith("pipe: holds no frame"), none);
  const cut = await live(`head -c 3000 ${path}`, "h264");
  assert(cut.frames.length > 0);
});

Deno.test("input: a stream in a container is named, with the command that takes it out", () => {
  for (
    const [name, begins, format] of [
      ["AVI", "RIFF....AVI LIST", mjpeg],
      ["MP4", "....ftypisom", h264],
    ] as const
  ) {
    withFile("film", ascii(begins), (path) => {
      const message = `${path}: is a file of ${name}, of which the stream has to be taken out: ` +
        `ffmpeg -i ${path} -c:v copy -f ${format.name} - | loop-write DEV - --format ${format.name}`;
      assertThrows(() => openFrameInput(path, { format }, device), Error, message);
    });
  }
});
