/**
 * Selection rectangles: which part of a picture is meant to be seen.
 *
 * @module
 */
import type { Rectangle } from "../image/rectangle.ts";
import { ioctl } from "../sys/ioctl.ts";
import type { VideoDevice } from "./device.ts";
import * as v4l2 from "../uapi/videodev2.ts";

/**
 * A rectangle of one queue (VIDIOC_G_SELECTION).
 *
 * @param type V4L2_BUF_TYPE_*
 * @param target V4L2_SEL_TGT_*
 * @throws {SysError} EINVAL where the queue has no such rectangle
 */
export function selection(device: VideoDevice, type: number, target: number): Rectangle {
  const argument = v4l2.v4l2_selection.alloc({ type, target });
  ioctl(device, v4l2.VIDIOC_G_SELECTION, argument.bytes);
  const { left, top, width, height } = argument;
  return { left, top, width, height };
}
