/**
 * What `decode-file` does: a compressed file through the decoder, its pictures in display order
 * into a raw file.
 *
 * @module
 */
import { type AccessUnit, type Codec, readStream, StreamError } from "../codec/stream.ts";
import { DisplayOrder } from "../image/display_order.ts";
import { formatSummary } from "../measure/format.ts";
import { Histogram } from "../measure/histogram.ts";
import { monotonicNs } from "../sys/clock.ts";
import type { GatherBuffer } from "../sys/gather.ts";
import { type PictureFormat, StatelessDecoder } from "../vpipe/decoder_path.ts";
import { readFile } from "./files.ts";
import { FrameDigest } from "./frame_digest.ts";
import { FrameFile } from "./frame_file.ts";
import { FrameWaiter } from "./frame_waiter.ts";
import { Progress } from "./progress.ts";
import type { Report, Session } from "./tool.ts";

/** What the command line says. */
export interface DecodeSettings {
  readonly input: string;
  /** Raw file to write, `-` for stdout. */
  readonly output: string;
  /** The decoder's video node. */
  readonly device: string;
  readonly codec: Codec | undefined;
  /** Frames in flight, at most. */
  readonly buffers: number;
  /** Undefined for what suits the stream. */
  readonly format: PictureFormat | undefined;
  /** File for a checksum of each frame. */
  readonly digest: string | undefined;
  /** Seconds without a frame after which the decoder has stopped. */
  readonly timeout: number;
}

/** Decodes a file. What was written stays when something fails, or a signal ends it. */
export async function decodeFile(settings: DecodeSettings, session: Session): Promise<Report> {
  const { input, codec } = settings;
  const { parts, broken } = readParts(readFile(input), codec);
  if (parts.length === 0) throw new Error(`${input}: ${broken?.message ?? "holds no frame"}`);
  using run = new DecodeRun(settings, parts.flat(), session);
  let failure: Error | undefined;
  try {
    for (const part of parts) {
      if (!session.stop.requested) await run.decode(part);
    }
    if (broken !== undefined) failure = new Error(`${input}: ${broken.message}`, { cause: broken });
  } catch (error) {
    failure = error as Error;
  }
  return run.report(failure);
}

/** A file's units by sequence, as far as it is whole. */
function readParts(
  bytes: Uint8Array<ArrayBuffer>,
  codec: Codec | undefined,
): { parts: AccessUnit[][]; broken?: StreamError } {
  const parts: AccessUnit[][] = [];
  try {
    for (const unit of readStream(bytes, codec)) {
      const part = parts.at(-1);
      if (part?.[0].sequence === unit.sequence) part.push(unit);
      else parts.push([unit]);
    }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    return { parts, broken: error };
  }
  return { parts };
}

// More than the buffers that pictures can wait in.
const DISPLAY_SPAN = 64;

/** Decoding of one file, and what is found out on the way. */
class DecodeRun implements Disposable {
  readonly #settings: DecodeSettings;
  readonly #session: Session;
  readonly #codec: Codec;
  readonly #decoder: StatelessDecoder;
  readonly #file: FrameFile;
  readonly #digest: FrameDigest | undefined;
  readonly #progress: Progress;
  readonly #resources = new DisposableStack();
  readonly #order = new DisplayOrder(0, DISPLAY_SPAN);
  readonly #latency = new Histogram();
  /** Formats of the pictures, in their order. */
  readonly #formats: { width: number; height: number; format: PictureFormat }[] = [];
  #units = 0;
  #frames = 0;
  #errors = 0;
  #firstError = 0;
  /** In ns: when the first unit was queued, and the last one had. */
  #begin = 0;
  #end = 0;

