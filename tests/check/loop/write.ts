/**
 * loop-write: its inputs, its clock, its ends and its errors.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { jpegImages } from "../../../lib/codec/jpeg.ts";
import { readStream } from "../../../lib/codec/stream.ts";
import { VideoFile } from "../../../lib/ffmpeg/video_file.ts";
import { MovingPattern } from "../../../lib/image/moving_pattern.ts";
import { randomBytes } from "../../../lib/image/patterns.ts";
import {
  GREY,
  isCompressed,
  type PixelFormat,
  pixelFormat,
} from "../../../lib/image/pixel_format.ts";
import { readPgm } from "../../../lib/files/pgm_files.ts";
import { fourcc, V4L2_BUF_TYPE_VIDEO_CAPTURE } from "../../../lib/uapi/videodev2.ts";
import { type Context, readCsv, rowsSoFar } from "../../harness/context.ts";
import { digestsOf } from "../decoder/file.ts";
import { expectBytes, openCapture, Reader } from "./client.ts";
import { someRows } from "../../harness/expectations.ts";
import { loopStats, loopStatsSince } from "../../harness/nodes.ts";
import { Patience } from "../../harness/patience.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { delay, until } from "../../harness/waiting.ts";
import { sha256 } from "../../harness/bytes.ts";
import { refusalChecks } from "../../harness/refusals.ts";

const STREAM = "h264-320x240.h264";
const SMALL = [64, 48] as const;
const SMALL_BYTES = 64 * 48;
// Not the default.
const RATE = 31.25;
/** Frames after which a clock that drifts is late. */
const SETTLED = 30;
const WAIT_S = 60;

type Bytes = Uint8Array<ArrayBuffer>;

/** An image that is none but for its markers: as long as its number says. */
function jpeg(number: number): Bytes {
  const scan = randomBytes(100 + 997 * number, number + 1).map((byte) => byte === 0xff ? 0 : byte);
  return Buffer.concat([
    Uint8Array.of(0xff, 0xd8, 0xff, 0xc0, 0, 8, 8, 0, SMALL[1], 0, SMALL[0], 1),
    Uint8Array.of(0xff, 0xda, 0, 2),
    scan,
    Uint8Array.of(0xff, 0xd9),
  ]);
}

/** Frames of a known content, and how loop-write gets them. */
interface Source {
  readonly name: string;
  readonly format: PixelFormat;
  readonly size: readonly [width: number, height: number];
  readonly frames: readonly Uint8Array[];
  readonly args: readonly (string | number)[];
}

function sources({ scratch, fixtures }: Context): Source[] {
  const file = (name: string, frames: readonly Uint8Array[]) => {
    const path = `${scratch}/${name}`;
    Deno.writeFileSync(path, Buffer.concat(frames));
    return path;
  };
  const nv12 = pixelFormat("nv12")!;
  const raw = Array.from({ length: 4 }, (_, i) => randomBytes(SMALL_BYTES * 3 / 2, i + 1));
  const moving = new MovingPattern("bars", GREY, ...SMALL);
  const pattern = Array.from({ length: 12 }, (_, i) => {
    const frame = new Uint8Array(SMALL_BYTES);
    moving.fill(frame, i);
    return frame;
  });
  const pgm = `${fixtures}/odd-641x3.pgm`;
  const still = readPgm(pgm).pixels;
  const stream = `${fixtures}/streams/${STREAM}`;
  const units = [...readStream(Deno.readFileSync(stream))].map(({ data }) => data);
  const images = Array.from({ length: 12 }, (_, i) => jpeg(i));
  const motion = file("images.mjpeg", images);
  expectEqual("images of the MJPEG stream", [...jpegImages(Deno.readFileSync(motion))].length, 12);
  return [
    {
      ...{ name: "raw frames, again and again", format: nv12, size: SMALL },
      frames: [...raw, ...raw, ...raw],
      ...{ args: [file("frames.nv12", raw), "--size", SMALL.join("x"), "--loop"] },
    },
    {
      ...{ name: "a pattern", format: GREY, size: SMALL, frames: pattern },
      args: ["pattern", "--size", SMALL.join("x"), "--format", "grey"],
    },
    {
      ...{ name: "a PGM", format: GREY, size: [641, 3], frames: Array(6).fill(still) },
      args: [pgm, "--loop"],
    },
    {
      ...{ name: "H.264 as it is, by write", format: pixelFormat("h264")!, size: [320, 240] },
      ...{ frames: units, args: [stream, "--format", "h264", "--io", "write"] },
    },
    {
      ...{ name: "MJPEG as it is", format: pixelFormat("mjpeg")!, size: SMALL, frames: images },
      args: [motion, "--format", "mjpeg"],
    },
  ];
}

