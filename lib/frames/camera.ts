/**
 * What the tools with a camera have in common: their options, opening it, and the report.
 *
 * @module
 */
import {
  counted,
  formatNumber,
  formatRate,
  formatSummary,
  formatWarmUp,
} from "../measure/format.ts";
import { SourceStatistics } from "../measure/source_statistics.ts";
import { isCompressed, PIXEL_FORMATS, pixelFormat } from "../image/pixel_format.ts";
import { ENOTTY, SysError } from "../sys/errno.ts";
import { DeviceError, VideoDevice } from "../v4l2/device.ts";
import type { Format } from "../v4l2/format.ts";
import { fieldName } from "../v4l2/buffer_flags.ts";
import { intervalOf } from "../v4l2/frame_interval.ts";
import {
  fourcc,
  fourccNumber,
  fourccText,
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
  V4L2_CAP_READWRITE,
  V4L2_CAP_STREAMING,
  V4L2_CAP_VIDEO_CAPTURE,
  V4L2_CAP_VIDEO_CAPTURE_MPLANE,
  V4L2_FIELD_ALTERNATE,
} from "../uapi/videodev2.ts";
import { anyFormat, frameSize, STAMP, TIMEOUT, WARM_UP } from "../cli/shared_options.ts";
import { optional, rate, UsageError } from "../cli/parameters.ts";
import { SCHEDULING } from "../cli/scheduling.ts";
import type { Recording, RecordingSettings } from "./recording.ts";
import { STAGES } from "./stages.ts";
import { BREAK_OPTIONS } from "./trace_break.ts";
import type { Report } from "../cli/tool.ts";

export const CAMERA_OPTIONS = {
  size: optional(frameSize("the device's")),
  fps: rate("frames a second to ask for, 30000/1001 or the like too; 0 keeps the device's", 0),
  "warm-up": WARM_UP,
  timeout: TIMEOUT,
  stages: STAGES,
  ...BREAK_OPTIONS,
  ...SCHEDULING,
};

/** Of the tools that take frames of any format. */
export const CAPTURE_OPTIONS = {
  ...CAMERA_OPTIONS,
  format: optional(anyFormat("the device's")),
  stamp: STAMP,
};

/** How frames are taken from a camera, and what it must be able to do for that. */
const WAYS = {
  streaming: { capability: V4L2_CAP_STREAMING, role: "capture device with streaming I/O" },
  read: { capability: V4L2_CAP_READWRITE, role: "capture device with read(2)" },
} as const;

/** A camera's parameters. */
export interface CameraSettings {
  /** Width and height in pixels; the device's without. */
  readonly size?: readonly number[];
  /** 0 keeps the device's. */
  readonly fps: number;
  /** A name of ours or a fourcc, in any case; the device's without. */
  readonly format?: string;
  /** The frames have numbers in their pixels. */
  readonly stamp?: boolean;
}

/**
 * Opens a camera, also one that has the multi-planar interface alone.
 *
 * @throws {SysError | DeviceError} also where it is another kind of device
 */
