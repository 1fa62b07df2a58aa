/**
 * The loop of the tools that take frames from a camera's buffers.
 *
 * @module
 */
import { FrameLog } from "../measure/frame_log.ts";
import { Histogram } from "../measure/histogram.ts";
import { SourceStatistics } from "../measure/source_statistics.ts";
import { absoluteNs, monotonicNs } from "../sys/clock.ts";
import { EAGAIN } from "../sys/errno.ts";
import { ProcessCosts } from "../sys/thread.ts";
import type { Queue } from "../v4l2/queue/queue.ts";
import { V4L2_BUF_FLAG_ERROR } from "../uapi/videodev2.ts";
import { cameraReport, type CameraSettings } from "./camera.ts";
import { OutputFile } from "../files/files.ts";
import { runFrameLoop } from "./frame_loop.ts";
import { MEASURED_COLUMNS, StageMeter } from "./stages.ts";
import type { Report, Session } from "../cli/tool.ts";

const STAGE_COLUMNS = {
  wait_monotonic_ns: absoluteNs,
  requeue_monotonic_ns: absoluteNs,
  requeued_monotonic_ns: absoluteNs,
  ...MEASURED_COLUMNS,
};

/** A column by its name, and its value of a buffer. */
interface Column {
  readonly name: string;
  readonly value: (index: number) => number;
}

/** The number that `loop-write --stamp` puts into a frame's first four bytes, little-endian. */
export function stampOf(frame: Uint8Array): number {
  return (frame[0] | frame[1] << 8 | frame[2] << 16 | frame[3] << 24) >>> 0;
}

/** The column of `--stamp`; none without. */
export function stampColumn(stamp: boolean, frame: (index: number) => Uint8Array): Column[] {
  return stamp ? [{ name: "stamp", value: (index) => stampOf(frame(index)) }] : [];
}

/** A capture: a queue with buffers, not streaming yet, and what to record of it. */
export interface Capture extends CameraSettings {
  readonly tool: string;
  readonly queue: Queue;
  readonly csv: string;
  readonly frames: number;
  readonly "warm-up": number;
  readonly timeout: number;
  readonly stages: boolean;
  /** More columns after the usual ones, of the buffer just dequeued. */
  readonly more?: readonly Column[];
  /** Further values for `--json`. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Between a frame and the next queueing of its buffer. */
  readonly refill?: (index: number) => void;
}

/** Captures and records. */
export async function captureFrames(capture: Capture, session: Session): Promise<Report> {
  const { tool, queue, csv, frames, timeout, stages, refill, more = [] } = capture;
  using file = new OutputFile(csv);
  using meter = new StageMeter(stages);
  const extra = Object.fromEntries(more.map(({ name }) => [name, String]));
  const log = new FrameLog(file, {
    frame: String,
    buffer_index: String,
    enqueue_monotonic_ns: absoluteNs,
    dequeue_monotonic_ns: absoluteNs,
    v4l2_timestamp_sec: String,
    v4l2_timestamp_usec: String,
    sequence: String,
    bytesused: String,
    ...extra,
    ...STAGE_COLUMNS,
    flags: String,
  }, stages ? [] : Object.keys(STAGE_COLUMNS));
  const { columns } = log;
  const fill = more.map(({ name, value }) =>
    [(columns as Record<string, Float64Array>)[name], value] as const
  );
  const { buffers, dequeued } = queue;
  const enqueued = new Float64Array(buffers.length);
  const source = new SourceStatistics();
  const latency = new Histogram();
  const costs = new ProcessCosts();
  let waiting = 0;

  for (const { index } of buffers) {
    enqueued[index] = monotonicNs();
    queue.enqueue(index);
  }
  queue.streamOn();
  const failure = await runFrameLoop({
    tool,
    source: queue,
    frames,
    warmUp: capture["warm-up"],
    timeout,
    log,
    statistics: [source, latency, costs],
    turn() {
      waiting = meter.begin();
      return -EAGAIN;
    },
    settle: () => meter.settle(),
    take(index, frame) {
      const now = monotonicNs();
      const { row } = log;
      const before = enqueued[index];
      for (const [column, value] of fill) column[row] = value(index);
      // Without anything to do in between, dequeueing ends where queueing begins.
      enqueued[index] = refill === undefined ? now : (refill(index), monotonicNs());
      queue.enqueue(index);

      columns.requeued_monotonic_ns[row] = meter.now();
      columns.frame[row] = frame;
      columns.buffer_index[row] = index;
      columns.enqueue_monotonic_ns[row] = before;
      columns.dequeue_monotonic_ns[row] = now;
      columns.v4l2_timestamp_sec[row] = dequeued.timestamp_sec;
      columns.v4l2_timestamp_usec[row] = dequeued.timestamp_usec;
      columns.sequence[row] = dequeued.sequence;
      columns.bytesused[row] = queue.payload;
      columns.flags[row] = dequeued.flags;
      columns.wait_monotonic_ns[row] = waiting;
      columns.requeue_monotonic_ns[row] = enqueued[index];
      meter.measure(columns, row);
      log.endRow();
      source.record(now, dequeued.sequence, (dequeued.flags & V4L2_BUF_FLAG_ERROR) !== 0);
      latency.record(now - before);
      return now;
    },
  }, session);
  return cameraReport({
    csv,
    settings: capture,
    device: queue.device,
    source,
    costs,
    name: "queueing to dequeueing",
    latency: latency.summary(),
    failure,
    details: { tool, buffers: buffers.length, ...capture.details },
  });
}
