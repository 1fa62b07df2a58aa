/**
 * Constants, structs and ioctls of linux/videodev2.h, under their own names. `tests/abi` compares
 * each of them with the header.
 *
 * @module
 */
import { _IOR, _IOW, _IOWR, type Ioctl } from "./ioctl_number.ts";
import {
  array,
  type FieldsOf,
  n64,
  s32,
  s64,
  struct,
  type StructType,
  text,
  u32,
  u64,
  u8,
} from "./struct.ts";

/** A pixel format's number from its four characters. */
export function fourcc(code: string): number {
  return (code.charCodeAt(0) | code.charCodeAt(1) << 8 | code.charCodeAt(2) << 16 |
    code.charCodeAt(3) << 24) >>> 0;
}

/**
 * The four characters of a pixel format's number, without spaces at their end; `-BE` behind those of a
 * big-endian one, as v4l2-ctl has it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fourccText(V4L2_PIX_FMT_YUYV), "YUYV");
 * assertEquals(fourccText(fourcc("Y16 ")), "Y16");
 * ```
 */
export function fourccText(format: number): string {
  const text = String.fromCharCode(...[0, 8, 16, 24].map((shift) => format >>> shift & 127));
  return format >>> 31 === 1 ? `${text}-BE` : text.trimEnd();
}

/**
 * The number of a pixel format by its characters, as `fourccText` and v4l2-ctl have them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fourccNumber("Y16"), fourcc("Y16 "));
 * assertEquals(fourccText(fourccNumber("Y16 -BE")), "Y16 -BE");
 * ```
 */
export function fourccNumber(text: string): number {
  const bigEndian = /-BE$/i.test(text);
  const code = fourcc(text.replace(/-BE$/i, "").padEnd(4));
  return bigEndian ? (code | 0x8000_0000) >>> 0 : code;
}

