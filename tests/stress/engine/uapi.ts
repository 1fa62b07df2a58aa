/**
 * What only the stress program uses of errno.h, fcntl.h and linux/videodev2.h. `tests/abi` compares each of
 * them with the headers.
 *
 * @module
 */
import { _IOR, _IOW, _IOWR, type Ioctl } from "../../../lib/uapi/ioctl_number.ts";
import { struct, u32, u64 } from "../../../lib/uapi/struct.ts";
import {
  v4l2_buffer,
  v4l2_decoder_cmd,
  v4l2_event_subscription,
  v4l2_ext_controls,
  v4l2_format,
  v4l2_selection,
} from "../../../lib/uapi/videodev2.ts";

export { EIO } from "../../../lib/sys/errno.ts";
export const ENXIO = 6;
export const ENOMEM = 12;
export const EBADR = 53;

export const F_SETFL = 4;

export const V4L2_BUF_FLAG_QUEUED = 0x00000002;
export const V4L2_BUF_FLAG_DONE = 0x00000004;
export const V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF = 0x00000200;

export const V4L2_EVENT_CTRL = 3;

export const V4L2_DEC_CMD_FLUSH = 4;

/** The USERPTR arm of a buffer's union. */
export const v4l2_userptr_buffer = struct("struct v4l2_buffer", v4l2_buffer.size, {
  ...v4l2_buffer.fields,
  userptr: u64(64, "m.userptr"),
});

export const v4l2_create_buffers = struct("struct v4l2_create_buffers", 256, {
  index: u32(0),
  count: u32(4),
  memory: u32(8),
  type: u32(16, "format.type"),
  width: u32(24, "format.fmt.pix.width"),
  height: u32(28, "format.fmt.pix.height"),
  pixelformat: u32(32, "format.fmt.pix.pixelformat"),
  field: u32(36, "format.fmt.pix.field"),
  sizeimage: u32(44, "format.fmt.pix.sizeimage"),
});

const v = (name: string, request: number): Ioctl => ({ name, request });

export const VIDIOC_TRY_FMT = v("VIDIOC_TRY_FMT", _IOWR("V", 64, v4l2_format.size));
export const VIDIOC_G_EXT_CTRLS = v("VIDIOC_G_EXT_CTRLS", _IOWR("V", 71, v4l2_ext_controls.size));
export const VIDIOC_UNSUBSCRIBE_EVENT = v(
  "VIDIOC_UNSUBSCRIBE_EVENT",
  _IOW("V", 91, v4l2_event_subscription.size),
);
export const VIDIOC_CREATE_BUFS = v("VIDIOC_CREATE_BUFS", _IOWR("V", 92, v4l2_create_buffers.size));
export const VIDIOC_PREPARE_BUF = v("VIDIOC_PREPARE_BUF", _IOWR("V", 93, v4l2_buffer.size));
export const VIDIOC_S_SELECTION = v("VIDIOC_S_SELECTION", _IOWR("V", 95, v4l2_selection.size));
export const VIDIOC_TRY_DECODER_CMD = v(
  "VIDIOC_TRY_DECODER_CMD",
  _IOWR("V", 97, v4l2_decoder_cmd.size),
);