  /** @param units of the whole file */
  constructor(settings: DecodeSettings, units: readonly AccessUnit[], session: Session) {
    const { device, output, digest } = settings;
    const resources = this.#resources;
    this.#settings = settings;
    this.#session = session;
    this.#codec = units[0].sequence.codec;
    try {
      this.#decoder = resources.use(new StatelessDecoder(device));
      this.#file = resources.use(new FrameFile(output));
      this.#digest = digest === undefined ? undefined : resources.use(new FrameDigest(digest));
      this.#progress = resources.use(
        new Progress("decode-file", units.length, "frames", session.quiet),
      );
    } catch (error) {
      resources.dispose();
      throw error;
    }
  }

  /** Decodes the units of one sequence and writes its pictures, to the end or a signal. */
  async decode(units: readonly AccessUnit[]): Promise<void> {
    const { buffers, format, timeout } = this.#settings;
    const { stop } = this.#session;
    const [{ sequence }] = units;
    const largest = units.reduce((size, { data }) => Math.max(size, data.length), 0);
    using stream = this.#decoder.start(sequence, { buffers, largest, format });
    const { capture, pictures } = stream;
    const { width, height } = sequence.crop;
    this.#formats.push({ width, height, format: stream.format });

    const order = this.#order;
    const waiter = new FrameWaiter(capture, timeout, () => this.#settle());
    this.#begin ||= monotonicNs();
    let submitted = 0;
    for (let left = units.length; left > 0 && !stop.requested; left--) {
      while (submitted < units.length && !stream.isFull) stream.submit(units[submitted++].data);
      let index = capture.dequeue();
      if (index < 0) index = waiter.next();
      for (; index < 0 && !stop.requested; index = waiter.next()) await waiter.rest();
      if (index < 0) break;

      this.#end = monotonicNs();
      const { displayIndex } = units[stream.collect()];
      this.#latency.record(this.#end - stream.queuedNs);
      if (!stream.decoded && this.#errors++ === 0) this.#firstError = this.#units;
      this.#units++;
      if (stream.decoded && displayIndex >= 0) {
        order.put(displayIndex, index);
      } else {
        if (displayIndex >= 0) order.lose(displayIndex);
        capture.enqueue(index);
      }
      for (let picture = order.take(); picture >= 0; picture = order.take()) {
        this.#write(pictures[picture]);
        capture.enqueue(picture);
      }
      if (waiter.restIsDue(this.#end)) await waiter.rest();
    }
    if (stop.requested) return;
    // A broken file ends before what these wait for.
    for (let late = order.take(true); late >= 0; late = order.take(true)) {
      this.#write(pictures[late]);
    }
  }

  #write(picture: GatherBuffer): void {
    this.#file.append(picture);
    this.#digest?.add(this.#order.taken, picture);
    this.#frames++;
  }

  #settle(): void {
    this.#digest?.flush();
    this.#progress.update(this.#units);
  }

  /** @param failure what ended the run early */
  report(failure: Error | undefined): Report {
    this.#digest?.flush();
    const { input, output, device, buffers } = this.#settings;
    const errors = this.#errors;
    const frames = this.#frames;
    const [first, ...more] = this.#formats;
    const rate = frames > 0 ? frames / (this.#end - this.#begin) * 1e9 : undefined;
    const latency = this.#latency.summary();
    if (failure === undefined && errors > 0 && !this.#session.stop.requested) {
      failure = new Error(
        `${input}: ${errors} of ${this.#units} frames could not be decoded, the first one is ` +
          `number ${this.#firstError} in decoding order`,
      );
    }
    return {
      text: frames === 0 ? [] : [
        `${
          output === "-" ? "stdout" : output
        }: ${frames} frames of ${first.width}x${first.height} ${first.format}` +
        (more.length > 0 ? ` (format changes: ${more.length})` : "") +
        `, ${rate?.toFixed(2)} a second, ${errors} with errors`,
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
        decoded: this.#units,
        errors,
        first_error: errors > 0 ? this.#firstError : undefined,
        frames_per_second: rate,
        latency_ns: latency,
        failure: failure?.message,
      },
      failure,
      toStderr: output === "-",
    };
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