export const V4L2_PIX_FMT_GREY: number = fourcc("GREY");
export const V4L2_PIX_FMT_YUYV: number = fourcc("YUYV");
export const V4L2_PIX_FMT_UYVY: number = fourcc("UYVY");
export const V4L2_PIX_FMT_YUV420: number = fourcc("YU12");
export const V4L2_PIX_FMT_RGB24: number = fourcc("RGB3");
export const V4L2_PIX_FMT_BGR24: number = fourcc("BGR3");
export const V4L2_PIX_FMT_MJPEG: number = fourcc("MJPG");
export const V4L2_PIX_FMT_H264: number = fourcc("H264");
export const V4L2_PIX_FMT_NV12: number = fourcc("NV12");
export const V4L2_PIX_FMT_NV12M: number = fourcc("NM12");
export const V4L2_PIX_FMT_YUV420M: number = fourcc("YM12");
export const V4L2_PIX_FMT_P010: number = fourcc("P010");
export const V4L2_PIX_FMT_VP8_FRAME: number = fourcc("VP8F");
export const V4L2_PIX_FMT_VP9_FRAME: number = fourcc("VP9F");
export const V4L2_PIX_FMT_H264_SLICE: number = fourcc("S264");
export const V4L2_PIX_FMT_HEVC_SLICE: number = fourcc("S265");
export const V4L2_PIX_FMT_VP8: number = fourcc("VP80");
export const V4L2_PIX_FMT_VP9: number = fourcc("VP90");
export const V4L2_PIX_FMT_HEVC: number = fourcc("HEVC");
export const V4L2_PIX_FMT_MPEG1: number = fourcc("MPG1");
export const V4L2_PIX_FMT_MPEG2: number = fourcc("MPG2");
export const V4L2_PIX_FMT_MPEG2_SLICE: number = fourcc("MG2S");
export const V4L2_PIX_FMT_MPEG4: number = fourcc("MPG4");
export const V4L2_PIX_FMT_H263: number = fourcc("H263");
export const V4L2_PIX_FMT_Y4: number = fourcc("Y04 ");
export const V4L2_PIX_FMT_Y6: number = fourcc("Y06 ");
export const V4L2_PIX_FMT_Y10: number = fourcc("Y10 ");
export const V4L2_PIX_FMT_Y12: number = fourcc("Y12 ");
export const V4L2_PIX_FMT_Y16: number = fourcc("Y16 ");
export const V4L2_PIX_FMT_YVYU: number = fourcc("YVYU");
export const V4L2_PIX_FMT_VYUY: number = fourcc("VYUY");
export const V4L2_PIX_FMT_YYUV: number = fourcc("YYUV");
export const V4L2_PIX_FMT_Y41P: number = fourcc("Y41P");
export const V4L2_PIX_FMT_YUV444: number = fourcc("Y444");
export const V4L2_PIX_FMT_YUV555: number = fourcc("YUVO");
export const V4L2_PIX_FMT_YUV565: number = fourcc("YUVP");
export const V4L2_PIX_FMT_YUV32: number = fourcc("YUV4");
export const V4L2_PIX_FMT_NV21: number = fourcc("NV21");
export const V4L2_PIX_FMT_NV16: number = fourcc("NV16");
export const V4L2_PIX_FMT_YVU420: number = fourcc("YV12");
export const V4L2_PIX_FMT_YUV422P: number = fourcc("422P");
export const V4L2_PIX_FMT_YUV411P: number = fourcc("411P");
export const V4L2_PIX_FMT_YUV410: number = fourcc("YUV9");
export const V4L2_PIX_FMT_YVU410: number = fourcc("YVU9");
export const V4L2_PIX_FMT_RGB332: number = fourcc("RGB1");
export const V4L2_PIX_FMT_RGB444: number = fourcc("R444");
export const V4L2_PIX_FMT_RGB555: number = fourcc("RGBO");
export const V4L2_PIX_FMT_RGB565: number = fourcc("RGBP");
export const V4L2_PIX_FMT_RGB555X: number = fourcc("RGBQ");
export const V4L2_PIX_FMT_RGB565X: number = fourcc("RGBR");
export const V4L2_PIX_FMT_BGR666: number = fourcc("BGRH");
export const V4L2_PIX_FMT_BGR32: number = fourcc("BGR4");
export const V4L2_PIX_FMT_ABGR32: number = fourcc("AR24");
export const V4L2_PIX_FMT_XBGR32: number = fourcc("XR24");
export const V4L2_PIX_FMT_RGB32: number = fourcc("RGB4");
export const V4L2_PIX_FMT_ARGB32: number = fourcc("BA24");
export const V4L2_PIX_FMT_XRGB32: number = fourcc("BX24");
export const V4L2_PIX_FMT_RGBA32: number = fourcc("AB24");
export const V4L2_PIX_FMT_RGBX32: number = fourcc("XB24");
export const V4L2_PIX_FMT_SRGGB8: number = fourcc("RGGB");
export const V4L2_PIX_FMT_SGRBG8: number = fourcc("GRBG");
export const V4L2_PIX_FMT_SGBRG8: number = fourcc("GBRG");
export const V4L2_PIX_FMT_SBGGR8: number = fourcc("BA81");
export const V4L2_PIX_FMT_SRGGB10: number = fourcc("RG10");
export const V4L2_PIX_FMT_SGRBG10: number = fourcc("BA10");
export const V4L2_PIX_FMT_SGBRG10: number = fourcc("GB10");
export const V4L2_PIX_FMT_SBGGR10: number = fourcc("BG10");
export const V4L2_PIX_FMT_JPEG: number = fourcc("JPEG");
export const V4L2_PIX_FMT_DV: number = fourcc("dvsd");
export const V4L2_PIX_FMT_MPEG: number = fourcc("MPEG");
export const V4L2_PIX_FMT_H264_NO_SC: number = fourcc("AVC1");
export const V4L2_PIX_FMT_H264_MVC: number = fourcc("M264");
export const V4L2_PIX_FMT_XVID: number = fourcc("XVID");
export const V4L2_PIX_FMT_VC1_ANNEX_G: number = fourcc("VC1G");
export const V4L2_PIX_FMT_VC1_ANNEX_L: number = fourcc("VC1L");
/** Since Linux 6.15. */
export const V4L2_PIX_FMT_AV1: number = fourcc("AV01");
/** Since Linux 6.5. */
export const V4L2_PIX_FMT_AV1_FRAME: number = fourcc("AV1F");

export const V4L2_CAP_VIDEO_CAPTURE = 0x00000001;
export const V4L2_CAP_VIDEO_OUTPUT = 0x00000002;
export const V4L2_CAP_VIDEO_CAPTURE_MPLANE = 0x00001000;
export const V4L2_CAP_VIDEO_OUTPUT_MPLANE = 0x00002000;
export const V4L2_CAP_VIDEO_M2M_MPLANE = 0x00004000;
export const V4L2_CAP_VIDEO_M2M = 0x00008000;
export const V4L2_CAP_READWRITE = 0x01000000;
export const V4L2_CAP_STREAMING = 0x04000000;