/** What FFmpeg's libraries make of the stream, which is what its committed digest says. */
function decoded(context: Context): Source {
  const [digest] = digestsOf(context, STREAM);
  const path = `${context.fixtures}/streams/${STREAM}`;
  const frames: Bytes[] = [];
  try {
    using video = VideoFile.open(path, { format: "NV12" });
    const frame = new Uint8Array(video.size);
    while (video.readInto(frame)) frames.push(frame.slice());
  } catch (error) {
    // Without the libraries nothing can be decoded, which is no fault of what is checked.
    if ((error as Error).message.includes("FFmpeg: ")) throw new Skip((error as Error).message);
    throw error;
  }
  expectEqual("frames", frames.length, digest.frames);
  expectEqual("SHA-256 of all", sha256(Buffer.concat(frames)), digest.sha256);
  return {
    ...{ name: "a video file", format: pixelFormat("nv12")!, size: [320, 240], frames },
    args: [path, "--format", "nv12"],
  };
}

/**
 * Has loop-write write the frames, and compares each of those that arrive: in the end all of them.
 * Nobody waits for a reader, so on a machine that had no time for this one some are lost, which the
 * node counts, and come another time.
 */
async function expectWritten(context: Context, node: string, source: Source): Promise<string> {
  const { format, frames } = source;
  const compared = new Set<number>();
  const patience = new Patience(WAIT_S, () => compared.size);
  for (let attempt = 1;; attempt++) {
    await write(context, node, source, compared);
    if (compared.size === frames.length) {
      const bytes = isCompressed(format) ? "of any size" : `of ${frames[0].length} bytes`;
      return `all ${frames.length} frames ${bytes} compared (attempt ${attempt})`;
    }
    const missing = frames.map((_, number) => number).filter((number) => !compared.has(number));
    expect(!patience.isOver, `lost in each of ${attempt} attempts: frames ${missing}`);
  }
}

/** Writes once, and compares what arrives. */
async function write(
  context: Context,
  node: string,
  source: Source,
  compared: Set<number>,
): Promise<void> {
  const { format, size: [width, height], frames, args } = source;
  {
    // The reader is there first, and its buffers fit.
    using device = openCapture(node);
    const pixelformat = fourcc(format.fourcc);
    device.setFormat(V4L2_BUF_TYPE_VIDEO_CAPTURE, { width, height, pixelformat });
  }
  using reader = new Reader(node, "mmap", 8);
  const before = loopStats(node);
  await using tool = context.start(
    ...["loop-write", node, ...args, "--frames", frames.length, "--json"] as const,
    ...["--fps", 25, "--timeout", 60, ...args.includes("write") ? [] : ["--buffers", 8]],
  );
  let ended = false;
  const end = tool.end().finally(() => void (ended = true));
  let got = 0;
  // What is there once it has ended is looked at, too.
  for (let last = false; !last;) {
    const over = ended;
    const taken = reader.tryTake();
    if (taken === undefined) {
      last = over;
      await delay(1);
      continue;
    }
    const { sequence = -1 } = taken;
    expectBytes(`frame ${sequence}`, taken.bytes, frames[sequence]);
    reader.give(taken);
    compared.add(sequence);
    got++;
  }
  const { status, stdout, stderr } = await end;
  expectEqual(`status (${stderr.trim()})`, status, 0);
  const report = JSON.parse(stdout);
  expectEqual("frames written", report.frames, frames.length);
  expectEqual("format", report.format, format.name);
  const counted = loopStatsSince(node, before);
  expectEqual("frames at the node", counted.frames, frames.length);
  expectEqual("frames had and lost", got + counted.lost, frames.length);
}

