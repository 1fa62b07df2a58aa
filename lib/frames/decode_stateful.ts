/**
 * A compressed file through the stateful decoder: pictures come in display order.
 *
 * @module
 */
import { readCodedFrames } from "../ffmpeg/coded_frames.ts";
import { monotonicNs } from "../sys/clock.ts";
import { POLLIN, POLLOUT, POLLPRI } from "../sys/poll.ts";
import { StatefulStream } from "../v4l2/decoder/stateful_stream.ts";
import { explainDecoder } from "../vpipe/decoder.ts";
import { DecodeRun, type DecodeSettings } from "./decode_run.ts";
import { FrameWaiter } from "./frame_waiter.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** Decodes a file. What was written stays when something fails, or a signal ends it. */
export async function decodeStateful(
  settings: DecodeSettings,
  session: ToolSession,
): Promise<Report> {
  const { input, device, buffers, format } = settings;
  const { codec, frames, broken } = readCodedFrames(input);
  if (settings.codec !== undefined && settings.codec !== codec) {
    throw new Error(`${input}: ${codec}, not ${settings.codec}`);
  }
  if (frames.length === 0) throw broken ?? new Error(`${input}: holds no frame`);
  const largest = frames.reduce((size, { length }) => Math.max(size, length), 0);
  using stream = new StatefulStream(device, {
    codec,
    buffers,
    largest,
    format,
    explain: explainDecoder,
  });
  using run = new DecodeRun(settings, codec, frames.length, session);
  let failure = broken;
  try {
    const pictures = await decode(stream, frames, run, settings, session);
    if (pictures === 0 && stream.errors === 0 && !session.stop.requested) {
      failure ??= new Error(`${input}: no picture in it`);
    }
  } catch (error) {
    failure = error as Error;
  }
  run.units = stream.answered;
  run.errors = stream.errors;
  run.firstError = stream.firstError;
  return run.report(failure);
}

/** Writes all pictures, to the end or a signal; returns how many. */
async function decode(
  stream: StatefulStream,
  frames: readonly Uint8Array[],
  run: DecodeRun,
  { timeout }: DecodeSettings,
  { stop }: ToolSession,
): Promise<number> {
  const waiter = new FrameWaiter(stream, timeout, () => run.settle(), POLLIN | POLLOUT | POLLPRI);
  run.begin = monotonicNs();
  let visible: unknown;
  let place = 0;
  let submitted = 0;
  while (!stream.isOver && !stop.requested) {
    while (submitted < frames.length && !stream.isFull) stream.submit(frames[submitted++]);
    if (submitted === frames.length) stream.end();
    let index = stream.dequeue();
    if (index < 0 && !stream.isOver) index = waiter.next();
    run.units = stream.answered;
    if (index < 0) {
      // Where a coded frame is used up, the next one can be queued.
      if (submitted === frames.length || stream.isFull) await waiter.rest();
      continue;
    }
    const now = monotonicNs();
    run.end = now;
    run.latency.record(now - stream.queuedNs);
    if (stream.visible !== visible) {
      visible = stream.visible;
      const { width, height } = stream.visible;
      run.begins({ width, height, format: stream.format });
    }
    run.write(stream.pictures[index], place++, stream.damaged);
    stream.release(index);
    if (run.isHeldUp) await run.awaitReader();
    if (waiter.restIsDue(now)) await waiter.rest();
  }
  return place;
}
