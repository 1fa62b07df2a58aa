/**
 * Compound controls: those whose value is a struct, as stateless codecs have them.
 *
 * @module
 */
import { ioctl } from "../sys/ioctl.ts";
import { addressOf } from "../sys/libc.ts";
import type { VideoDevice } from "./device.ts";
import type { MediaRequest } from "./media.ts";
import * as v4l2 from "../uapi/videodev2.ts";

/** A control and its value, a C struct in bytes. */
export interface CompoundControl {
  /** V4L2_CID_* */
  readonly id: number;
  /** The struct of the control's type, as lib/uapi declares it; all of it, not a byte more. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/**
 * Sets controls all at once (VIDIOC_S_EXT_CTRLS).
 *
 * @param request sets them for its buffer, instead of now
 * @throws {SysError} EINVAL for a control the device does not have or a value it does not take,
 * ENOSPC for a payload of another size
 */
export function setCompoundControls(
  device: VideoDevice,
  controls: readonly CompoundControl[],
  request?: MediaRequest,
): void {
  // VIDIOC_S_EXT_CTRLS of none asks another question.
  if (controls.length === 0) return;
  const { size } = v4l2.v4l2_ext_control;
  const list = new Uint8Array(size * controls.length);
  controls.forEach(({ id, payload }, i) => {
    const control = v4l2.v4l2_ext_control.at(list, i * size);
    control.id = id;
    control.size = payload.length;
    control.ptr = addressOf(payload);
  });
  const argument = v4l2.v4l2_ext_controls.alloc({
    which: request === undefined ? 0 : v4l2.V4L2_CTRL_WHICH_REQUEST_VAL,
    request_fd: request?.fd ?? 0,
    count: controls.length,
    controls: addressOf(list),
  });
  ioctl(device, v4l2.VIDIOC_S_EXT_CTRLS, argument.bytes);
}
