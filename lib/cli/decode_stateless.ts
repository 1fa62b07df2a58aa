/**
 * A compressed file through the stateless decoder: pictures come in decoding order and are put in
 * display order here.
 *
 * @module
 */
import { type AccessUnit, type Codec, readStream, StreamError } from "../codec/stream.ts";
import { DisplayOrder } from "../image/display_order.ts";
import { monotonicNs } from "../sys/clock.ts";
import { StatelessDecoder } from "../vpipe/decoder_path.ts";
import { DecodeRun, type DecodeSettings } from "./decode_run.ts";
import { readFile } from "./files.ts";
import { FrameWaiter } from "./frame_waiter.ts";
import { UsageError } from "./parameters.ts";
import type { Report, Session } from "./tool.ts";

// More than the buffers that pictures can wait in.
const DISPLAY_SPAN = 64;

const CODECS: readonly string[] = ["vp9", "av1", "h264"] satisfies Codec[];

function isCodec(codec: string | undefined): codec is Codec | undefined {
  return codec === undefined || CODECS.includes(codec);
}

/** Decodes a file. What was written stays when something fails, or a signal ends it. */
export async function decodeStateless(settings: DecodeSettings, session: Session): Promise<Report> {
  const { input, codec, device } = settings;
  if (!isCodec(codec)) {
    throw new UsageError(
      `--codec ${codec}: ${device} is a stateless decoder of ${CODECS.join(", ")}`,
    );
  }
  const { parts, broken } = readParts(readFile(input), codec);
  if (parts.length === 0) throw new Error(`${input}: ${broken?.message ?? "holds no frame"}`);
  const units = parts.flat();
  using decoder = new StatelessDecoder(device);
  using run = new DecodeRun(settings, units[0].sequence.codec, units.length, session);
  const order = new DisplayOrder(0, DISPLAY_SPAN);
  let failure: Error | undefined;
  try {
    for (const part of parts) {
      if (!session.stop.requested) await decodePart(decoder, part, order, run, settings, session);
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

/** Decodes the units of one sequence and writes its pictures, to the end or a signal. */
async function decodePart(
  decoder: StatelessDecoder,
  units: readonly AccessUnit[],
  order: DisplayOrder,
  run: DecodeRun,
  { buffers, format, timeout }: DecodeSettings,
  { stop }: Session,
): Promise<void> {
  const [{ sequence }] = units;
  const largest = units.reduce((size, { data }) => Math.max(size, data.length), 0);
  using stream = decoder.start(sequence, { buffers, largest, format });
  const { capture, pictures } = stream;
  const { width, height } = sequence.crop;
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
    const { displayIndex } = units[stream.collect()];
    run.latency.record(now - stream.queuedNs);
    if (!stream.decoded && run.errors++ === 0) run.firstError = run.units;
    run.units++;
    if (stream.decoded && displayIndex >= 0) {
      order.put(displayIndex, index);
    } else {
      if (displayIndex >= 0) order.lose(displayIndex);
      capture.enqueue(index);
    }
    for (let picture = order.take(); picture >= 0; picture = order.take()) {
      run.write(pictures[picture], order.taken);
      capture.enqueue(picture);
    }
    if (waiter.restIsDue(now)) await waiter.rest();
  }
  if (stop.requested) return;
  // A broken file ends before what these wait for.
  for (let late = order.take(true); late >= 0; late = order.take(true)) {
    run.write(pictures[late], order.taken);
  }
}