export const V4L2_FMT_FLAG_COMPRESSED = 0x0001;
/** The device does not have it: a library converts. */
export const V4L2_FMT_FLAG_EMULATED = 0x0002;
/** A decoder finds frames in any pieces of a stream. */
export const V4L2_FMT_FLAG_CONTINUOUS_BYTESTREAM = 0x0004;
/** A decoder follows a stream whose pictures change. */
export const V4L2_FMT_FLAG_DYN_RESOLUTION = 0x0008;

export const V4L2_FRMSIZE_TYPE_DISCRETE = 1;
export const V4L2_FRMSIZE_TYPE_CONTINUOUS = 2;
export const V4L2_FRMSIZE_TYPE_STEPWISE = 3;

export const V4L2_FRMIVAL_TYPE_DISCRETE = 1;
export const V4L2_FRMIVAL_TYPE_CONTINUOUS = 2;
export const V4L2_FRMIVAL_TYPE_STEPWISE = 3;

export const V4L2_BUF_TYPE_VIDEO_CAPTURE = 1;
export const V4L2_BUF_TYPE_VIDEO_OUTPUT = 2;
export const V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE = 9;
export const V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE = 10;

export const V4L2_MEMORY_MMAP = 1;
export const V4L2_MEMORY_USERPTR = 2;
export const V4L2_MEMORY_DMABUF = 4;

/** In `priv` of a single-planar format: what follows it counts. */
export const V4L2_PIX_FMT_PRIV_MAGIC = 0xfeedcafe;

export const V4L2_FIELD_ANY = 0;
export const V4L2_FIELD_NONE = 1;
export const V4L2_FIELD_TOP = 2;
export const V4L2_FIELD_BOTTOM = 3;
export const V4L2_FIELD_INTERLACED = 4;
export const V4L2_FIELD_SEQ_TB = 5;
export const V4L2_FIELD_SEQ_BT = 6;
export const V4L2_FIELD_ALTERNATE = 7;
export const V4L2_FIELD_INTERLACED_TB = 8;
export const V4L2_FIELD_INTERLACED_BT = 9;

export const V4L2_BUF_FLAG_QUEUED = 0x00000002;
export const V4L2_BUF_FLAG_DONE = 0x00000004;
export const V4L2_BUF_FLAG_KEYFRAME = 0x00000008;
export const V4L2_BUF_FLAG_ERROR = 0x00000040;
export const V4L2_BUF_FLAG_TIMECODE = 0x00000100;
export const V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF = 0x00000200;
export const V4L2_BUF_FLAG_TIMESTAMP_UNKNOWN = 0x00000000;
export const V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC = 0x00002000;
export const V4L2_BUF_FLAG_TIMESTAMP_COPY = 0x00004000;
export const V4L2_BUF_FLAG_TIMESTAMP_MASK = 0x0000e000;
export const V4L2_BUF_FLAG_TSTAMP_SRC_MASK = 0x00070000;
export const V4L2_BUF_FLAG_TSTAMP_SRC_EOF = 0x00000000;
export const V4L2_BUF_FLAG_TSTAMP_SRC_SOE = 0x00010000;
export const V4L2_BUF_FLAG_LAST = 0x00100000;
export const V4L2_BUF_FLAG_REQUEST_FD = 0x00800000;

/** Of buffers: `max_num_buffers` is told. */
export const V4L2_BUF_CAP_SUPPORTS_MAX_NUM_BUFFERS = 1 << 7;

export const V4L2_COLORSPACE_SMPTE170M = 1;
export const V4L2_COLORSPACE_JPEG = 7;

export const V4L2_QUANTIZATION_FULL_RANGE = 1;
export const V4L2_QUANTIZATION_LIM_RANGE = 2;

export const V4L2_CTRL_WHICH_REQUEST_VAL = 0x0f010000;

