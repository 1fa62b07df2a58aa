/**
 * The frame filter's node: its size and its controls.
 *
 * @module
 */
import type { Rectangle } from "../image/rectangle.ts";
import { DeviceError, VideoDevice } from "../v4l2/device.ts";
import * as v4l2 from "../uapi/videodev2.ts";
import * as uapi from "../uapi/vpipe.ts";

/** The name under /sys/class/video4linux of the filter's node. */
export const FILTER_NAME = "vpipe";

/** VPIPE_ALGO_* by the names that the control's menu has. */
export const ALGORITHMS = {
  none: uapi.VPIPE_ALGO_NONE,
  threshold: uapi.VPIPE_ALGO_THRESHOLD,
} as const;

/** What is done to a frame; a ROI of no width or height means the whole frame. */
export interface FilterControls {
  /** Number of the source frame, echoed in the metadata; 0..2^31-1 */
  sequence: number;
  /** VPIPE_ALGO_* */
  algorithm: number;
  /** 0..255 */
  threshold: number;
  roi: Rectangle;
}

/** Opens a filter node. */
export function openFilter(path: string): VideoDevice {
  const device = VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_M2M, "mem2mem device");
  if (device.driver === FILTER_NAME) return device;
  device.close();
  throw new DeviceError(path, `is not a vpipe filter (it is "${device.card}")`);
}

/** Sets the controls that the next OUTPUT buffers are queued with. */
export function setFilterControls(device: VideoDevice, controls: FilterControls): void {
  const { sequence, algorithm, threshold, roi } = controls;
  device.setControl(uapi.VPIPE_CID_SRC_SEQUENCE, sequence);
  device.setControl(uapi.VPIPE_CID_ALGO, algorithm);
  device.setControl(uapi.VPIPE_CID_THRESHOLD, threshold);
  device.setControl(uapi.VPIPE_CID_ROI_LEFT, roi.left);
  device.setControl(uapi.VPIPE_CID_ROI_TOP, roi.top);
  device.setControl(uapi.VPIPE_CID_ROI_WIDTH, roi.width);
  device.setControl(uapi.VPIPE_CID_ROI_HEIGHT, roi.height);
}

/** Sets both queues of the filter to one frame size and returns its size in bytes. */
export function setFilterSize(device: VideoDevice, width: number, height: number): number {
  const format = { width, height, pixelformat: v4l2.V4L2_PIX_FMT_GREY };
  device.setFormat(v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT, format);
  return device.setFormat(v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE, format).sizeimage;
}
