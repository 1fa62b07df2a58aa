/**
 * The loop of the tools that take frames from a camera's buffers.
 *
 * @module
 */
import { absoluteNs, monotonicNs } from "../sys/clock.ts";
import { EAGAIN } from "../sys/errno.ts";
import type { Queue } from "../v4l2/queue/queue.ts";
import { V4L2_BUF_FLAG_ERROR } from "../uapi/videodev2.ts";
import { BUFFER_COLUMNS, fillBufferColumns } from "./buffer_columns.ts";
import { type CameraFormat, cameraReport, type CameraSettings, countFrames } from "./camera.ts";
import { Recording, type RecordingSettings } from "./recording.ts";
import { stampOf } from "./stamp.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** A column by its name, and its value of a buffer. */
interface BufferColumn {
  readonly name: string;
  readonly value: (index: number) => number;
}

/** The column of `--stamp`; none without. */
export function stampColumn(
  stamp: boolean | undefined,
  frame: (index: number) => Uint8Array,
): BufferColumn[] {
  return stamp ? [{ name: "stamp", value: (index) => stampOf(frame(index)) }] : [];
}

/** What the command line says of a capture into buffers. */
export interface BufferSettings extends CameraSettings, RecordingSettings {
  /** The camera's video node. */
  readonly device: string;
  /** Buffers to ask for. */
  readonly buffers: number;
}

/** A capture: a queue with buffers, not streaming yet, and what to record of it. */
export interface Capture extends CameraSettings, RecordingSettings {
  readonly queue: Queue;
  /** What `setUpCamera` said. */
  readonly cameraFormat: CameraFormat;
  /** Hands a buffer to the driver; the queue's own way without. */
  readonly enqueue?: (index: number) => void;
  /** More columns after the usual ones, of the buffer just dequeued. */
  readonly more?: readonly BufferColumn[];
  /** Further values for `--json`. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Between a frame and the next queueing of its buffer. */
  readonly refill?: (index: number) => void;
}

/** Captures and records. */
export async function captureFrames(capture: Capture, session: ToolSession): Promise<Report> {
  const { queue, refill, more = [] } = capture;
  const enqueue = capture.enqueue ?? ((index: number) => queue.enqueue(index));
  using recording = new Recording(capture, {
    usual: {
      frame: String,
      buffer_index: String,
      enqueue_monotonic_ns: absoluteNs,
      dequeue_monotonic_ns: absoluteNs,
      v4l2_timestamp_sec: String,
      v4l2_timestamp_usec: String,
      sequence: String,
      bytesused: String,
    },
    extra: Object.fromEntries(more.map(({ name }) => [name, String])),
    steps: {
      wait_monotonic_ns: absoluteNs,
      requeue_monotonic_ns: absoluteNs,
      requeued_monotonic_ns: absoluteNs,
    },
    last: BUFFER_COLUMNS,
  });
  const { columns, latency, log, meter } = recording;
  const fill = more.map(({ name, value }) => [recording.extra(name), value] as const);
  const { buffers, dequeued } = queue;
  const enqueued = new Float64Array(buffers.length);
  const source = countFrames(capture.cameraFormat, capture);
  let waiting = 0;

  for (const { index } of buffers) {
    enqueued[index] = monotonicNs();
    enqueue(index);
  }
  queue.streamOn();
  const failure = await recording.run(
    {
      source: queue,
      turn() {
        waiting = meter.begin();
        return -EAGAIN;
      },
      take(index, frame) {
        const now = monotonicNs();
        const { row } = log;
        const before = enqueued[index];
        for (const [column, value] of fill) column[row] = value(index);
        // Without anything to do in between, dequeueing ends where queueing begins.
        enqueued[index] = refill === undefined ? now : (refill(index), monotonicNs());
        enqueue(index);

        columns.requeued_monotonic_ns[row] = meter.now();
        columns.frame[row] = frame;
        columns.buffer_index[row] = index;
        columns.enqueue_monotonic_ns[row] = before;
        columns.dequeue_monotonic_ns[row] = now;
        columns.v4l2_timestamp_sec[row] = dequeued.timestamp_sec;
        columns.v4l2_timestamp_usec[row] = dequeued.timestamp_usec;
        columns.sequence[row] = dequeued.sequence;
        columns.bytesused[row] = queue.payload;
        fillBufferColumns(columns, row, dequeued);
        columns.wait_monotonic_ns[row] = waiting;
        columns.requeue_monotonic_ns[row] = enqueued[index];
        meter.measure(columns, row);
        log.endRow();
        source.record(
          now,
          dequeued.sequence,
          (dequeued.flags & V4L2_BUF_FLAG_ERROR) !== 0,
          dequeued.field,
        );
        latency.record(now - before);
        return now;
      },
    },
    session,
    [source],
  );
  return cameraReport({
    recording,
    settings: capture,
    format: capture.cameraFormat,
    device: queue.device,
    source,
    name: "queueing to dequeueing",
    failure,
    details: { buffers: buffers.length, ...capture.details },
  });
}
