/**
 * The cameras of a machine, and what frames they have.
 *
 * @module
 */
import { SysError } from "../sys/errno.ts";
import {
  fourccText,
  V4L2_CAP_VIDEO_CAPTURE,
  V4L2_CAP_VIDEO_CAPTURE_MPLANE,
} from "../uapi/videodev2.ts";
import { DeviceError, VideoDevice } from "./device.ts";
import type { FormatDescription, FrameIntervals, FrameSizes, Range } from "./enumerate.ts";
import { videoNodes } from "./find.ts";
import type { FrameInterval } from "./frame_interval.ts";

/** Sizes of a format with the intervals that its frames have at the largest of them. */
export interface CameraSizes extends FrameSizes {
  /** None where the driver does not tell. */
  readonly intervals: readonly FrameIntervals[];
}

/** A pixel format of a camera. */
export interface CameraFormats extends FormatDescription {
  /** None where the driver does not tell. */
  readonly sizes: readonly CameraSizes[];
}

/** What a camera says of itself. */
export interface Camera {
  /** `/dev/video0` */
  readonly path: string;
  /** Its name. */
  readonly card: string;
  /** Its driver's name. */
  readonly driver: string;
  /** In the driver's order. */
  readonly formats: readonly CameraFormats[];
}

const CAPTURES = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE;

/**
 * What one camera says.
 *
 * @returns undefined of a node without V4L2_CAP_VIDEO_CAPTURE and its _MPLANE
 * @throws {SysError | DeviceError} as `VideoDevice.open`
 */
export function describeCamera(path: string): Camera | undefined {
  using device = VideoDevice.open(path);
  const { card, driver, captureType } = device;
  if (captureType === undefined || (device.capabilities & CAPTURES) === 0) return undefined;
  const formats = Array.from(device.formatDescriptions(captureType), (format) => ({
    ...format,
    sizes: Array.from(device.frameSizes(format.pixelformat), (size) => {
      const { width, height } = size;
      const intervals = [...device.frameIntervals(format.pixelformat, width.max, height.max)];
      return { ...size, intervals };
    }),
  }));
  return { path, card, driver, formats };
}

/**
 * All cameras that this process may open, lowest number first: nodes with V4L2_CAP_VIDEO_CAPTURE or
 * its _MPLANE. One that goes meanwhile is left out.
 */
export function* cameras(): Generator<Camera> {
  for (const { path } of videoNodes()) {
    try {
      const camera = describeCamera(path);
      if (camera !== undefined) yield camera;
    } catch (error) {
      // Somebody else's, or gone since.
      if (!(error instanceof DeviceError || error instanceof SysError)) throw error;
    }
  }
}

const between = (of: Range) => of.min === of.max ? `${of.min}` : `${of.min}-${of.max}`;
const rate = ({ numerator, denominator }: FrameInterval) =>
  Number((denominator / numerator).toFixed(3));

/** A camera in lines for a person: itself, then each format with its sizes and their rates. */
export function cameraLines({ path, card, driver, formats }: Camera): string[] {
  const sizeLine = ({ width, height, intervals }: CameraSizes) => {
    const rates = intervals.map(({ min, max }) =>
      rate(min) === rate(max) ? `${rate(min)}` : `${rate(max)}-${rate(min)}`
    );
    const told = rates.length > 0 ? `: ${rates.join(" ")} frames a second` : "";
    return `    ${between(width)} x ${between(height)}${told}`;
  };
  return [
    `${path}: ${card} (${driver})`,
    ...formats.flatMap(({ pixelformat, description, sizes }) => [
      `  ${fourccText(pixelformat)}  ${description}`,
      ...sizes.map(sizeLine),
    ]),
  ];
}