export async function loopWriteChecks(suite: Suite, context: Context, node: string): Promise<void> {
  const { scratch, fixtures } = context;
  const csv = `${scratch}/clock.csv`;
  const small = ["--size", SMALL.join("x"), "--format", "grey"];

  for (const source of sources(context)) {
    await suite.check(
      `loop-write: ${source.name}`,
      () => expectWritten(context, node, source),
    );
  }
  await suite.check(
    "loop-write: a video file",
    () => expectWritten(context, node, decoded(context)),
  );

  await suite.check("loop-write: by the clock", async () => {
    await using tool = context.start(
      ...["loop-write", node, "pattern", csv, ...small, "--fps", RATE, "--json"] as const,
    );
    await someRows(tool, csv);
    using device = openCapture(node);
    const interval = device.getFrameInterval(V4L2_BUF_TYPE_VIDEO_CAPTURE);
    expect(interval !== undefined, "the CAPTURE side has no frame interval");
    expectEqual("rate for readers", interval.denominator / interval.numerator, RATE);
    const time = (row: Record<string, string>, of: string) => BigInt(row[`${of}_monotonic_ns`]);
    const lateness = (row: Record<string, string>) =>
      Number(time(row, "submit") - time(row, "due"));
    const least = (rows: Record<string, string>[]) =>
      Math.min(...rows.slice(SETTLED).map(lateness));
    // A machine may stand still for some of them, but a clock that drifts is late for all.
    const inTime = () => least(rowsSoFar(csv)) < 1e9 / RATE / 2 || tool.isOver;
    await until(`a frame in time behind ${SETTLED}`, inTime);
    if (!tool.isOver) tool.kill("SIGINT");
    const { status, stdout, stderr } = await tool.end();
    expectEqual(`status (${stderr.trim()})`, status, 130);
    const rows = readCsv(csv);
    expectEqual("rows, by the tool's own count", rows.length, JSON.parse(stdout).frames);
    rows.forEach((row, i) => {
      const off = Number(time(row, "due") - time(rows[0], "due")) - i * 1e9 / RATE;
      expect(Math.abs(off) <= 1, `frame ${i} is due ${off} ns off its time from the start`);
      const late = lateness(row);
      expect(late >= 0, `frame ${i} was handed over ${-late} ns before it was due`);
    });
    return `${rows.length} frames at ${RATE} a second, as readers are told, none early, ` +
      `behind ${SETTLED} as little as ${(least(rows) / 1e6).toFixed(2)} ms late`;
  });

  const missing = "open: No such file or directory (ENOENT)";
  const cut = `${scratch}/cut.grey`;
  Deno.writeFileSync(cut, new Uint8Array(SMALL_BYTES * 3 / 2));
  const text = `${scratch}/notes.txt`;
  Deno.writeTextFileSync(text, "This is no film.\n");
  const none = `${scratch}/none.nv12`;
  const refusals: [name: string, status: number, message: string, args: (string | number)[]][] = [
    ["no device", 1, `/dev/video255: ${missing}`, ["/dev/video255", "pattern"]],
    ["a camera", 1, `${context.vivid}: is not an output device`, [context.vivid, "pattern"]],
    ["no input", 1, `${none}: ${missing}`, [node, none]],
    ["half a frame", 1, `${cut}: `, [node, cut, ...small]],
    ["a text", 1, `${text}: `, [node, text, "--format", "grey"]],
    ["another size", 1, "641x3", [node, `${fixtures}/odd-641x3.pgm`, "--size", "64x48"]],
    ["a size it cannot be", 2, "--size must be", [
      ...[node, "pattern", "--size", "9000x48", "--format", "yuyv"],
    ]],
    ["an unknown format", 2, "--format must be", [node, "pattern", "--format", "i420p"]],
    ["an unknown pattern", 1, "bars", [node, "pattern:plaid", ...small]],
  ];
  const refused = refusals.map(([name, status, message, args]) => (
    { name, tool: "loop-write", status, message, args }
  ));
  await refusalChecks(suite, context, "loop-write, bad input", refused);
}
