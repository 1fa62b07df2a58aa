/**
 * What `decode-file` writes and finds out, whatever decodes.
 *
 * @module
 */
import { counted, formatNumber, formatSummary } from "../measure/format.ts";
import { Histogram } from "../measure/histogram.ts";
import type { GatherBuffer } from "../sys/gather.ts";
import type { PictureFormat } from "../v4l2/decoder/picture_buffers.ts";
import { FrameDigest } from "../files/frame_digest.ts";
import { FrameFile } from "../files/frame_file.ts";
import { Progress } from "../cli/progress.ts";
import { awaitReader } from "../cli/say.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** What the command line says. */
export interface DecodeSettings {
  readonly input: string;
  /** Raw file to write, `-` for stdout. */
  readonly output: string;
  /** The decoder's video node. */
  readonly device: string;
  /** What the input must be; undefined for what it is. */
  readonly codec: string | undefined;
  /** Frames in flight, at most. */
  readonly buffers: number;
  /** Undefined for what suits the stream. */
  readonly format: PictureFormat | undefined;
  /** File for a checksum of each frame. */
  readonly digest: string | undefined;
  /** Seconds without a frame after which the decoder has stopped. */
  readonly timeout: number;
}

/** One picture's size in pixels, as it is written. */
interface Written {
  readonly width: number;
  readonly height: number;
  readonly format: PictureFormat;
}

/** The files of one run, and what is counted. */
export class DecodeRun implements Disposable {
  readonly #settings: DecodeSettings;
  readonly #session: ToolSession;
  readonly #codec: string;
  readonly #file: FrameFile;
  readonly #digest: FrameDigest | undefined;
  readonly #progress: Progress;
  readonly #resources: DisposableStack;
  /** From queueing a frame to having its picture, in ns. */
  readonly latency = new Histogram();
  /** Of the pictures, in their order. */
  readonly #formats: Written[] = [];
  #frames = 0;
  /** Coded frames that the decoder has done with, so far. */
  units = 0;
  errors = 0;
  /** Number of the first one of these in decoding order. */
  firstError = Infinity;
  /** What is known of one of them. */
  #reason = "";
  /** In ns: when the first unit was queued, and the last picture was there. */
  begin = 0;
  end = 0;

  /** @param units of the whole file */
  constructor(settings: DecodeSettings, codec: string, units: number, session: ToolSession) {
    const { output, digest } = settings;
    this.#settings = settings;
    this.#session = session;
    this.#codec = codec;
    using made = new DisposableStack();
    this.#file = made.use(new FrameFile(output));
    this.#digest = digest === undefined ? undefined : made.use(new FrameDigest(digest));
    this.#progress = made.use(new Progress("decode-file", units, "frames", session.quiet));
    this.#resources = made.move();
  }

  /** Pictures are like this from here on. */
  begins(format: Written): void {
    this.#formats.push(format);
  }

  /**
   * @param place in display order
   * @param damaged whether the decoder says that it is
   */
  write(picture: GatherBuffer, place: number, damaged: boolean): void {
    this.#file.append(picture);
    this.#digest?.add(place, picture, damaged);
    this.#frames++;
  }

  /** Whether who reads the pictures has yet to make room for some. */
  get isHeldUp(): boolean {
    return this.#file.behind !== undefined;
  }

  /** Waits for who reads the pictures, or for being told to end. */
  awaitReader(): Promise<void> {
    return awaitReader(this.#file, this.#session.stop);
  }

  /**
   * A frame is lost, or damaged.
   *
   * @param number in decoding order
   * @param reason what is known of it
   */
  fail(number: number, reason = ""): void {
    this.errors++;
    this.firstError = Math.min(this.firstError, number);
    this.#reason ||= reason;
  }

  /** For a quiet moment. */
  settle(): void {
    this.#digest?.flush();
    this.#progress.update(this.units);
  }

  /** @param failure what ended the run early */
  report(failure: Error | undefined): Report {
    try {
      this.#digest?.close();
      this.#file.close();
    } catch (error) {
      // What was decoded is told, whatever became of the files.
      failure ??= error as Error;
    }
    const { input, output, device, buffers } = this.#settings;
    const { errors } = this;
    const frames = this.#frames;
    const [first, ...more] = this.#formats;
    const rate = frames > 0 ? frames / (this.end - this.begin) * 1e9 : undefined;
    const latency = this.latency.summary();
    if (failure === undefined && errors > 0 && !this.#session.stop.requested) {
      failure = new Error(
        `${input}: ${errors} of ${this.units} frames are damaged or could not be decoded, the first ` +
          `one is number ${this.firstError} in decoding order` +
          (this.#reason && ` (${this.#reason})`),
      );
    }
    return {
      text: frames === 0 ? [] : [
        `${output === "-" ? "stdout" : output}: ${
          counted(frames, "frame")
        } of ${first.width}x${first.height} ${first.format}` +
        (more.length > 0 ? ` (format changes: ${more.length})` : "") +
        `, ${formatNumber(rate!, 2)} a second, ${errors} with errors`,
        ...formatSummary("queued to decoded", latency),
      ],
      json: {
        input,
        output,
        device,
        codec: this.#codec,
        frames,
        ...first,
        format_changes: more.length,
        buffers,
        decoded: this.units,
        errors,
        first_error: errors > 0 ? this.firstError : undefined,
        frames_per_second: rate,
        latency_ns: latency,
        failure: failure?.message,
      },
      failure,
    };
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
