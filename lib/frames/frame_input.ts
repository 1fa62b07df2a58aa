/**
 * Where frames come from: a test pattern, raw frames, a PGM, a compressed stream that is passed on
 * as it is, or a video file.
 *
 * @module
 */
import { jpegImages } from "../codec/jpeg.ts";
import { h264Splitter, jpegSplitter } from "../codec/live_frames.ts";
import { readStream, StreamError } from "../codec/stream.ts";
import { VideoFile } from "../ffmpeg/video_file.ts";
import { MovingPattern } from "../image/moving_pattern.ts";
import { frameBytes, GREY, isCompressed, pixelFormat } from "../image/pixel_format.ts";
import type { PixelFormat } from "../image/pixel_format.ts";
import { isPipe } from "../sys/device_number.ts";
import type { IoBuffer } from "../sys/file.ts";
import type { Format } from "../v4l2/format.ts";
import type { FrameInterval } from "../v4l2/frame_interval.ts";
import { fourccText } from "../uapi/videodev2.ts";
import { descriptorOf, readFile, STDIN } from "../files/files.ts";
import { UsageError } from "../cli/parameters.ts";
import { readPgm } from "../files/pgm_files.ts";
import { RawFile } from "./raw_file.ts";
import { StreamPipe } from "./stream_pipe.ts";

/** Frames of one format and size. */
export interface FrameInput extends Disposable {
  readonly format: PixelFormat;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** As the input says; undefined where it does not. */
  readonly interval?: FrameInterval;
  /** Broken frames so far that were left out. */
  readonly skipped?: number;
  /** For how long `fill` has waited for a pipe so far, in ns; undefined where it reads none. */
  readonly waited?: number;
  /**
   * Puts the next frame into `target`.
   *
   * @returns its bytes, 0 at the end, or -EAGAIN for none yet: call again with the same memory
   * @throws {Error} naming the input
   */
  fill(target: IoBuffer): number;
  /** Starts again at the first frame. */
  rewind(): void;
}

/** What the command line asks for; the rest is the input's, or the device's. */
export interface WantedFrames {
  readonly format?: PixelFormat;
  readonly size?: readonly number[];
}

const PATTERN = /^pattern(?::(.*))?$/;
const RAW_NAMES = ["raw", "yuv"];

/** Whether an input is drawn, and has no end. */
export const isPattern = (input: string): boolean => PATTERN.test(input);

/** For `--help`: the rule that `openFrameInput` goes by. */
export const INPUT_HELP = "pattern or pattern:NAME; an image NAME.pgm; raw frames NAME.raw, " +
  "NAME.yuv, NAME.FORMAT or - for stdin; with --format mjpeg or h264 a stream to pass on as it is; " +
  "any other file by FFmpeg";

/**
 * Opens an input by its name.
 *
 * @param device what the device is set to, for what neither `wanted` nor the input says
 * @throws {Error} naming the input
 */
export function openFrameInput(input: string, wanted: WantedFrames, device: Format): FrameInput {
  const extension = input.slice(input.lastIndexOf(".") + 1);
  const pattern = PATTERN.exec(input);
  if (wanted.format !== undefined && isCompressed(wanted.format) && pattern === null) {
    return openStream(input, wanted.format, wanted.size);
  }
  if (extension === "pgm") return new StillInput(input, wanted);

  const named = rawFormat(extension);
  const format = wanted.format ?? named ?? rawFormat(fourccText(device.pixelformat));
  if (format === undefined) {
    const current = fourccText(device.pixelformat);
    throw new UsageError(`--format is needed: the device is set to ${current}`);
  }
  const size = wanted.size ?? [device.width, device.height];
  if (pattern !== null) return new PatternInput(pattern[1] ?? "bars", format, size);
  if (
    descriptorOf(input, STDIN) !== undefined || RAW_NAMES.includes(extension) || named !== undefined
  ) {
    return new RawInput(input, format, size);
  }
  return new VideoInput(input, format, wanted.size);
}

function rawFormat(name: string): PixelFormat | undefined {
  const format = pixelFormat(name);
  return format === undefined || isCompressed(format) ? undefined : format;
}

/** @throws {Error} where another size is asked for than the input has */
function checkSize(
  input: string,
  { width, height }: { width: number; height: number },
  size: readonly number[] | undefined,
): void {
  if (size === undefined || size[0] === width && size[1] === height) return;
  throw new Error(`${input}: is ${width}x${height}, --size asks for ${size.join("x")}`);
}

/** A picture that moves for ever. */
class PatternInput implements FrameInput {
  readonly width: number;
  readonly height: number;
  readonly #pattern: MovingPattern;
  readonly #size: number;
  #frame = 0;

  constructor(name: string, readonly format: PixelFormat, [width, height]: readonly number[]) {
    this.#pattern = new MovingPattern(name, format, width, height);
    this.#size = frameBytes(format, width, height);
    this.width = width;
    this.height = height;
  }

  fill({ bytes }: IoBuffer): number {
    this.#pattern.fill(bytes, this.#frame++);
    return this.#size;
  }

  rewind(): void {
    this.#frame = 0;
  }

  [Symbol.dispose](): void {}
}

/** A file or pipe of raw frames. */
class RawInput extends RawFile implements FrameInput {
  readonly width: number;
  readonly height: number;

  constructor(path: string, readonly format: PixelFormat, [width, height]: readonly number[]) {
    super(path, frameBytes(format, width, height));
    this.width = width;
    this.height = height;
  }
}

