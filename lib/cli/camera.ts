/**
 * What the tools with a camera have in common: their options, opening it, and the report.
 *
 * @module
 */
import { formatSummary } from "../measure/format.ts";
import type { Summary } from "../measure/histogram.ts";
import type { SourceStatistics } from "../measure/source_statistics.ts";
import { type Format, VideoDevice } from "../v4l2/device.ts";
import {
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_CAP_READWRITE,
  V4L2_CAP_STREAMING,
  V4L2_CAP_VIDEO_CAPTURE,
  V4L2_PIX_FMT_GREY,
} from "../v4l2/videodev2.ts";
import { SIZE, TIMEOUT, WARM_UP } from "./common.ts";
import { number } from "./parameters.ts";
import { SCHEDULING } from "./scheduling.ts";
import { STAGES } from "./stages.ts";
import type { Report } from "./tool.ts";

export const CAMERA_OPTIONS = {
  size: SIZE,
  fps: number("RATE", "frames a second to ask for; 0 keeps the device's", { fallback: 30 }),
  "warm-up": WARM_UP,
  timeout: TIMEOUT,
  stages: STAGES,
  ...SCHEDULING,
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
}

/**
 * Opens a camera with GREY frames of this size and rate.
 *
 * @throws {SysError | DeviceError} also where the driver chose another size, format or rate
 */
export function openCamera(
  path: string,
  way: keyof typeof WAYS,
  { size: [width, height], fps }: CameraSettings,
): { device: VideoDevice; format: Format } {
  const { capability, role } = WAYS[way];
  const device = VideoDevice.open(path, V4L2_CAP_VIDEO_CAPTURE | capability, role);
  try {
    const wanted = { width, height, pixelformat: V4L2_PIX_FMT_GREY };
    const format = device.setFormat(V4L2_BUF_TYPE_VIDEO_CAPTURE, wanted);
    if (fps > 0) device.setFrameRate(fps);
    return { device, format };
  } catch (error) {
    device.close();
    throw error;
  }
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
  const { size: [width, height], fps, "warm-up": warmUp } = settings;
  const { frames, rate, dropped, gaps, errors } = source;
  const interval = source.interval.summary();
  return {
    text: [
      `${csv}: ${frames} frames of ${width}x${height}` +
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
