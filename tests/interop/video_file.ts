/**
 * VideoFile against the ffmpeg command: files of several kinds, made here or committed, to each
 * format, byte for byte. Run it in a guest, by `ffmpeg.ts`. With another FFmpeg than 7 files that
 * say which range their samples have differ.
 *
 * @module
 */
import { Frame } from "../../lib/ffmpeg/frame.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { RAW_FORMATS, type RawFormat, rawLayout } from "../../lib/ffmpeg/raw_layout.ts";
import { destination, Scaler } from "../../lib/ffmpeg/scaler.ts";
import { VideoFile } from "../../lib/ffmpeg/video_file.ts";
import { crc32 } from "../../lib/image/crc32.ts";
import { cString } from "../../lib/sys/libc.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";

const STREAMS = new URL("../../fixtures/streams/", import.meta.url).pathname;
const GUARD_BYTES = 128;
// AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED.
const NO_COLOUR = { space: 2, range: 0 };

/** Standard output of the ffmpeg command. */
function ffmpeg(...args: string[]): Uint8Array {
  const { success, stdout, stderr } = new Deno.Command("ffmpeg", {
    args: ["-v", "error", "-nostdin", "-y", ...args],
  }).outputSync();
  expect(success, `ffmpeg ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** Every frame from here on, one behind the other; at most `most`. */
function frames(video: VideoFile, most = Infinity): Uint8Array {
  const parts: Uint8Array[] = [];
  const frame = new Uint8Array(video.size);
  while (parts.length < most && video.readInto(frame)) parts.push(frame.slice());
  const all = new Uint8Array(parts.length * video.size);
  for (const [at, part] of parts.entries()) all.set(part, at * video.size);
  return all;
}

function expectSame(what: string, actual: Uint8Array, expected: Uint8Array): void {
  expectEqual(`${what}: bytes`, actual.length, expected.length);
  expect(actual.length > 0, `${what}: no frames`);
  if (crc32(actual) === crc32(expected)) return;
  const at = actual.findIndex((byte, at) => byte !== expected[at]);
  expect(at < 0, `${what}: byte ${at} is ${actual[at]}, expected is ${expected[at]}`);
}

/** Frames of the ffmpeg command: one run, each format to a file of its own. */
function reference(
  folder: string,
  path: string,
  [width, height]: readonly [number, number],
  formats: readonly RawFormat[],
): Map<RawFormat, Uint8Array> {
  const outputs = formats.map((format) => [format, `${folder}/${format.fourcc}.raw`] as const);
  ffmpeg(
    ...["-i", path],
    ...outputs.flatMap(([format, file]) => [
      ...["-map", "0:v:0", "-fps_mode", "passthrough", "-s", `${width}x${height}`],
      ...["-sws_flags", "bicubic", "-pix_fmt", format.ffmpeg],
      ...["-f", "rawvideo", file],
    ]),
  );
  return new Map(outputs.map(([format, file]) => [format, Deno.readFileSync(file)]));
}

const NOISE = "testsrc2=size=320x240:rate=30000/1001:duration=1,noise=alls=20";
const SOUND = ["-f", "lavfi", "-i", "sine=duration=1"];

/** Files that FFmpeg makes on the spot, by name. */
const MADE: Readonly<Record<string, readonly string[]>> = {
  // Sound first, B-frames, a matrix that is not the default one.
  "sound.mp4": [
    ...[...SOUND, "-f", "lavfi", "-i", NOISE, "-map", "0:a", "-map", "1:v"],
    ...["-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", "-pix_fmt", "yuv420p"],
    ...["-c:v", "libx264", "-preset", "veryfast", "-bf", "2"],
  ],
  "full-range.mkv": [
    ...["-f", "lavfi", "-i", NOISE, "-vf", "scale=out_range=full,format=yuv422p"],
    ...["-color_range", "pc", "-c:v", "ffv1"],
  ],
  "rgb: a colon.mkv": ["-f", "lavfi", "-i", NOISE, "-pix_fmt", "bgr0", "-c:v", "ffv1"],
  "jpeg.avi": ["-f", "lavfi", "-i", NOISE, "-pix_fmt", "yuvj422p", "-c:v", "mjpeg"],
  "stream.ts": ["-f", "lavfi", "-i", NOISE, "-pix_fmt", "yuv420p", "-c:v", "mpeg2video"],
};

const COMMITTED = [
  "vp9-320x240.ivf",
  "h264-320x240.h264",
  "h264-322x182.h264",
  "h264-interlaced.h264",
  "av1-322x182.ivf",
  "av1-10bit.ivf",
  // Opened with the first frame's size, which the others are scaled to.
  "vp9-resize.ivf",
];

/** Converts into memory that is filled with one value, and with another: all of it must change. */
function expectWhole(
  library: Ffmpeg,
  source: string,
  format: RawFormat,
  [width, height]: readonly [number, number],
  [fromWidth, fromHeight] = [width, height],
): void {
  const layout = rawLayout(format, width, height);
  using frame = new Frame(library);
  frame.allocate(library.avutil.av_get_pix_fmt(cString(source)), fromWidth, fromHeight);
  using scaler = new Scaler(library, frame, NO_COLOUR, layout);
  const what = `${source} ${fromWidth}x${fromHeight} to ${format.fourcc} ${width}x${height}`;
  const written = [0x00, 0xff].map((guard) => {
    using memory = Mapping.anonymous(layout.size + 2 * GUARD_BYTES);
    memory.bytes.fill(guard);
    scaler.scale(frame, destination(layout, BigInt(memory.address + GUARD_BYTES)));
    const end = GUARD_BYTES + layout.size;
    const around = [...memory.bytes.subarray(0, GUARD_BYTES), ...memory.bytes.subarray(end)];
    const outside = around.filter((byte) => byte !== guard).length;
    expectEqual(`${what}: bytes outside`, outside, 0);
    return memory.bytes.slice(GUARD_BYTES, end);
  });
  const left = written[0].filter((byte, at) => byte !== written[1][at]).length;
  expectEqual(`${what}: bytes left out`, left, 0);
}

const residentKb = () =>
  Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;

/** What opening or reading a file throws. */
function complaint(path: string, format = "GREY"): string {
  try {
    using video = VideoFile.open(path, { format });
    frames(video);
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing";
}

/** Adds the checks to a suite. */
export async function checkVideoFile(suite: Suite, library: Ffmpeg): Promise<void> {
  const folder = Deno.makeTempDirSync();
  const made = Object.entries(MADE).map(([name, args]) => {
    ffmpeg(...args, "-shortest", `${folder}/${name}`);
    return `${folder}/${name}`;
  });
  const [mp4] = made;
  const files = [...COMMITTED.map((name) => STREAMS + name), ...made];

  await suite.check("video file: converting writes the frame, and nothing else", () => {
    let conversions = 0;
    for (const source of ["yuv420p", "yuv420p10le", "yuv422p", "yuvj420p", "rgb24", "gray"]) {
      for (const format of RAW_FORMATS) {
        for (const width of [1, 2, 3, 7, 15, 16, 17, 24, 31, 32, 48, 63, 80, 112, 130, 144, 176]) {
          for (const height of [1, 2, 18]) {
            expectWhole(library, source, format, [width, height]);
            expectWhole(library, source, format, [width, height], [48, 32]);
            conversions += 2;
          }
        }
      }
    }
    return `${conversions} sizes and formats, every byte inside and none outside`;
  });

  for (const path of files) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    await suite.check(`video file: ${name} as the ffmpeg command has it`, () => {
      using opened = VideoFile.open(path, { format: "GREY" });
      let count = 0;
      for (const [width, height] of [[opened.width, opened.height], [304, 202]] as const) {
        const expected = reference(folder, path, [width, height], RAW_FORMATS);
        for (const [format, bytes] of expected) {
          using video = VideoFile.open(path, { format: format.fourcc, width, height });
          expectSame(`${format.fourcc} ${width}x${height}`, frames(video), bytes);
          expectEqual(`${format.fourcc} ${width}x${height}: skipped`, video.skipped, 0);
          count += bytes.length / video.size;
        }
      }
      return `${count} frames, ${RAW_FORMATS.length} formats, their own size and 304x202`;
    });
  }

  await suite.check("video file: size and rate are the file's", () => {
    using video = VideoFile.open(mp4, { format: "NV12" });
    expectEqual("width", video.width, 320);
    expectEqual("height", video.height, 240);
    expectEqual("rate", `${video.rate.numerator}/${video.rate.denominator}`, "30000/1001");
    return "320x240, 30000/1001 a second";
  });

  await suite.check("video file: rewound, it begins with its first frame again", () => {
    let count = 0;
    for (const path of files) {
      using video = VideoFile.open(path, { format: "YU12" });
      const whole = frames(video);
      for (const most of [0, 1, 3, Infinity]) {
        video.rewind();
        frames(video, most);
        video.rewind();
        expectSame(`${path} after ${most} frames`, frames(video), whole);
        count++;
      }
    }
    return `${count} times`;
  });

  await suite.check("video file: a frame lands at any address", () => {
    using video = VideoFile.open(mp4, { format: "NV12" });
    const aligned = frames(video, 1);
    using memory = Mapping.anonymous(video.size + 64);
    for (let offset = 0; offset < 64; offset += 7) {
      video.rewind();
      const destination = memory.bytes.subarray(offset, offset + video.size);
      expect(video.readInto(destination), "no frame");
      expectSame(`at offset ${offset}`, destination, aligned);
    }
    return "10 offsets in mapped memory";
  });

  await suite.check("video file: broken frames are left out and counted", () => {
    const bytes = Deno.readFileSync(`${folder}/jpeg.avi`);
    // A frame is 00dc, its size, and a JPEG, which begins with ff d8.
    const starts = [...bytes.keys()].filter((at) =>
      bytes[at + 8] === 0xff && bytes[at + 9] === 0xd8 &&
      String.fromCharCode(...bytes.subarray(at, at + 4)) === "00dc"
    );
    const broken = [0, 7, 8, 20];
    for (const start of broken.map((frame) => starts[frame])) {
      const size = new DataView(bytes.buffer).getUint32(start + 4, true);
      bytes.fill(0, start + 8, start + 8 + size);
    }
    const path = `${folder}/broken.avi`;
    Deno.writeFileSync(path, bytes);
    using video = VideoFile.open(path, { format: "GREY" });
    const count = frames(video).length / video.size;
    expectEqual("skipped", video.skipped, broken.length);
    expectEqual("frames", count, starts.length - broken.length);
    video.rewind();
    frames(video);
    expectEqual("skipped, read twice", video.skipped, 2 * broken.length);
    return `${broken.length} of ${starts.length}, ${count} frames read`;
  });

  await suite.check("video file: whatever is in it, it ends", () => {
    const bytes = Deno.readFileSync(mp4);
    const path = `${folder}/damaged.mp4`;
    let read = 0;
    let refused = 0;
    for (let trial = 1; trial <= 60; trial++) {
      const damaged = bytes.slice();
      // Every byte that a generator hits; the same ones each time.
      let state = trial;
      for (let hit = 0; hit < trial * 4; hit++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        damaged[state % damaged.length] ^= 1 << (state >>> 29);
      }
      Deno.writeFileSync(path, damaged);
      try {
        using video = VideoFile.open(path, { format: "NV12", width: 64, height: 48 });
        read += frames(video, 1000).length / video.size;
      } catch (error) {
        const { message } = error as Error;
        expect(message.startsWith(`${path}: `), `'${message}' does not name the file`);
        refused++;
      }
    }
    return `${read} frames of 60 damaged files, ${refused} of them refused`;
  });

  await suite.check("video file: complaints name the file and what FFmpeg says", () => {
    Deno.writeTextFileSync(`${folder}/garbage.mp4`, "\u0001nothing".repeat(1000));
    Deno.writeTextFileSync(`${folder}/empty.mkv`, "");
    ffmpeg(...SOUND, `${folder}/sound.wav`);
    const expected = {
      "missing.mp4": "avformat_open_input: No such file or directory (ENOENT)",
      "garbage.mp4": "avformat_open_input: Invalid data found when processing input",
      "empty.mkv": "avformat_open_input: Invalid data found when processing input",
      "sound.wav": "av_find_best_stream of video: Stream not found",
    };
    for (const [name, why] of Object.entries(expected)) {
      const path = `${folder}/${name}`;
      expectEqual("complaint", complaint(path), `${path}: ${why}`);
    }
    const other = complaint(mp4, "MJPG");
    expect(other.startsWith(`${mp4}: no conversion to MJPG; there is one to GREY, `), other);
    const before = descriptors();
    for (let turn = 0; turn < 20; turn++) complaint(mp4, "MJPG");
    expectEqual("descriptors after 20 files that were refused", descriptors(), before);
    return `${Object.keys(expected).length + 1} kinds`;
  });

  await suite.check("video file: memory after 2,000 frames and 65 times from the start", () => {
    using video = VideoFile.open(mp4, { format: "NV12", width: 640, height: 480 });
    const frame = new Uint8Array(video.size);
    const run = (count: number) => {
      for (let done = 0; done < count; done++) {
        if (video.readInto(frame)) continue;
        video.rewind();
      }
    };
    run(2_000);
    const [before, open] = [residentKb(), descriptors()];
    run(2_000);
    const grown = residentKb() - before;
    expectEqual("descriptors", descriptors(), open);
    expect(grown < 2048, `${grown} kB more after 2,000 frames than before`);
    return `${grown} kB more after another 2,000`;
  });

  Deno.removeSync(folder, { recursive: true });
}
