/**
 * A compressed file through the stateless decoder: pictures come in decoding order and are put in
 * display order here.
 *
 * @module
 */
import { type Codec, STREAM_CODECS } from "../codec/codecs.ts";
import { type AccessUnit, readStream, StreamError } from "../codec/stream.ts";
import { DisplayOrder } from "../image/display_order.ts";
import { monotonicNs } from "../sys/clock.ts";
import { StatelessDecoder } from "../v4l2/decoder/stateless_stream.ts";
import { explainDecoder } from "../vpipe/decoder.ts";
import { DecodeRun, type DecodeSettings } from "./decode_run.ts";
import { readFile } from "../files/files.ts";
import { FrameWaiter } from "./frame_waiter.ts";
import { UsageError } from "../cli/parameters.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

// More than the buffers that pictures can wait in.
const DISPLAY_SPAN = 64;

function isCodec(codec: string | undefined): codec is Codec | undefined {
  return codec === undefined || STREAM_CODECS.some((known) => known === codec);
}

/** Decodes a file. What was written stays when something fails, or a signal ends it. */
export async function decodeStateless(
  settings: DecodeSettings,
  session: ToolSession,
): Promise<Report> {
  const { input, codec, device } = settings;
  if (!isCodec(codec)) {
    throw new UsageError(
      `--codec ${codec}: ${device} is a stateless decoder of ${STREAM_CODECS.join(", ")}`,
    );
  }
  const { parts, lost, broken } = readParts(readFile(input), codec);
  if (parts.length === 0) {
    const [reason] = lost.values();
    throw new Error(`${input}: ${(reason ?? broken)?.message ?? "holds no frame"}`);
  }
  const units = lost.size + parts.reduce((count, { length }) => count + length, 0);
  using decoder = new StatelessDecoder(device);
  using run = new DecodeRun(settings, parts[0][0].sequence.codec, units, session);
  const order = new DisplayOrder(0, DISPLAY_SPAN);
  let failure: Error | undefined;
  try {
    for (const part of parts) {
      if (!session.stop.requested) await decodePart(decoder, part, order, run, settings, session);
    }
    for (const [number, { message }] of lost) {
      run.units++;
      run.fail(number, message);
    }
    if (broken !== undefined) failure = new Error(`${input}: ${broken.message}`, { cause: broken });
  } catch (error) {
    failure = error as Error;
  }
  return run.report(failure);
}

/** A unit, and its number in decoding order among all there are. */
interface Numbered extends AccessUnit {
  readonly number: number;
}

/** What there is in a file. */
interface Parts {
  /** Its units by sequence. */
  readonly parts: readonly Numbered[][];
  /** By number, what is wrong with those that are left out. */
  readonly lost: ReadonlyMap<number, StreamError>;
  /** Why there are no more. */
  readonly broken?: StreamError;
}

function readParts(bytes: Uint8Array<ArrayBuffer>, codec: Codec | undefined): Parts {
  const parts: Numbered[][] = [];
  const lost = new Map<number, StreamError>();
  let number = 0;
  try {
    for (const unit of readStream(bytes, codec, (error, number) => lost.set(number, error))) {
      while (lost.has(number)) number++;
      const part = parts.at(-1);
      const numbered = { ...unit, number: number++ };
      if (part?.[0].sequence === unit.sequence) part.push(numbered);
      else parts.push([numbered]);
    }
  } catch (error) {
    // Where all are lost, one of them says more than that there is no picture.
    if (!(error instanceof StreamError)) throw error;
    return { parts, lost, broken: error };
  }
  return { parts, lost };
}

/** Decodes the units of one sequence and writes its pictures, to the end or a signal. */
async function decodePart(
  decoder: StatelessDecoder,
  units: readonly Numbered[],
  order: DisplayOrder,
  run: DecodeRun,
  { buffers, format, timeout }: DecodeSettings,
  { stop }: ToolSession,
): Promise<void> {
  const [{ sequence }] = units;
  const largest = units.reduce((size, { data }) => Math.max(size, data.length), 0);
  using stream = decoder.start(sequence, { buffers, largest, format, explain: explainDecoder });
  const { capture, pictures } = stream;
  const { width, height } = sequence.crop;
  /** Of the pictures in the CAPTURE buffers. */
  const damaged: boolean[] = pictures.map(() => false);
  run.begins({ width, height, format: stream.format });

  const waiter = new FrameWaiter(capture, timeout, () => run.settle());
  run.begin ||= monotonicNs();
  let submitted = 0;
  for (let left = units.length; left > 0 && !stop.requested; left--) {
    while (submitted < units.length && !stream.isFull) stream.submit(units[submitted++].data);
    let index = capture.dequeue();
    if (index < 0) index = waiter.next();
    for (; index < 0 && !stop.requested; index = waiter.next()) await waiter.rest();
    if (index < 0) break;

    const now = monotonicNs();
    run.end = now;
    const { displayIndex, number } = units[stream.collect()];
    run.latency.record(now - stream.queuedNs);
    damaged[index] = stream.damaged;
    if (stream.damaged || !stream.decoded) run.fail(number);
    run.units++;
    if (stream.decoded && displayIndex >= 0) {
      order.put(displayIndex, index);
    } else {
      if (displayIndex >= 0) order.lose(displayIndex);
      capture.enqueue(index);
    }
    for (let picture = order.take(); picture >= 0; picture = order.take()) {
      run.write(pictures[picture], order.taken, damaged[picture]);
      capture.enqueue(picture);
    }
    if (run.isHeldUp) await run.awaitReader();
    if (waiter.restIsDue(now)) await waiter.rest();
  }
  if (stop.requested) return;
  // A broken file ends before what these wait for.
  for (let late = order.take(true); late >= 0; late = order.take(true)) {
    run.write(pictures[late], order.taken, damaged[late]);
  }
}
