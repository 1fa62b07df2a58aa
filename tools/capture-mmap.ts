/**
 * capture-mmap: frames from a capture device through buffers that the driver allocates and the
 * program maps.
 *
 * @module
 */
import { CSV, FRAMES, SIZE, TIMEOUT } from "../lib/cli/common.ts";
import { OutputFile } from "../lib/cli/files.ts";
import { FrameWaiter } from "../lib/cli/frame_waiter.ts";
import { integer, number, path } from "../lib/cli/parameters.ts";
import { Progress } from "../lib/cli/progress.ts";
import { main } from "../lib/cli/tool.ts";
import { formatSummary } from "../lib/measure/format.ts";
import { FrameLog } from "../lib/measure/frame_log.ts";
import { Histogram } from "../lib/measure/histogram.ts";
import { absoluteNs, monotonicNs } from "../lib/sys/clock.ts";
import { VideoDevice } from "../lib/v4l2/device.ts";
import { MmapQueue } from "../lib/v4l2/queue.ts";
import * as v4l2 from "../lib/v4l2/videodev2.ts";

main({
  name: "capture-mmap",
  summary: "Captures GREY frames from a V4L2 device by MMAP and writes one CSV row a frame.",
  positionals: {
    device: path("DEV", "capture device, such as /dev/video0"),
    csv: CSV,
    frames: FRAMES,
  },
  options: {
    size: SIZE,
    fps: number("RATE", "frames a second to ask for; 0 keeps the device's", { fallback: 30 }),
    buffers: integer("N", "buffers to ask for", { min: 2, max: 32, fallback: 4 }),
    timeout: TIMEOUT,
  },
  async run({ device: path, csv, frames, size, fps, buffers, timeout }, { quiet, stop }) {
    const type = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
    const wanted = v4l2.V4L2_CAP_VIDEO_CAPTURE | v4l2.V4L2_CAP_STREAMING;
    using device = VideoDevice.open(path, wanted, "capture device with streaming I/O");
    const [width, height] = size;
    device.setFormat(type, { width, height, pixelformat: v4l2.V4L2_PIX_FMT_GREY });
    if (fps > 0) device.setFrameRate(fps);
    using queue = new MmapQueue(device, type, buffers);

    using file = new OutputFile(csv);
    const log = new FrameLog(file, {
      frame: String,
      buffer_index: String,
      enqueue_monotonic_ns: absoluteNs,
      dequeue_monotonic_ns: absoluteNs,
      v4l2_timestamp_sec: String,
      v4l2_timestamp_usec: String,
      sequence: String,
      bytesused: String,
    });
    const { columns } = log;
    const enqueued = new Float64Array(queue.buffers.length);
    const turnaround = new Histogram();
    const interval = new Histogram();
    let frame = 0;
    let dropped = 0;
    let errors = 0;
    let sequence = -1;
    let first = 0;
    let last = 0;

    using progress = new Progress("capture-mmap", frames, "frames", quiet);
    const waiter = new FrameWaiter(queue, timeout, () => {
      log.flush();
      progress.update(frame);
    });
    try {
      for (const { index } of queue.buffers) {
        enqueued[index] = monotonicNs();
        queue.enqueue(index);
      }
      queue.streamOn();
      const { dequeued } = queue;
      while (frame < frames && !stop.requested) {
        const index = waiter.next();
        if (index < 0) {
          await waiter.rest();
          continue;
        }
        const now = monotonicNs();
        const { row } = log;
        columns.frame[row] = frame;
        columns.buffer_index[row] = index;
        columns.enqueue_monotonic_ns[row] = enqueued[index];
        columns.dequeue_monotonic_ns[row] = now;
        columns.v4l2_timestamp_sec[row] = dequeued.timestamp_sec;
        columns.v4l2_timestamp_usec[row] = dequeued.timestamp_usec;
        columns.sequence[row] = dequeued.sequence;
        columns.bytesused[row] = dequeued.bytesused;
        log.endRow();

        if (sequence >= 0) dropped += dequeued.sequence - sequence - 1;
        sequence = dequeued.sequence;
        if (dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR) errors++;
        turnaround.record(now - enqueued[index]);
        if (frame > 0) interval.record(now - last);
        if (frame++ === 0) first = now;
        last = now;

        enqueued[index] = monotonicNs();
        queue.enqueue(index);
        if (waiter.restIsDue(now)) await waiter.rest();
      }
    } finally {
      log.flush();
    }

    const rate = frame > 1 ? (frame - 1) * 1e9 / (last - first) : undefined;
    return {
      text: [
        `${csv}: ${frame} frames of ${width}x${height}` +
        (rate === undefined ? "" : `, ${rate.toFixed(2)} a second`) +
        `, ${dropped} dropped, ${errors} with errors`,
        ...formatSummary("queueing to dequeueing", turnaround.summary()),
        ...formatSummary("frame to frame", interval.summary()),
      ],
      json: {
        csv,
        frames: frame,
        width,
        height,
        frames_per_second: rate,
        dropped,
        errors,
        latency_ns: turnaround.summary(),
        interval_ns: interval.summary(),
      },
    };
  },
});
