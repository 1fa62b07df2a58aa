/**
 * Constants, structs and ioctls of linux/videodev2.h, under their own names. `tests/abi` compares
 * each of them with the header.
 *
 * @module
 */
import { _IOR, _IOW, _IOWR, type Ioctl } from "./ioctl_number.ts";
import { n64, s32, struct, text, u32, u64, u8 } from "./struct.ts";

/** A pixel format's number from its four characters. */
export function fourcc(code: string): number {
  return (code.charCodeAt(0) | code.charCodeAt(1) << 8 | code.charCodeAt(2) << 16 |
    code.charCodeAt(3) << 24) >>> 0;
}

/** The four characters of a pixel format's number. */
export function fourccText(format: number): string {
  return String.fromCharCode(format & 255, format >> 8 & 255, format >> 16 & 255, format >>> 24)
    .trimEnd();
}

export const V4L2_PIX_FMT_GREY = fourcc("GREY");
export const V4L2_PIX_FMT_YUYV = fourcc("YUYV");
export const V4L2_PIX_FMT_UYVY = fourcc("UYVY");
export const V4L2_PIX_FMT_YUV420 = fourcc("YU12");
export const V4L2_PIX_FMT_RGB24 = fourcc("RGB3");
export const V4L2_PIX_FMT_BGR24 = fourcc("BGR3");
export const V4L2_PIX_FMT_MJPEG = fourcc("MJPG");
export const V4L2_PIX_FMT_H264 = fourcc("H264");
export const V4L2_PIX_FMT_NV12 = fourcc("NV12");
export const V4L2_PIX_FMT_NV12M = fourcc("NM12");
export const V4L2_PIX_FMT_P010 = fourcc("P010");
export const V4L2_PIX_FMT_VP9_FRAME = fourcc("VP9F");
export const V4L2_PIX_FMT_H264_SLICE = fourcc("S264");
export const V4L2_PIX_FMT_VP8 = fourcc("VP80");
export const V4L2_PIX_FMT_VP9 = fourcc("VP90");
export const V4L2_PIX_FMT_HEVC = fourcc("HEVC");
export const V4L2_PIX_FMT_MPEG1 = fourcc("MPG1");
export const V4L2_PIX_FMT_MPEG2 = fourcc("MPG2");
export const V4L2_PIX_FMT_MPEG4 = fourcc("MPG4");
export const V4L2_PIX_FMT_H263 = fourcc("H263");

export const V4L2_CAP_VIDEO_CAPTURE = 0x00000001;
export const V4L2_CAP_VIDEO_OUTPUT = 0x00000002;
export const V4L2_CAP_VIDEO_CAPTURE_MPLANE = 0x00001000;
export const V4L2_CAP_VIDEO_M2M_MPLANE = 0x00004000;
export const V4L2_CAP_VIDEO_M2M = 0x00008000;
export const V4L2_CAP_READWRITE = 0x01000000;
export const V4L2_CAP_STREAMING = 0x04000000;

export const V4L2_BUF_TYPE_VIDEO_CAPTURE = 1;
export const V4L2_BUF_TYPE_VIDEO_OUTPUT = 2;
export const V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE = 9;
export const V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE = 10;

export const V4L2_MEMORY_MMAP = 1;
export const V4L2_MEMORY_USERPTR = 2;
export const V4L2_MEMORY_DMABUF = 4;

export const V4L2_FIELD_NONE = 1;

export const V4L2_BUF_FLAG_ERROR = 0x00000040;
export const V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC = 0x00002000;
export const V4L2_BUF_FLAG_TIMESTAMP_COPY = 0x00004000;
export const V4L2_BUF_FLAG_TIMESTAMP_MASK = 0x0000e000;
export const V4L2_BUF_FLAG_TSTAMP_SRC_MASK = 0x00070000;
export const V4L2_BUF_FLAG_TSTAMP_SRC_SOE = 0x00010000;
export const V4L2_BUF_FLAG_LAST = 0x00100000;
export const V4L2_BUF_FLAG_REQUEST_FD = 0x00800000;

export const V4L2_CTRL_WHICH_REQUEST_VAL = 0x0f010000;

export const V4L2_CAP_TIMEPERFRAME = 0x1000;

export const V4L2_EVENT_EOS = 2;
export const V4L2_EVENT_SOURCE_CHANGE = 5;
export const V4L2_EVENT_SRC_CH_RESOLUTION = 1;