export const V4L2_CTRL_TYPE_INTEGER = 1;
export const V4L2_CTRL_TYPE_BOOLEAN = 2;
export const V4L2_CTRL_TYPE_MENU = 3;
export const V4L2_CTRL_TYPE_BUTTON = 4;
export const V4L2_CTRL_TYPE_INTEGER64 = 5;
export const V4L2_CTRL_TYPE_CTRL_CLASS = 6;
export const V4L2_CTRL_TYPE_STRING = 7;
export const V4L2_CTRL_TYPE_BITMASK = 8;
export const V4L2_CTRL_TYPE_INTEGER_MENU = 9;

/** For good: the driver does not have it after all. */
export const V4L2_CTRL_FLAG_DISABLED = 0x0001;
/** For now, as while a stream runs: VIDIOC_S_CTRL has EBUSY. */
export const V4L2_CTRL_FLAG_GRABBED = 0x0002;
export const V4L2_CTRL_FLAG_READ_ONLY = 0x0004;
/** It has no effect on account of another control. */
export const V4L2_CTRL_FLAG_INACTIVE = 0x0010;
export const V4L2_CTRL_FLAG_WRITE_ONLY = 0x0040;
/** The device changes it. */
export const V4L2_CTRL_FLAG_VOLATILE = 0x0080;
/** Its value is behind a pointer: a struct, an array or text. */
export const V4L2_CTRL_FLAG_HAS_PAYLOAD = 0x0100;
/** In the id of VIDIOC_QUERY_EXT_CTRL: the control after it. */
export const V4L2_CTRL_FLAG_NEXT_CTRL = 0x80000000;
/** The same, for controls whose value is a struct or an array. */
export const V4L2_CTRL_FLAG_NEXT_COMPOUND = 0x40000000;

export const V4L2_PRIORITY_INTERACTIVE = 2;
export const V4L2_PRIORITY_RECORD = 3;

export const V4L2_CAP_TIMEPERFRAME = 0x1000;

export const V4L2_EVENT_EOS = 2;
export const V4L2_EVENT_CTRL = 3;
export const V4L2_EVENT_SOURCE_CHANGE = 5;
export const V4L2_EVENT_SRC_CH_RESOLUTION = 1;
export const V4L2_EVENT_SUB_FL_SEND_INITIAL = 1;

export const V4L2_DEC_CMD_START = 0;
export const V4L2_DEC_CMD_STOP = 1;
export const V4L2_DEC_CMD_FLUSH = 4;

export const V4L2_SEL_TGT_CROP = 0x0000;
export const V4L2_SEL_TGT_CROP_DEFAULT = 0x0001;
export const V4L2_SEL_TGT_CROP_BOUNDS = 0x0002;
export const V4L2_SEL_TGT_COMPOSE = 0x0100;
export const V4L2_SEL_TGT_COMPOSE_DEFAULT = 0x0101;
export const V4L2_SEL_TGT_COMPOSE_BOUNDS = 0x0102;
export const V4L2_SEL_TGT_COMPOSE_PADDED = 0x0103;

export const V4L2_CID_MIN_BUFFERS_FOR_CAPTURE = 0x00980927;
export const V4L2_CID_EXPOSURE_ABSOLUTE = 0x009a0902;
export const V4L2_CID_EXPOSURE_AUTO_PRIORITY = 0x009a0903;

export const v4l2_capability: StructType<
  & FieldsOf<string, "driver" | "card" | "bus_info">
  & FieldsOf<number, "version" | "capabilities" | "device_caps">
> = struct("struct v4l2_capability", 104, {
  driver: text(0, 16),
  card: text(16, 32),
  bus_info: text(48, 32),
  version: u32(80),
  capabilities: u32(84),
  device_caps: u32(88),
});

export const v4l2_fmtdesc: StructType<
  FieldsOf<number, "index" | "type" | "flags" | "pixelformat"> & FieldsOf<string, "description">
> = struct("struct v4l2_fmtdesc", 64, {
  index: u32(0),
  type: u32(4),
  flags: u32(8),
  description: text(12, 32),
  pixelformat: u32(44),
});

/** A discrete size has the arm `discrete`, the others `stepwise`; all in pixels. */
export const v4l2_frmsizeenum: StructType<
  FieldsOf<
    number,
    | "index"
    | "pixel_format"
    | "type"
    | "width"
    | "height"
    | "min_width"
    | "max_width"
    | "step_width"
    | "min_height"
    | "max_height"
    | "step_height"
  >
