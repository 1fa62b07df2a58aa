/**
 * What the tools with a camera have in common: their options, opening it, and the report.
 *
 * @module
 */
import { formatSummary } from "../measure/format.ts";
import type { SourceStatistics } from "../measure/source_statistics.ts";
import { GREY, isCompressed, PIXEL_FORMATS, type PixelFormat } from "../image/pixel_format.ts";
import { ENOTTY, SysError } from "../sys/errno.ts";
import { DeviceError, VideoDevice } from "../v4l2/device.ts";
import type { Format } from "../v4l2/format.ts";
import { intervalOf } from "../v4l2/frame_interval.ts";
import {
  fourcc,
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
  V4L2_CAP_READWRITE,
  V4L2_CAP_STREAMING,
  V4L2_CAP_VIDEO_CAPTURE,
  V4L2_CAP_VIDEO_CAPTURE_MPLANE,
} from "../uapi/videodev2.ts";
import { frameFormat, frameSize, STAMP, TIMEOUT, WARM_UP } from "../cli/shared_options.ts";
import { rate, UsageError } from "../cli/parameters.ts";
import { SCHEDULING } from "../cli/scheduling.ts";
import type { Recording } from "./recording.ts";
import { STAGES } from "./stages.ts";
import { BREAK_OPTIONS } from "./trace_break.ts";
import type { Report } from "../cli/tool.ts";

export const CAMERA_OPTIONS = {
  size: frameSize("640x480", [640, 480]),
  fps: rate("frames a second to ask for, 30000/1001 or the like too; 0 keeps the device's", 30),
  "warm-up": WARM_UP,
  timeout: TIMEOUT,
  stages: STAGES,
  ...BREAK_OPTIONS,
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
 * @param planes whether the tool takes a camera that has the multi-planar interface alone
 * @throws {SysError | DeviceError} also where it is another kind of device
 */
export function openCamera(
  path: string,
  way: keyof typeof WAYS,
  planes: "single" | "any" = "single",
): VideoDevice {
  const { capability, role } = WAYS[way];
  try {
    return VideoDevice.open(path, V4L2_CAP_VIDEO_CAPTURE | capability, role);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    const device = openMultiPlanar(path, capability);
    if (device === undefined) throw error;
    if (planes === "any") return device;
    device.close();
    throw new DeviceError(
      path,
      "is a multi-planar capture device, which capture-mmap and capture-read take " +
        `(it is "${device.card}")`,
    );
  }
}

function openMultiPlanar(path: string, capability: number): VideoDevice | undefined {
  try {
    return VideoDevice.open(path, V4L2_CAP_VIDEO_CAPTURE_MPLANE | capability, "capture device");
  } catch (error) {
    if (error instanceof DeviceError) return undefined;
    throw error;
  }
}

/** A camera's frames: their format, and what queue they come through. */
export interface CameraFormat extends Format {
  /** V4L2_BUF_TYPE_* */
  readonly type: number;
}

/**
 * Sets a camera to frames of this format, size and rate.
 *
 * @throws {SysError | DeviceError} also where the driver chose another size, format or rate
 */
export function setUpCamera(
  device: VideoDevice,
  { size: [width, height], fps, format: pixels = GREY, stamp }: CameraSettings,
): CameraFormat {
  if (stamp && isCompressed(pixels)) throw new UsageError(`--stamp: ${pixels.name} has no pixels`);
  const wanted = { width, height, pixelformat: fourcc(pixels.fourcc) };
  const single = (device.capabilities & V4L2_CAP_VIDEO_CAPTURE) !== 0;
  const type = single ? V4L2_BUF_TYPE_VIDEO_CAPTURE : V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  const format = withHint(
    device,
    () => device.setFormat(type, wanted),
    () => optionsFor(device.getFormat(type)),
  );
  if (fps > 0) {
    withHint(
      device,
      () => device.setFrameInterval(type, intervalOf(fps)),
      () => "--fps 0 keeps the device's own rate",
    );
  }
  return { ...format, type };
}

/** What asks for the format that a device is set to; undefined where the tools do not have it. */
function optionsFor(
  { width, height, pixelformat }: Pick<Format, "width" | "height" | "pixelformat">,
): string | undefined {
  const format = PIXEL_FORMATS.find((format) => fourcc(format.fourcc) === pixelformat);
  return format && `try --size ${width}x${height} --format ${format.name}`;
}

/** Where a device refuses, says what else to ask for. */
function withHint<T>(device: VideoDevice, ask: () => T, hint: () => string | undefined): T {
  try {
    return ask();
  } catch (error) {
    const refused = error instanceof DeviceError ||
      error instanceof SysError && error.code === ENOTTY;
    const words = refused ? hint() : undefined;
    if (words === undefined) throw error;
    const { message } = error as Error;
    throw new DeviceError(device.path, `${message.slice(device.path.length + 2)} (${words})`);
  }
}

/** What a camera tool recorded. */
export interface CameraRun {
  readonly recording: Pick<Recording<string, string>, "costs" | "latency" | "settings">;
  readonly settings: CameraSettings;
  readonly device: VideoDevice;
  readonly source: SourceStatistics;
  /** The frames came without sequence and flags. */
  readonly unnumbered?: boolean;
  /** What the latency is of. */
  readonly name: string;
  readonly failure: Error | undefined;
  /** Further values for `--json`. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** The report of a run, whole or cut short. */
export function cameraReport(run: CameraRun): Report {
  const { recording, device, source, unnumbered, name, failure } = run;
  const { tool, csv, "warm-up": warmUp } = recording.settings;
  const { size: [width, height], format = GREY, fps } = run.settings;
  const { frames, rate } = source;
  const { dropped, gaps, backwards, errors } = unnumbered
    ? {} as Partial<SourceStatistics>
    : source;
  const interval = source.interval.summary();
  const latency = recording.latency.summary();
  return {
    text: [
      `${csv}: ${frames} frames of ${width}x${height} ${format.name}` +
      (rate === undefined ? "" : `, ${rate.toFixed(2)} a second`) +
      (fps > 0 ? ` (${fps} asked for)` : "") +
      (unnumbered ? "" : `, ${dropped} dropped in ${gaps} gaps, ${errors} with errors`) +
      (backwards ? `, sequence not above the one before: ${backwards} times` : "") +
      `, after ${warmUp} to warm up`,
      ...formatSummary(name, latency),
      ...formatSummary("frame to frame", interval),
    ],
    json: {
      csv,
      camera: device.card,
      driver: device.driver,
      frames,
      width,
      height,
      format: format.name,
      warm_up_frames: warmUp,
      frames_per_second: rate,
      frames_per_second_asked: fps,
      dropped,
      gaps,
      backwards,
      errors,
      process: recording.costs.summary(),
      latency_ns: latency,
      interval_ns: interval,
      tool,
      ...run.details,
      failure: failure?.message,
    },
    failure,
  };
}
