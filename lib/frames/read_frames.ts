/**
 * The loop that takes frames from a camera by read(2).
 *
 * @module
 */
import { crc32 } from "../image/crc32.ts";
import { absoluteNs, monotonicNs } from "../sys/clock.ts";
import { EAGAIN, SysError } from "../sys/errno.ts";
import { IoBuffer } from "../sys/file.ts";
import {
  cameraReport,
  type CameraSettings,
  countFrames,
  openCamera,
  setUpCamera,
} from "./camera.ts";
import { stampColumn } from "./capture_frames.ts";
import { Recording, type RecordingSettings } from "./recording.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** What the command line says. */
export interface Reading extends CameraSettings, RecordingSettings {
  /** The camera's video node. */
  readonly device: string;
  /** Leave the checksums out. */
  readonly "no-crc": boolean;
}

/** Reads and records. */
export async function readFrames(reading: Reading, session: ToolSession): Promise<Report> {
  const { device: path, "no-crc": noCrc } = reading;
  using device = openCamera(path, "read");
  const format = setUpCamera(device, reading);
  const frameBuffer = new IoBuffer(new Uint8Array(format.sizeimage));
  const more = stampColumn(reading.stamp, () => frameBuffer.bytes);
  using recording = new Recording(reading, {
    usual: {
      frame: String,
      synthetic_sequence: String,
      read_start_monotonic_ns: absoluteNs,
      read_end_monotonic_ns: absoluteNs,
      bytesused: String,
      crc32: String,
    },
    extra: Object.fromEntries(more.map(({ name }) => [name, String])),
    steps: { readable_monotonic_ns: absoluteNs, checksummed_monotonic_ns: absoluteNs },
  });
  const { columns, latency, log, meter } = recording;
  const fill = more.map(({ name, value }) => [recording.extra(name), value] as const);
  const source = countFrames(format, reading);
  let start = 0;
  let readable = 0;

  const failure = await recording.run(
    {
      source: {
        device,
        dequeue() {
          readable = meter.now();
          const got = device.tryRead(frameBuffer);
          if (got >= 0 || got === -EAGAIN) return got;
          throw new SysError(path, "read", -got);
        },
      },
      turn() {
        start = meter.begin(monotonicNs());
        return -EAGAIN;
      },
      take(size, frame) {
        const end = monotonicNs();
        const crc = noCrc ? 0 : crc32(frameBuffer.bytes.subarray(0, size));
        const { row } = log;
        columns.checksummed_monotonic_ns[row] = meter.now();
        columns.frame[row] = frame;
        // read(2) has no sequence numbers: what was missed cannot be known.
        columns.synthetic_sequence[row] = frame;
        columns.read_start_monotonic_ns[row] = start;
        columns.read_end_monotonic_ns[row] = end;
        columns.bytesused[row] = size;
        columns.crc32[row] = crc;
        columns.readable_monotonic_ns[row] = readable;
        for (const [column, value] of fill) column[row] = value(0);
        meter.measure(columns, row);
        log.endRow();
        source.record(end, frame, false);
        latency.record(end - start);
        return end;
      },
    },
    session,
    [source],
  );
  return cameraReport({
    recording,
    settings: reading,
    format,
    device,
    source,
    // read(2) has neither: what was dropped or faulty cannot be known.
    unnumbered: true,
    name: "start to end of read(2)",
    failure,
    details: {},
  });
}