> = struct("struct v4l2_frmsizeenum", 44, {
  index: u32(0),
  pixel_format: u32(4),
  type: u32(8),
  width: u32(12, "discrete.width"),
  height: u32(16, "discrete.height"),
  min_width: u32(12, "stepwise.min_width"),
  max_width: u32(16, "stepwise.max_width"),
  step_width: u32(20, "stepwise.step_width"),
  min_height: u32(24, "stepwise.min_height"),
  max_height: u32(28, "stepwise.max_height"),
  step_height: u32(32, "stepwise.step_height"),
});

/** A discrete interval has the arm `discrete`, the others `stepwise`; all in seconds. */
export const v4l2_frmivalenum: StructType<
  FieldsOf<
    number,
    | "index"
    | "pixel_format"
    | "width"
    | "height"
    | "type"
    | "numerator"
    | "denominator"
    | "min_numerator"
    | "min_denominator"
    | "max_numerator"
    | "max_denominator"
    | "step_numerator"
    | "step_denominator"
  >
> = struct("struct v4l2_frmivalenum", 52, {
  index: u32(0),
  pixel_format: u32(4),
  width: u32(8),
  height: u32(12),
  type: u32(16),
  numerator: u32(20, "discrete.numerator"),
  denominator: u32(24, "discrete.denominator"),
  min_numerator: u32(20, "stepwise.min.numerator"),
  min_denominator: u32(24, "stepwise.min.denominator"),
  max_numerator: u32(28, "stepwise.max.numerator"),
  max_denominator: u32(32, "stepwise.max.denominator"),
  step_numerator: u32(36, "stepwise.step.numerator"),
  step_denominator: u32(40, "stepwise.step.denominator"),
});

/** Single-plane; `v4l2_format_mplane` is another arm of the union. */
export const v4l2_format: StructType<
  FieldsOf<
    number,
    | "type"
    | "width"
    | "height"
    | "pixelformat"
    | "field"
    | "bytesperline"
    | "sizeimage"
    | "colorspace"
    | "priv"
    | "flags"
    | "ycbcr_enc"
    | "quantization"
    | "xfer_func"
  >
> = struct("struct v4l2_format", 208, {
  type: u32(0),
  width: u32(8, "fmt.pix.width"),
  height: u32(12, "fmt.pix.height"),
  pixelformat: u32(16, "fmt.pix.pixelformat"),
  field: u32(20, "fmt.pix.field"),
  bytesperline: u32(24, "fmt.pix.bytesperline"),
  sizeimage: u32(28, "fmt.pix.sizeimage"),
  colorspace: u32(32, "fmt.pix.colorspace"),
  priv: u32(36, "fmt.pix.priv"),
  flags: u32(40, "fmt.pix.flags"),
  ycbcr_enc: u32(44, "fmt.pix.ycbcr_enc"),
  quantization: u32(48, "fmt.pix.quantization"),
  xfer_func: u32(52, "fmt.pix.xfer_func"),
});

/** Multi-planar; each plane's `v4l2_plane_pix_format` follows the one before it. */
export const v4l2_format_mplane: StructType<
  FieldsOf<
    number,
    | "type"
    | "width"
    | "height"
    | "pixelformat"
    | "field"
    | "colorspace"
    | "sizeimage"
    | "num_planes"
    | "flags"
    | "ycbcr_enc"
    | "quantization"
    | "xfer_func"
  >
> = struct("struct v4l2_format", v4l2_format.size, {
  type: u32(0),
  width: u32(8, "fmt.pix_mp.width"),
  height: u32(12, "fmt.pix_mp.height"),
  pixelformat: u32(16, "fmt.pix_mp.pixelformat"),
  field: u32(20, "fmt.pix_mp.field"),
  colorspace: u32(24, "fmt.pix_mp.colorspace"),
  sizeimage: u32(28, "fmt.pix_mp.plane_fmt[0].sizeimage"),
  num_planes: u8(188, "fmt.pix_mp.num_planes"),
  flags: u8(189, "fmt.pix_mp.flags"),
  ycbcr_enc: u8(190, "fmt.pix_mp.ycbcr_enc"),
  quantization: u8(191, "fmt.pix_mp.quantization"),
  xfer_func: u8(192, "fmt.pix_mp.xfer_func"),
});

export const v4l2_plane_pix_format: StructType<FieldsOf<number, "sizeimage" | "bytesperline">> =
  struct("struct v4l2_plane_pix_format", 20, {
    sizeimage: u32(0),
    bytesperline: u32(4),
  });

