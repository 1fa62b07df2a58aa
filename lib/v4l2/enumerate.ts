/**
 * What a driver enumerates of frames: formats, sizes, intervals.
 *
 * @module
 */
import { EINVAL, ENOTTY } from "../sys/errno.ts";
import { ioctlOr, type IoctlSubject } from "../sys/ioctl.ts";
import type { Ioctl } from "../uapi/ioctl_number.ts";
import * as v4l2 from "../uapi/videodev2.ts";
import type { FrameInterval } from "./frame_interval.ts";

/** A pixel format of a queue. */
export interface FormatDescription {
  /** fourcc as a number */
  readonly pixelformat: number;
  /** The driver's words. */
  readonly description: string;
  /** V4L2_FMT_FLAG_* */
  readonly flags: number;
}

/** Numbers from `min` to `max`, `step` apart; a single one where both are the same. */
export interface Range {
  /** The smallest number. */
  readonly min: number;
  /** The largest number. */
  readonly max: number;
  /** From one number to the next. */
  readonly step: number;
}

/** Sizes of frames in pixels: each width with each height. */
export interface FrameSizes {
  /** Pixels in a line. */
  readonly width: Range;
  /** Lines. */
  readonly height: Range;
}

/** Intervals of frames in seconds, the shortest first; a single one where both are the same. */
export interface FrameIntervals {
  /** The shortest interval: the highest rate. */
  readonly min: FrameInterval;
  /** The longest interval: the lowest rate. */
  readonly max: FrameInterval;
  /** From one interval to the next; of a single one, the interval itself. */
  readonly step: FrameInterval;
}

/** The same argument for each index, to the documented end. */
function* each<T extends { index: number; readonly bytes: Uint8Array<ArrayBuffer> }>(
  node: IoctlSubject,
  call: Ioctl,
  argument: T,
  ...ends: readonly number[]
): Generator<T> {
  for (; ioctlOr(node, call, argument.bytes, EINVAL, ...ends) >= 0; argument.index++) {
    yield argument;
  }
}

/** As `VideoDevice.formatDescriptions`. */
export function* formats(node: IoctlSubject, type: number): Generator<FormatDescription> {
  const argument = v4l2.v4l2_fmtdesc.alloc({ type });
  for (const { pixelformat, description, flags } of each(node, v4l2.VIDIOC_ENUM_FMT, argument)) {
    yield { pixelformat, description, flags };
  }
}

/** As `VideoDevice.frameSizes`. */
export function* frameSizes(node: IoctlSubject, pixel_format: number): Generator<FrameSizes> {
  const argument = v4l2.v4l2_frmsizeenum.alloc({ pixel_format });
  for (const size of each(node, v4l2.VIDIOC_ENUM_FRAMESIZES, argument, ENOTTY)) {
    if (size.type === v4l2.V4L2_FRMSIZE_TYPE_DISCRETE) {
      const { width, height } = size;
      yield {
        width: { min: width, max: width, step: 1 },
        height: { min: height, max: height, step: 1 },
      };
    } else {
      yield {
        width: { min: size.min_width, max: size.max_width, step: size.step_width },
        height: { min: size.min_height, max: size.max_height, step: size.step_height },
      };
    }
  }
}

/** As `VideoDevice.frameIntervals`. */
export function* frameIntervals(
  node: IoctlSubject,
  pixel_format: number,
  width: number,
  height: number,
): Generator<FrameIntervals> {
  const argument = v4l2.v4l2_frmivalenum.alloc({ pixel_format, width, height });
  for (const found of each(node, v4l2.VIDIOC_ENUM_FRAMEINTERVALS, argument, ENOTTY)) {
    const min = { numerator: found.min_numerator, denominator: found.min_denominator };
    if (found.type === v4l2.V4L2_FRMIVAL_TYPE_DISCRETE) yield { min, max: min, step: min };
    else {
      yield {
        min,
        max: { numerator: found.max_numerator, denominator: found.max_denominator },
        step: { numerator: found.step_numerator, denominator: found.step_denominator },
      };
    }
  }
}