export function openCamera(path: string, way: keyof typeof WAYS): VideoDevice {
  const { capability, role } = WAYS[way];
  try {
    return VideoDevice.open(path, V4L2_CAP_VIDEO_CAPTURE | capability, role);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    const device = openMultiPlanar(path, capability);
    if (device === undefined) throw error;
    return device;
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
  /** What the pixel format is called: our name, or the fourcc. */
  readonly name: string;
  /** Frames a second that the device is set to; undefined where it does not tell. */
  readonly rate?: number;
  /** Whether each buffer has one of a frame's two fields, which share a sequence number. */
  readonly alternating: boolean;
}

/**
 * Sets a camera to frames of this format, size and rate; what is not asked for stays as it is.
 *
 * @throws {SysError | DeviceError} also where the driver chose another size, format or rate
 */
export function setUpCamera(
  device: VideoDevice,
  { size, fps, format: asked, stamp }: CameraSettings,
): CameraFormat {
  const type = captureType(device);
  const current = device.getFormat(type);
  const [width, height] = size ?? [current.width, current.height];
  const pixelformat = asked === undefined ? current.pixelformat : numberOf(device, type, asked);
  const format = size === undefined && pixelformat === current.pixelformat ? current : withHint(
    device,
    () => device.setFormat(type, { width, height, pixelformat, field: current.field }),
    () => optionsFor(device.getFormat(type)),
  );
  const pixels = formatOf(format.pixelformat);
  const name = pixels?.name ?? fourccText(format.pixelformat);
  if (stamp && (pixels === undefined || isCompressed(pixels))) {
    const shown = "the uncompressed formats in --help";
    throw new UsageError(`--stamp reads pixels, of ${shown}; the frames are ${name}`);
  }
  if (fps > 0) {
    withHint(
      device,
      () => device.setFrameInterval(type, intervalOf(fps)),
      () => "--fps 0 keeps the device's own rate",
    );
  }
  const interval = device.getFrameInterval(type);
  const rate = interval && interval.denominator / interval.numerator;
  return { ...format, type, name, rate, alternating: format.field === V4L2_FIELD_ALTERNATE };
}

function captureType({ capabilities }: VideoDevice): number {
  return capabilities & V4L2_CAP_VIDEO_CAPTURE
    ? V4L2_BUF_TYPE_VIDEO_CAPTURE
    : V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
}

/** What a run's frames are counted by; who watches them is told in what they come. */
export function countFrames(
  { alternating }: CameraFormat,
  { watch }: RecordingSettings,
): SourceStatistics {
  watch?.begin(alternating);
  return new SourceStatistics(alternating);
}

/** The format of this number; undefined where nothing here looks at its pixels. */
const formatOf = (pixelformat: number) =>
  PIXEL_FORMATS.find((format) => fourcc(format.fourcc) === pixelformat);

/** The number of a format by its name or fourcc: that of the device's own which is written alike. */
function numberOf(device: VideoDevice, type: number, asked: string): number {
  const text = pixelFormat(asked.toLowerCase())?.fourcc ?? asked;
  const plain = (text: string) => text.replaceAll(" ", "").toLowerCase();
  const own = [...formatsOf(device, type)];
  // The case of a letter can tell two formats apart.
  return own.find((format) => fourccText(format) === text.trimEnd()) ??
    own.find((format) => plain(fourccText(format)) === plain(text)) ?? fourccNumber(text);
}

/** A device's formats; none where it does not tell. */
function formatsOf(device: VideoDevice, type: number): number[] {
  try {
    return [...device.formats(type)];
  } catch (error) {
    if (error instanceof SysError && error.code === ENOTTY) return [];
    throw error;
  }
}

/** What asks for the format that a device is set to. */
function optionsFor(
  { width, height, pixelformat }: Pick<Format, "width" | "height" | "pixelformat">,
): string {
  const name = formatOf(pixelformat)?.name ?? fourccText(pixelformat);
  return `try --size ${width}x${height} --format ${name}`;
}

/** Where a device refuses, says what else to ask for. */
function withHint<T>(device: VideoDevice, ask: () => T, hint: () => string): T {
  try {
    return ask();
  } catch (error) {
    const refused = error instanceof DeviceError ||
      error instanceof SysError && error.code === ENOTTY;
    if (!refused) throw error;
    throw new DeviceError(
      device.path,
      `${error.message.slice(device.path.length + 2)} (${hint()})`,
    );
  }
}

/** What a camera tool recorded. */
export interface CameraRun {
  readonly recording: Pick<Recording<string, string>, "costs" | "latency" | "settings">;
  readonly settings: CameraSettings;
  readonly format: CameraFormat;
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
  const { width, height, name: format, field, alternating } = run.format;
  const { fps } = run.settings;
  const { frames, rate } = source;
  // Of no frame, or by read(2), there is nothing to tell them by.
  const isTold = !unnumbered && frames > 0;
  const { dropped, gaps, backwards, errors }: Partial<SourceStatistics> = isTold ? source : {};
  const back = backwards ? `sequence not above the one before: ${backwards} times` : "";
  const losses = dropped === 0 && back
    ? `dropped: cannot be told (${back})`
    : `${dropped} dropped in ${gaps} gaps${back && `, ${back}`}`;
  const interval = source.interval.summary();
  const latency = recording.latency.summary();
  return {
    text: [
      `${csv || device.path}: ${counted(frames, alternating ? "field" : "frame")} of ` +
      `${width}x${height} ${format}` +
      (rate === undefined
        ? ""
        : `, ${formatNumber(rate, 2)} ${alternating ? "frames " : ""}a second`) +
      (fps > 0 ? ` (${formatRate(fps)} asked for)` : "") +
      (isTold ? `, ${losses}, ${errors} with errors` : "") +
      `, ${formatWarmUp(frames, warmUp)}`,
      ...formatSummary(name, latency),
      ...formatSummary("frame to frame", interval),
    ],
    json: {
      csv: csv || undefined,
      camera: device.card,
      driver: device.driver,
      frames,
      width,
      height,
      format,
      field: fieldName(field),
      warm_up_frames: frames > 0 ? warmUp : undefined,
      frames_per_second: rate,
      frames_per_second_asked: fps,
      frames_per_second_set: run.format.rate,
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