/** Frames that are in memory already: they are copied one after the other. */
class MemoryInput implements FrameInput {
  #frame = 0;

  /** @param broken what the input ends with, if it does not end well */
  protected constructor(
    readonly path: string,
    readonly format: PixelFormat,
    readonly width: number,
    readonly height: number,
    private readonly frames: readonly Uint8Array[],
    private readonly broken?: Error,
  ) {}

  fill({ bytes }: IoBuffer): number {
    const frame = this.frames[this.#frame];
    if (frame === undefined) {
      if (this.broken !== undefined) throw this.broken;
      return 0;
    }
    if (frame.length > bytes.length) {
      const much = `frame ${this.#frame} has ${frame.length} bytes`;
      throw new Error(`${this.path}: ${much}, a buffer of the device ${bytes.length}`);
    }
    bytes.set(frame);
    this.#frame++;
    return frame.length;
  }

  rewind(): void {
    this.#frame = 0;
  }

  [Symbol.dispose](): void {}
}

/** A PGM: one frame. */
class StillInput extends MemoryInput {
  constructor(path: string, { format = GREY, size }: WantedFrames) {
    const image = readPgm(path);
    if (format !== GREY) {
      throw new Error(`${path}: a PGM is grey, --format asks for ${format.name}`);
    }
    checkSize(path, image, size);
    super(path, GREY, image.width, image.height, [image.pixels]);
  }
}

/** A frame of a compressed stream, and the size of its picture. */
interface CompressedFrame {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

function* h264Frames(bytes: Uint8Array<ArrayBuffer>): Generator<CompressedFrame> {
  for (const { data, sequence: { crop } } of readStream(bytes, "h264")) yield { data, ...crop };
}

/** How a stream's frames are told apart: in a file, and in what comes by a pipe. */
const STREAMS = {
  mjpeg: { frames: jpegImages, splitter: jpegSplitter },
  h264: { frames: h264Frames, splitter: h264Splitter },
};

function streamsOf(path: string, { name }: PixelFormat): typeof STREAMS[keyof typeof STREAMS] {
  if (name === "mjpeg" || name === "h264") return STREAMS[name];
  const known = Object.keys(STREAMS).join(" and ");
  throw new UsageError(`${path}: streams of ${known} can be passed on, not of ${name}`);
}

/** Of a pipe each frame as it comes; a file is read first, so that what is broken is known. */
function openStream(
  path: string,
  format: PixelFormat,
  size: readonly number[] | undefined,
): FrameInput {
  if (descriptorOf(path, STDIN) === undefined && !isPipe(path)) {
    return new StreamInput(path, format, size);
  }
  const pipe = new StreamPipe(path, format, streamsOf(path, format).splitter());
  checkSize(path, pipe, size);
  return pipe;
}

/** Files that hold a stream among other things, by what they begin with. */
const CONTAINERS: readonly (readonly [name: string, at: number, begins: string])[] = [
  ["AVI", 8, "AVI "],
  ["MP4", 4, "ftyp"],
  ["Matroska", 0, "\x1a\x45\xdf\xa3"],
];

/** What to do with a stream in a container, which has no start codes. */
function containerHint(path: string, bytes: Uint8Array, { name }: PixelFormat): Error | undefined {
  const has = (at: number, begins: string) =>
    [...begins].every((character, i) => bytes[at + i] === character.charCodeAt(0));
  const found = CONTAINERS.find(([, at, begins]) => has(at, begins));
  return found && new Error(
    `${path}: is a file of ${found[0]}, of which the stream has to be taken out: ` +
      `ffmpeg -i ${path} -c:v copy -f ${name} - | loop-write DEV - --format ${name}`,
  );
}

/** A stream whose frames go to the device as they are. */
class StreamInput extends MemoryInput {
  constructor(path: string, format: PixelFormat, size: readonly number[] | undefined) {
    const read = streamsOf(path, format).frames;
    const frames: CompressedFrame[] = [];
    let broken: Error | undefined;
    const bytes = readFile(path);
    try {
      for (const frame of read(bytes)) frames.push(frame);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      const hint = frames.length === 0 ? containerHint(path, bytes, format) : undefined;
      if (hint !== undefined) throw hint;
      broken = new Error(`${path}: ${error.message}`, { cause: error });
      if (frames.length === 0) throw broken;
    }
    checkSize(path, frames[0], size);
    super(path, format, frames[0].width, frames[0].height, frames.map(({ data }) => data), broken);
  }
}

/** Any file that FFmpeg can decode, converted straight into the buffers. */
class VideoInput implements FrameInput {
  readonly width: number;
  readonly height: number;
  readonly interval: FrameInterval;
  readonly #video: VideoFile;

  constructor(path: string, readonly format: PixelFormat, size: readonly number[] | undefined) {
    this.#video = VideoFile.open(path, {
      format: format.fourcc,
      width: size?.[0],
      height: size?.[1],
    });
    const { width, height, rate: { numerator, denominator } } = this.#video;
    this.width = width;
    this.height = height;
    this.interval = { numerator: denominator, denominator: numerator };
  }

  get skipped(): number {
    return this.#video.skipped;
  }

  fill({ bytes }: IoBuffer): number {
    return this.#video.readInto(bytes) ? this.#video.size : 0;
  }

  rewind(): void {
    this.#video.rewind();
  }

  [Symbol.dispose](): void {
    this.#video[Symbol.dispose]();
  }
}
