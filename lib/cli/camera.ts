/**
 * What the tools with a camera have in common: their options, opening it, and the report.
 *
 * @module
 */
import { formatSummary } from "../measure/format.ts";
import type { Summary } from "../measure/histogram.ts";
import type { SourceStatistics } from "../measure/source_statistics.ts";
import { GREY, isCompressed, type PixelFormat } from "../image/pixel_format.ts";
import { type Format, intervalOf, VideoDevice } from "../v4l2/device.ts";
import {
  fourcc,
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_CAP_READWRITE,
  V4L2_CAP_STREAMING,
  V4L2_CAP_VIDEO_CAPTURE,
} from "../v4l2/videodev2.ts";
import { frameFormat, frameSize, STAMP, TIMEOUT, WARM_UP } from "./common.ts";
import { number, UsageError } from "./parameters.ts";
import { SCHEDULING } from "./scheduling.ts";
import { STAGES } from "./stages.ts";
import type { Report } from "./tool.ts";

export const CAMERA_OPTIONS = {
  size: frameSize("640x480", [640, 480]),
  fps: number("RATE", "frames a second to ask for; 0 keeps the device's", { fallback: 30 }),
  "warm-up": WARM_UP,
  timeout: TIMEOUT,
  stages: STAGES,
  ...SCHEDULING,
};

/** Of the tools that take frames of any format. */
export const CAPTURE_OPTIONS = {
  ...CAMERA_OPTIONS,
  format: frameFormat("grey", GREY),
  stamp: STAMP,
};

/** How frames are taken from a camera, and what it must be able to do for that. */
const WAYS = {
  streaming: { capability: V4L2_CAP_STREAMING, role: "capture device with streaming I/O" },
  read: { capability: V4L2_CAP_READWRITE, role: "capture device with read(2)" },
} as const;

/** A camera's parameters. */
export interface CameraSettings {
  readonly size: readonly number[];
  /** 0 keeps the device's. */
  readonly fps: number;
  /** GREY without. */
  readonly format?: PixelFormat;
  /** The frames have numbers in their pixels. */
  readonly stamp?: boolean;
}

/**
 * Opens a camera.
 *
 * @throws {SysError | DeviceError} also where it is another kind of device
 */
export function openCamera(path: string, way: keyof typeof WAYS): VideoDevice {
  const { capability, role } = WAYS[way];
  return VideoDevice.open(path, V4L2_CAP_VIDEO_CAPTURE | capability, role);
}

/**
 * Sets a camera to frames of this format, size and rate.
 *
 * @throws {SysError | DeviceError} also where the driver chose another size, format or rate
 */
export function setUpCamera(
  device: VideoDevice,
  { size: [width, height], fps, format: pixels = GREY, stamp }: CameraSettings,
): Format {
  if (stamp && isCompressed(pixels)) throw new UsageError(`--stamp: ${pixels.name} has no pixels`);
  const wanted = { width, height, pixelformat: fourcc(pixels.fourcc) };
  const format = device.setFormat(V4L2_BUF_TYPE_VIDEO_CAPTURE, wanted);
  if (fps > 0) device.setFrameInterval(V4L2_BUF_TYPE_VIDEO_CAPTURE, intervalOf(fps));
  return format;
}

/** What a camera tool recorded. */
export interface CameraRun {
  readonly csv: string;
  readonly settings: CameraSettings & { readonly "warm-up": number };
  readonly source: SourceStatistics;
  /** What the latency is of. */
  readonly name: string;
  readonly latency: Summary | undefined;
  readonly failure: Error | undefined;
  /** Further values for `--json`. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** The report of a run, whole or cut short. */
export function cameraReport(run: CameraRun): Report {
  const { csv, settings, source, name, latency, failure } = run;
  const { size: [width, height], format = GREY, fps, "warm-up": warmUp } = settings;
  const { frames, rate, dropped, gaps, errors } = source;
  const interval = source.interval.summary();
  return {
    text: [
      `${csv}: ${frames} frames of ${width}x${height} ${format.name}` +
      (rate === undefined ? "" : `, ${rate.toFixed(2)} a second`) +
      (fps > 0 ? ` (${fps} asked for)` : "") +
      `, ${dropped} dropped in ${gaps} gaps, ${errors} with errors, after ${warmUp} to warm up`,
      ...formatSummary(name, latency),
      ...formatSummary("frame to frame", interval),
    ],
    json: {
      csv,
      frames,
      width,
      height,
      format: format.name,
      warm_up_frames: warmUp,
      frames_per_second: rate,
      frames_per_second_asked: fps,
      dropped,
      gaps,
      errors,
      latency_ns: latency,
      interval_ns: interval,
      ...run.details,
      failure: failure?.message,
    },
    failure,
  };
}
