/**
 * The loop of the tools that send a camera's frames through the filter, one at a time.
 *
 * @module
 */
import type { CellFormat } from "../measure/frame_log.ts";
import { absoluteNs, monotonicNs } from "../sys/clock.ts";
import { EAGAIN } from "../sys/errno.ts";
import { Poller, POLLIN } from "../sys/poll.ts";
import { DeviceError } from "../v4l2/device.ts";
import { V4L2_BUF_FLAG_ERROR } from "../uapi/videodev2.ts";
import { CameraPath, type CameraRoute } from "../vpipe/camera_path.ts";
import { BUFFER_COLUMNS, fillBufferColumns } from "./buffer_columns.ts";
import {
  CAMERA_OPTIONS,
  cameraReport,
  type CameraSettings,
  countFrames,
  openCamera,
  setUpCamera,
} from "./camera.ts";
import { BUFFERS } from "../cli/shared_options.ts";
import { Recording, type RecordingSettings } from "./recording.ts";
import { BREATH_MS } from "../cli/stop.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

export const RELAY_OPTIONS = { ...CAMERA_OPTIONS, buffers: BUFFERS };

/** What is known of a frame that went through, for the columns that the tools name differently. */
export interface RelayedFrame {
  cameraSequence: number;
  cameraIndex: number;
  dmabuf: number;
  filterSequence: number;
  /** When the camera's DQBUF returned, in ns. */
  cameraNs: number;
  /** When the filter's DQBUF returned, in ns. */
  filterNs: number;
  bytesused: number;
}

/** One column: how it is written, and its value. */
export type RelayColumns = Readonly<
  Record<string, readonly [CellFormat, (frame: RelayedFrame, number: number) => number]>
>;

/** A relay: what the command line says, and the columns. */
export interface Relay
  extends CameraSettings, RecordingSettings, Omit<CameraRoute, "camera" | "format"> {
  /** The camera's video node. */
  readonly source: string;
  readonly columns: RelayColumns;
  /** Further values for `--json`. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Relays and records. */
export async function relayFrames(relay: Relay, session: ToolSession): Promise<Report> {
  const { timeout } = relay;
  using camera = openCamera(relay.source, "streaming");
  // The filter's one format.
  const format = setUpCamera(camera, { ...relay, format: "grey" });
  using path = new CameraPath({ ...relay, camera, format });
  const named = Object.entries(relay.columns);
  using recording = new Recording(relay, {
    usual: {},
    extra: Object.fromEntries(named.map(([name, [format]]) => [name, format])),
    steps: {
      wait_monotonic_ns: absoluteNs,
      prepared_monotonic_ns: absoluteNs,
      enqueue_monotonic_ns: absoluteNs,
      requeued_monotonic_ns: absoluteNs,
    },
    last: BUFFER_COLUMNS,
  });
  const { columns, latency, log, meter } = recording;
  const fill = named.map(([name, [, value]]) => [recording.extra(name), value] as const);
  const { output, capture } = path;
  const { dequeued } = path.camera;
  const ready = new Poller(path.filter, POLLIN);
  const source = countFrames(format, relay);
  const relayed: RelayedFrame = {
    cameraSequence: 0,
    cameraIndex: 0,
    dmabuf: 0,
    filterSequence: 0,
    cameraNs: 0,
    filterNs: 0,
    bytesused: 0,
  };
  let waiting = 0;

  const failure = await recording.run(
    {
      source: path.camera,
      turn() {
        waiting = meter.begin();
        return -EAGAIN;
      },
      take(index, frame) {
        relayed.cameraNs = monotonicNs();
        const { flags, field } = dequeued;
        path.prepare(dequeued.sequence);
        const prepared = meter.now();
        const enqueue = path.copy(index, path.camera.payload) ? meter.now() : prepared;
        output.enqueue(index, path.camera.payload);
        let done = capture.dequeue();
        // The filter works inside VIDIOC_QBUF, unless another program's frame is before this one.
        for (let waits = 0; done === -EAGAIN; waits++) {
          if (waits * BREATH_MS > timeout * 1000) {
            throw new DeviceError(path.filter.path, `no frame within ${timeout} s`);
          }
          ready.wait(BREATH_MS);
          done = capture.dequeue();
        }
        relayed.filterNs = monotonicNs();
        if (capture.dequeued.flags & V4L2_BUF_FLAG_ERROR) {
          throw new DeviceError(path.filter.path, "the filter returned the frame with an error");
        }
        relayed.cameraSequence = dequeued.sequence;
        relayed.cameraIndex = index;
        relayed.dmabuf = path.dmabufs[index] ?? -1;
        relayed.filterSequence = capture.dequeued.sequence;
        relayed.bytesused = capture.dequeued.bytesused;
        output.reclaim();
        capture.enqueue(done);
        path.camera.enqueue(index);

        const { row } = log;
        columns.requeued_monotonic_ns[row] = meter.now();
        columns.wait_monotonic_ns[row] = waiting;
        fillBufferColumns(columns, row, dequeued);
        columns.prepared_monotonic_ns[row] = prepared;
        columns.enqueue_monotonic_ns[row] = enqueue;
        for (const [column, value] of fill) column[row] = value(relayed, frame);
        meter.measure(columns, row);
        log.endRow();
        source.record(
          relayed.cameraNs,
          relayed.cameraSequence,
          (flags & V4L2_BUF_FLAG_ERROR) !== 0,
          field,
        );
        latency.record(relayed.filterNs - relayed.cameraNs);
        return relayed.filterNs;
      },
    },
    session,
    [source],
  );
  return cameraReport({
    recording,
    settings: relay,
    format,
    device: camera,
    source,
    name: "camera to filtered frame",
    failure,
    details: { buffers: path.camera.buffers.length, ...relay.details },
  });
}
