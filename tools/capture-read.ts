/**
 * capture-read: frames from a capture device by read(2), which copies each into the program.
 *
 * @module
 */
import { cameraReport, CAPTURE_OPTIONS, openCamera, setUpCamera } from "../lib/frames/camera.ts";
import { stampOf } from "../lib/frames/capture_frames.ts";
import { CSV, FRAMES } from "../lib/cli/shared_options.ts";
import { OutputFile } from "../lib/files/files.ts";
import { runFrameLoop } from "../lib/frames/frame_loop.ts";
import { flag, path } from "../lib/cli/parameters.ts";
import { schedule } from "../lib/cli/scheduling.ts";
import { MEASURED_COLUMNS, StageMeter } from "../lib/frames/stages.ts";
import { main } from "../lib/cli/tool.ts";
import { crc32 } from "../lib/image/crc32.ts";
import { FrameLog } from "../lib/measure/frame_log.ts";
import { Histogram } from "../lib/measure/histogram.ts";
import { SourceStatistics } from "../lib/measure/source_statistics.ts";
import { absoluteNs, monotonicNs } from "../lib/sys/clock.ts";
import { EAGAIN, SysError } from "../lib/sys/errno.ts";
import { IoBuffer } from "../lib/sys/file.ts";
import { ProcessCosts } from "../lib/sys/thread.ts";

const STAGE_COLUMNS = {
  readable_monotonic_ns: absoluteNs,
  checksummed_monotonic_ns: absoluteNs,
  ...MEASURED_COLUMNS,
};

main({
  name: "capture-read",
  summary: "Captures frames from a V4L2 device by read(2) and writes one CSV row a frame.",
  positionals: {
    device: path("DEV", "capture device, such as /dev/video0"),
    csv: CSV,
    frames: FRAMES,
  },
  options: {
    ...CAPTURE_OPTIONS,
    "no-crc": flag("leave crc32 at 0: what the other tools do with a frame takes no time"),
  },
  async run(values, session) {
    const { device: path, csv, frames, stages, stamp, timeout } = values;
    schedule(values);
    using device = openCamera(path, "read", "any");
    const { sizeimage } = setUpCamera(device, values);
    const frameBuffer = new IoBuffer(new Uint8Array(sizeimage));
    using file = new OutputFile(csv);
    using meter = new StageMeter(stages);
    const log = new FrameLog(file, {
      frame: String,
      synthetic_sequence: String,
      read_start_monotonic_ns: absoluteNs,
      read_end_monotonic_ns: absoluteNs,
      bytesused: String,
      crc32: String,
      stamp: String,
      ...STAGE_COLUMNS,
    }, [...(stamp ? [] : ["stamp"]), ...(stages ? [] : Object.keys(STAGE_COLUMNS))]);
    const { columns } = log;
    const source = new SourceStatistics();
    const latency = new Histogram();
    const costs = new ProcessCosts();
    let start = 0;
    let readable = 0;

    const failure = await runFrameLoop({
      tool: "capture-read",
      source: {
        device,
        dequeue() {
          readable = meter.now();
          const got = device.tryRead(frameBuffer);
          if (got >= 0 || got === -EAGAIN) return got;
          throw new SysError(path, "read", -got);
        },
      },
      frames,
      warmUp: values["warm-up"],
      timeout,
      log,
      statistics: [source, latency, costs],
      turn() {
        start = meter.begin(monotonicNs());
        return -EAGAIN;
      },
      settle: () => meter.settle(),
      take(size, frame) {
        const end = monotonicNs();
        const crc = values["no-crc"] ? 0 : crc32(frameBuffer.bytes.subarray(0, size));
        const { row } = log;
        columns.checksummed_monotonic_ns[row] = meter.now();
        columns.frame[row] = frame;
        // read(2) has no sequence numbers: what was missed cannot be known.
        columns.synthetic_sequence[row] = frame;
        columns.read_start_monotonic_ns[row] = start;
        columns.read_end_monotonic_ns[row] = end;
        columns.bytesused[row] = size;
        columns.crc32[row] = crc;
        if (stamp) columns.stamp[row] = stampOf(frameBuffer.bytes);
        columns.readable_monotonic_ns[row] = readable;
        meter.measure(columns, row);
        log.endRow();
        source.record(end, frame, false);
        latency.record(end - start);
        return end;
      },
    }, session);
    return cameraReport({
      csv,
      settings: values,
      device,
      source,
      // read(2) has neither: what was dropped or faulty cannot be known.
      unnumbered: true,
      costs,
      name: "start to end of read(2)",
      latency: latency.summary(),
      failure,
      details: { tool: "capture-read" },
    });
  },
});