export const V4L2_DEC_CMD_START = 0;
export const V4L2_DEC_CMD_STOP = 1;

export const V4L2_SEL_TGT_CROP = 0x0000;
export const V4L2_SEL_TGT_CROP_DEFAULT = 0x0001;
export const V4L2_SEL_TGT_CROP_BOUNDS = 0x0002;
export const V4L2_SEL_TGT_COMPOSE = 0x0100;
export const V4L2_SEL_TGT_COMPOSE_DEFAULT = 0x0101;
export const V4L2_SEL_TGT_COMPOSE_BOUNDS = 0x0102;
export const V4L2_SEL_TGT_COMPOSE_PADDED = 0x0103;

export const V4L2_CID_MIN_BUFFERS_FOR_CAPTURE = 0x00980927;

export const v4l2_capability = struct("struct v4l2_capability", 104, {
  driver: text(0, 16),
  card: text(16, 32),
  bus_info: text(48, 32),
  version: u32(80),
  capabilities: u32(84),
  device_caps: u32(88),
});

export const v4l2_fmtdesc = struct("struct v4l2_fmtdesc", 64, {
  index: u32(0),
  type: u32(4),
  flags: u32(8),
  description: text(12, 32),
  pixelformat: u32(44),
});

/** Single-plane; `v4l2_format_mplane` is another arm of the union. */
export const v4l2_format = struct("struct v4l2_format", 208, {
  type: u32(0),
  width: u32(8, "fmt.pix.width"),
  height: u32(12, "fmt.pix.height"),
  pixelformat: u32(16, "fmt.pix.pixelformat"),
  field: u32(20, "fmt.pix.field"),
  bytesperline: u32(24, "fmt.pix.bytesperline"),
  sizeimage: u32(28, "fmt.pix.sizeimage"),
  colorspace: u32(32, "fmt.pix.colorspace"),
});

/** Multi-planar; each plane's `v4l2_plane_pix_format` follows the one before it. */
export const v4l2_format_mplane = struct("struct v4l2_format", v4l2_format.size, {
  type: u32(0),
  width: u32(8, "fmt.pix_mp.width"),
  height: u32(12, "fmt.pix_mp.height"),
  pixelformat: u32(16, "fmt.pix_mp.pixelformat"),
  field: u32(20, "fmt.pix_mp.field"),
  colorspace: u32(24, "fmt.pix_mp.colorspace"),
  sizeimage: u32(28, "fmt.pix_mp.plane_fmt[0].sizeimage"),
  num_planes: u8(188, "fmt.pix_mp.num_planes"),
});

export const v4l2_plane_pix_format = struct("struct v4l2_plane_pix_format", 20, {
  sizeimage: u32(0),
  bytesperline: u32(4),
});

/**
 * numerator / denominator is the frame interval in seconds; `parm.output` has it in the same place.
 */
export const v4l2_streamparm = struct("struct v4l2_streamparm", 204, {
  type: u32(0),
  capability: u32(4, "parm.capture.capability"),
  numerator: u32(12, "parm.capture.timeperframe.numerator"),
  denominator: u32(16, "parm.capture.timeperframe.denominator"),
});

export const v4l2_requestbuffers = struct("struct v4l2_requestbuffers", 20, {
  count: u32(0),
  type: u32(4),
  memory: u32(8),
  capabilities: u32(12),
});

export const v4l2_buffer = struct("struct v4l2_buffer", 88, {
  index: u32(0),
  type: u32(4),
  bytesused: u32(8),
  flags: u32(12),
  field: u32(16),
  timestamp_sec: n64(24, "timestamp.tv_sec"),
  timestamp_usec: n64(32, "timestamp.tv_usec"),
  sequence: u32(56),
  memory: u32(60),
  offset: u32(64, "m.offset"),
  userptr: n64(64, "m.userptr"),
  fd: s32(64, "m.fd"),
  planes: u64(64, "m.planes"),
  length: u32(72),
  request_fd: s32(80),
});

export const v4l2_plane = struct("struct v4l2_plane", 64, {
  bytesused: u32(0),
  length: u32(4),
  mem_offset: u32(8, "m.mem_offset"),
  fd: s32(8, "m.fd"),
  data_offset: u32(16),
});