/**
 * numerator / denominator is the frame interval in seconds; `parm.output` has it in the same place.
 */
export const v4l2_streamparm: StructType<
  FieldsOf<number, "type" | "capability" | "numerator" | "denominator">
> = struct("struct v4l2_streamparm", 204, {
  type: u32(0),
  capability: u32(4, "parm.capture.capability"),
  numerator: u32(12, "parm.capture.timeperframe.numerator"),
  denominator: u32(16, "parm.capture.timeperframe.denominator"),
});

export const v4l2_requestbuffers: StructType<
  FieldsOf<number, "count" | "type" | "memory" | "capabilities">
> = struct("struct v4l2_requestbuffers", 20, {
  count: u32(0),
  type: u32(4),
  memory: u32(8),
  capabilities: u32(12),
});

export const v4l2_buffer: StructType<
  FieldsOf<
    number,
    | "index"
    | "type"
    | "bytesused"
    | "flags"
    | "field"
    | "timestamp_sec"
    | "timestamp_usec"
    | "sequence"
    | "memory"
    | "offset"
    | "userptr"
    | "fd"
    | "length"
    | "request_fd"
  > & FieldsOf<bigint, "planes">
> = struct("struct v4l2_buffer", 88, {
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

/** With the USERPTR arm as it is, for addresses of more than 53 bits. */
export const v4l2_userptr_buffer: StructType<
  FieldsOf<
    number,
    | "index"
    | "type"
    | "bytesused"
    | "flags"
    | "field"
    | "timestamp_sec"
    | "timestamp_usec"
    | "sequence"
    | "memory"
    | "offset"
    | "fd"
    | "length"
    | "request_fd"
  > & FieldsOf<bigint, "userptr" | "planes">
> = struct("struct v4l2_buffer", v4l2_buffer.size, {
  ...v4l2_buffer.fields,
  userptr: u64(64, "m.userptr"),
});

export const v4l2_create_buffers: StructType<
  FieldsOf<
    number,
    | "index"
    | "count"
    | "memory"
    | "type"
    | "width"
    | "height"
    | "pixelformat"
    | "field"
    | "sizeimage"
    | "capabilities"
    | "max_num_buffers"
  >
> = struct("struct v4l2_create_buffers", 256, {
  index: u32(0),
  count: u32(4),
  memory: u32(8),
  type: u32(16, "format.type"),
  width: u32(24, "format.fmt.pix.width"),
  height: u32(28, "format.fmt.pix.height"),
  pixelformat: u32(32, "format.fmt.pix.pixelformat"),
  field: u32(36, "format.fmt.pix.field"),
  sizeimage: u32(44, "format.fmt.pix.sizeimage"),
  capabilities: u32(224),
  max_num_buffers: u32(232),
});

export const v4l2_remove_buffers: StructType<FieldsOf<number, "index" | "count" | "type">> = struct(
  "struct v4l2_remove_buffers",
  64,
  {
    index: u32(0),
    count: u32(4),
    type: u32(8),
  },
);

export const v4l2_plane: StructType<
  FieldsOf<number, "bytesused" | "length" | "mem_offset" | "userptr" | "fd" | "data_offset">
> = struct("struct v4l2_plane", 64, {
  bytesused: u32(0),
  length: u32(4),
  mem_offset: u32(8, "m.mem_offset"),
  userptr: n64(8, "m.userptr"),
  fd: s32(8, "m.fd"),
  data_offset: u32(16),
});

export const v4l2_exportbuffer: StructType<
  FieldsOf<number, "type" | "index" | "plane" | "flags" | "fd">
> = struct("struct v4l2_exportbuffer", 64, {
  type: u32(0),
  index: u32(4),
  plane: u32(8),
  flags: u32(12),
  fd: s32(16),
});

export const v4l2_control: StructType<FieldsOf<number, "id" | "value">> = struct(
  "struct v4l2_control",
  8,
  {
    id: u32(0),
    value: s32(4),
  },
);

export const v4l2_ext_control: StructType<
  FieldsOf<number, "id" | "size" | "value"> & FieldsOf<bigint, "ptr">
> = struct("struct v4l2_ext_control", 20, {
  id: u32(0),
  size: u32(4),
  value: s32(12),
  ptr: u64(12),
});

export const v4l2_ext_controls: StructType<
  FieldsOf<number, "which" | "count" | "error_idx" | "request_fd"> & FieldsOf<bigint, "controls">
> = struct("struct v4l2_ext_controls", 32, {
  which: u32(0),
  count: u32(4),
  error_idx: u32(8),
  request_fd: s32(12),
  controls: u64(24),
});

export const v4l2_query_ext_ctrl: StructType<
  & FieldsOf<number, "id" | "type" | "flags" | "elem_size" | "elems" | "nr_of_dims">
  & FieldsOf<string, "name">
  & FieldsOf<bigint, "minimum" | "maximum" | "step" | "default_value">
  & FieldsOf<readonly number[], "dims">
> = struct("struct v4l2_query_ext_ctrl", 232, {
  id: u32(0),
  type: u32(4),
  name: text(8, 32),
  minimum: s64(40),
  maximum: s64(48),
  step: u64(56),
  default_value: s64(64),
  flags: u32(72),
  elem_size: u32(76),
  elems: u32(80),
  nr_of_dims: u32(84),
  dims: array(u32, 4)(88),
});

/** `name` of a V4L2_CTRL_TYPE_MENU, `value` of a V4L2_CTRL_TYPE_INTEGER_MENU. */
export const v4l2_querymenu: StructType<
  FieldsOf<number, "id" | "index"> & FieldsOf<string, "name"> & FieldsOf<bigint, "value">
> = struct("struct v4l2_querymenu", 44, {
  id: u32(0),
  index: u32(4),
  name: text(8, 32),
  value: s64(8),
});

export const v4l2_event_subscription: StructType<FieldsOf<number, "type" | "id" | "flags">> =
  struct("struct v4l2_event_subscription", 32, {
    type: u32(0),
    id: u32(4),
    flags: u32(8),
  });

export const v4l2_event: StructType<
  FieldsOf<number, "type" | "changes" | "pending" | "sequence" | "id">
> = struct("struct v4l2_event", 136, {
  type: u32(0),
  changes: u32(8, "u.src_change.changes"),
  pending: u32(72),
  sequence: u32(76),
  id: u32(96),
});

export const v4l2_selection: StructType<
  FieldsOf<number, "type" | "target" | "left" | "top" | "width" | "height">
> = struct("struct v4l2_selection", 64, {
  type: u32(0),
  target: u32(4),
  left: s32(12, "r.left"),
  top: s32(16, "r.top"),
  width: u32(20, "r.width"),
  height: u32(24, "r.height"),
});

export const v4l2_decoder_cmd: StructType<FieldsOf<number, "cmd" | "flags">> = struct(
  "struct v4l2_decoder_cmd",
  72,
  {
    cmd: u32(0),
    flags: u32(4),
  },
);

const v = (name: string, request: number): Ioctl => ({ name, request });

export const VIDIOC_QUERYCAP: Ioctl = v("VIDIOC_QUERYCAP", _IOR("V", 0, v4l2_capability.size));
export const VIDIOC_ENUM_FMT: Ioctl = v("VIDIOC_ENUM_FMT", _IOWR("V", 2, v4l2_fmtdesc.size));
export const VIDIOC_G_FMT: Ioctl = v("VIDIOC_G_FMT", _IOWR("V", 4, v4l2_format.size));
export const VIDIOC_S_FMT: Ioctl = v("VIDIOC_S_FMT", _IOWR("V", 5, v4l2_format.size));
export const VIDIOC_REQBUFS: Ioctl = v("VIDIOC_REQBUFS", _IOWR("V", 8, v4l2_requestbuffers.size));
export const VIDIOC_QUERYBUF: Ioctl = v("VIDIOC_QUERYBUF", _IOWR("V", 9, v4l2_buffer.size));
export const VIDIOC_QBUF: Ioctl = v("VIDIOC_QBUF", _IOWR("V", 15, v4l2_buffer.size));
export const VIDIOC_EXPBUF: Ioctl = v("VIDIOC_EXPBUF", _IOWR("V", 16, v4l2_exportbuffer.size));
export const VIDIOC_DQBUF: Ioctl = v("VIDIOC_DQBUF", _IOWR("V", 17, v4l2_buffer.size));
export const VIDIOC_STREAMON: Ioctl = v("VIDIOC_STREAMON", _IOW("V", 18, 4));
export const VIDIOC_STREAMOFF: Ioctl = v("VIDIOC_STREAMOFF", _IOW("V", 19, 4));
export const VIDIOC_G_PARM: Ioctl = v("VIDIOC_G_PARM", _IOWR("V", 21, v4l2_streamparm.size));
export const VIDIOC_S_PARM: Ioctl = v("VIDIOC_S_PARM", _IOWR("V", 22, v4l2_streamparm.size));
export const VIDIOC_G_CTRL: Ioctl = v("VIDIOC_G_CTRL", _IOWR("V", 27, v4l2_control.size));
export const VIDIOC_S_CTRL: Ioctl = v("VIDIOC_S_CTRL", _IOWR("V", 28, v4l2_control.size));
export const VIDIOC_QUERYMENU: Ioctl = v("VIDIOC_QUERYMENU", _IOWR("V", 37, v4l2_querymenu.size));
export const VIDIOC_S_INPUT: Ioctl = v("VIDIOC_S_INPUT", _IOWR("V", 39, 4));
export const VIDIOC_TRY_FMT: Ioctl = v("VIDIOC_TRY_FMT", _IOWR("V", 64, v4l2_format.size));
export const VIDIOC_G_PRIORITY: Ioctl = v("VIDIOC_G_PRIORITY", _IOR("V", 67, 4));
export const VIDIOC_S_PRIORITY: Ioctl = v("VIDIOC_S_PRIORITY", _IOW("V", 68, 4));
export const VIDIOC_G_EXT_CTRLS: Ioctl = v(
  "VIDIOC_G_EXT_CTRLS",
  _IOWR("V", 71, v4l2_ext_controls.size),
);
export const VIDIOC_S_EXT_CTRLS: Ioctl = v(
  "VIDIOC_S_EXT_CTRLS",
  _IOWR("V", 72, v4l2_ext_controls.size),
);
export const VIDIOC_ENUM_FRAMESIZES: Ioctl = v(
  "VIDIOC_ENUM_FRAMESIZES",
  _IOWR("V", 74, v4l2_frmsizeenum.size),
);
export const VIDIOC_ENUM_FRAMEINTERVALS: Ioctl = v(
  "VIDIOC_ENUM_FRAMEINTERVALS",
  _IOWR("V", 75, v4l2_frmivalenum.size),
);
export const VIDIOC_DQEVENT: Ioctl = v("VIDIOC_DQEVENT", _IOR("V", 89, v4l2_event.size));
export const VIDIOC_SUBSCRIBE_EVENT: Ioctl = v(
  "VIDIOC_SUBSCRIBE_EVENT",
  _IOW("V", 90, v4l2_event_subscription.size),
);
export const VIDIOC_UNSUBSCRIBE_EVENT: Ioctl = v(
  "VIDIOC_UNSUBSCRIBE_EVENT",
  _IOW("V", 91, v4l2_event_subscription.size),
);
export const VIDIOC_CREATE_BUFS: Ioctl = v(
  "VIDIOC_CREATE_BUFS",
  _IOWR("V", 92, v4l2_create_buffers.size),
);
export const VIDIOC_PREPARE_BUF: Ioctl = v("VIDIOC_PREPARE_BUF", _IOWR("V", 93, v4l2_buffer.size));
export const VIDIOC_G_SELECTION: Ioctl = v(
  "VIDIOC_G_SELECTION",
  _IOWR("V", 94, v4l2_selection.size),
);
export const VIDIOC_S_SELECTION: Ioctl = v(
  "VIDIOC_S_SELECTION",
  _IOWR("V", 95, v4l2_selection.size),
);
export const VIDIOC_DECODER_CMD: Ioctl = v(
  "VIDIOC_DECODER_CMD",
  _IOWR("V", 96, v4l2_decoder_cmd.size),
);
export const VIDIOC_TRY_DECODER_CMD: Ioctl = v(
  "VIDIOC_TRY_DECODER_CMD",
  _IOWR("V", 97, v4l2_decoder_cmd.size),
);
export const VIDIOC_QUERY_EXT_CTRL: Ioctl = v(
  "VIDIOC_QUERY_EXT_CTRL",
  _IOWR("V", 103, v4l2_query_ext_ctrl.size),
);
/** Since Linux 6.10. */
export const VIDIOC_REMOVE_BUFS: Ioctl = v(
  "VIDIOC_REMOVE_BUFS",
  _IOWR("V", 104, v4l2_remove_buffers.size),
);