export const v4l2_exportbuffer = struct("struct v4l2_exportbuffer", 64, {
  type: u32(0),
  index: u32(4),
  plane: u32(8),
  flags: u32(12),
  fd: s32(16),
});

export const v4l2_control = struct("struct v4l2_control", 8, {
  id: u32(0),
  value: s32(4),
});

export const v4l2_ext_control = struct("struct v4l2_ext_control", 20, {
  id: u32(0),
  size: u32(4),
  value: s32(12),
  ptr: u64(12),
});

export const v4l2_ext_controls = struct("struct v4l2_ext_controls", 32, {
  which: u32(0),
  count: u32(4),
  error_idx: u32(8),
  request_fd: s32(12),
  controls: u64(24),
});

export const v4l2_event_subscription = struct("struct v4l2_event_subscription", 32, {
  type: u32(0),
  id: u32(4),
  flags: u32(8),
});

export const v4l2_event = struct("struct v4l2_event", 136, {
  type: u32(0),
  changes: u32(8, "u.src_change.changes"),
  pending: u32(72),
  sequence: u32(76),
  id: u32(96),
});

export const v4l2_selection = struct("struct v4l2_selection", 64, {
  type: u32(0),
  target: u32(4),
  left: s32(12, "r.left"),
  top: s32(16, "r.top"),
  width: u32(20, "r.width"),
  height: u32(24, "r.height"),
});

export const v4l2_decoder_cmd = struct("struct v4l2_decoder_cmd", 72, {
  cmd: u32(0),
  flags: u32(4),
});

const v = (name: string, request: number): Ioctl => ({ name, request });

export const VIDIOC_QUERYCAP = v("VIDIOC_QUERYCAP", _IOR("V", 0, v4l2_capability.size));
export const VIDIOC_ENUM_FMT = v("VIDIOC_ENUM_FMT", _IOWR("V", 2, v4l2_fmtdesc.size));
export const VIDIOC_G_FMT = v("VIDIOC_G_FMT", _IOWR("V", 4, v4l2_format.size));
export const VIDIOC_S_FMT = v("VIDIOC_S_FMT", _IOWR("V", 5, v4l2_format.size));
export const VIDIOC_REQBUFS = v("VIDIOC_REQBUFS", _IOWR("V", 8, v4l2_requestbuffers.size));
export const VIDIOC_QUERYBUF = v("VIDIOC_QUERYBUF", _IOWR("V", 9, v4l2_buffer.size));
export const VIDIOC_QBUF = v("VIDIOC_QBUF", _IOWR("V", 15, v4l2_buffer.size));
export const VIDIOC_EXPBUF = v("VIDIOC_EXPBUF", _IOWR("V", 16, v4l2_exportbuffer.size));
export const VIDIOC_DQBUF = v("VIDIOC_DQBUF", _IOWR("V", 17, v4l2_buffer.size));
export const VIDIOC_STREAMON = v("VIDIOC_STREAMON", _IOW("V", 18, 4));
export const VIDIOC_STREAMOFF = v("VIDIOC_STREAMOFF", _IOW("V", 19, 4));
export const VIDIOC_G_PARM = v("VIDIOC_G_PARM", _IOWR("V", 21, v4l2_streamparm.size));
export const VIDIOC_S_PARM = v("VIDIOC_S_PARM", _IOWR("V", 22, v4l2_streamparm.size));
export const VIDIOC_G_CTRL = v("VIDIOC_G_CTRL", _IOWR("V", 27, v4l2_control.size));
export const VIDIOC_S_CTRL = v("VIDIOC_S_CTRL", _IOWR("V", 28, v4l2_control.size));
export const VIDIOC_S_EXT_CTRLS = v("VIDIOC_S_EXT_CTRLS", _IOWR("V", 72, v4l2_ext_controls.size));
export const VIDIOC_DQEVENT = v("VIDIOC_DQEVENT", _IOR("V", 89, v4l2_event.size));
export const VIDIOC_SUBSCRIBE_EVENT = v(
  "VIDIOC_SUBSCRIBE_EVENT",
  _IOW("V", 90, v4l2_event_subscription.size),
);
export const VIDIOC_G_SELECTION = v("VIDIOC_G_SELECTION", _IOWR("V", 94, v4l2_selection.size));
export const VIDIOC_DECODER_CMD = v("VIDIOC_DECODER_CMD", _IOWR("V", 96, v4l2_decoder_cmd.size));
