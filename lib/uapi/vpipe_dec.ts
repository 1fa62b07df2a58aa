/**
 * kmod/uapi/vpipe-dec.h in TypeScript; the header says what each value means.
 *
 * @module
 */
import { _IOW, _IOWR, type Ioctl } from "./ioctl_number.ts";
import {
  embedded,
  type FieldsOf,
  n64,
  s32,
  struct,
  type StructType,
  u16,
  u32,
  u64,
} from "./struct.ts";

export const VPIPE_DEC_VERSION = 5;

export const VPIPE_DEC_MAX_MESSAGE = 16384;
export const VPIPE_DEC_MAX_PLANES = 3;

export const VPIPE_DEC_MSG_OPENED = 1;
export const VPIPE_DEC_MSG_PING = 2;
export const VPIPE_DEC_MSG_HELLO = 64;
export const VPIPE_DEC_MSG_PONG = 65;
export const VPIPE_DEC_MSG_START = 16;
export const VPIPE_DEC_MSG_DECODE = 17;
export const VPIPE_DEC_MSG_FREE = 18;
export const VPIPE_DEC_MSG_CAPTURE = 19;
export const VPIPE_DEC_MSG_EMPTY = 20;
export const VPIPE_DEC_MSG_DRAIN = 21;
export const VPIPE_DEC_MSG_DONE = 80;
export const VPIPE_DEC_MSG_FORMAT = 81;
export const VPIPE_DEC_MSG_PICTURE = 82;
export const VPIPE_DEC_MSG_DRAINED = 83;

export const VPIPE_DEC_CODEC_VP9: number = 1 << 0;
export const VPIPE_DEC_CODEC_AV1: number = 1 << 1;
export const VPIPE_DEC_CODEC_H264: number = 1 << 2;
export const VPIPE_DEC_CODEC_HEVC: number = 1 << 3;
export const VPIPE_DEC_CODEC_VP8: number = 1 << 4;
export const VPIPE_DEC_CODEC_MPEG1: number = 1 << 5;
export const VPIPE_DEC_CODEC_MPEG2: number = 1 << 6;
export const VPIPE_DEC_CODEC_MPEG4: number = 1 << 7;
export const VPIPE_DEC_CODEC_H263: number = 1 << 8;

export const VPIPE_DEC_QUEUE_OUTPUT = 0;
export const VPIPE_DEC_QUEUE_CAPTURE = 1;

export const VPIPE_DEC_OK = 0;
export const VPIPE_DEC_CORRUPT = 1;
export const VPIPE_DEC_MISMATCH = 2;
export const VPIPE_DEC_NO_PICTURE = 3;
export const VPIPE_DEC_FAILED = 4;

export const VPIPE_DEC_STATEFUL: number = 1 << 0;
export const VPIPE_DEC_FILE: number = 1 << 1;

export const VPIPE_DEC_MORE: number = 1 << 0;
export const VPIPE_DEC_FINISH: number = 1 << 1;

export const VPIPE_DEC_BUFFER_IMPORTED: number = 1 << 0;

export const vpipe_dec_header: StructType<
  FieldsOf<number, "version" | "type" | "size" | "stream"> & FieldsOf<bigint, "cookie">
> = struct("struct vpipe_dec_header", 24, {
  version: u16(0),
  type: u16(2),
  size: u32(4),
  stream: u32(8),
  cookie: u64(16),
});

const header = embedded("header", vpipe_dec_header.fields);

export const vpipe_dec_opened: StructType<
  FieldsOf<number, "version" | "type" | "size" | "stream" | "codec"> & FieldsOf<bigint, "cookie">
> = struct("struct vpipe_dec_opened", 32, {
  ...header,
  codec: u32(24),
});

export const vpipe_dec_hello: StructType<
  & FieldsOf<
    number,
    "version" | "type" | "size" | "stream" | "codecs" | "streams" | "features" | "memory"
  >
  & FieldsOf<bigint, "cookie">
> = struct("struct vpipe_dec_hello", 48, {
  ...header,
  codecs: u32(24),
  streams: u32(28),
  features: u32(32),
  memory: n64(40),
});

export const vpipe_dec_plane: StructType<FieldsOf<number, "bytesperline" | "sizeimage">> = struct(
  "struct vpipe_dec_plane",
  8,
  {
    bytesperline: u32(0),
    sizeimage: u32(4),
  },
);

export const vpipe_dec_start: StructType<
  FieldsOf<
    number,
    | "version"
    | "type"
    | "size"
    | "stream"
    | "codec"
    | "pixelformat"
    | "width"
    | "height"
    | "num_planes"
    | "flags"
    | "bytesperline0"
    | "sizeimage0"
    | "bytesperline1"
    | "sizeimage1"
    | "bytesperline2"
    | "sizeimage2"
  > & FieldsOf<bigint, "cookie">
> = struct("struct vpipe_dec_start", 72, {
  ...header,
  codec: u32(24),
  pixelformat: u32(28),
  width: u32(32),
  height: u32(36),
  num_planes: u32(40),
  flags: u32(44),
  bytesperline0: u32(48, "planes[0].bytesperline"),
  sizeimage0: u32(52, "planes[0].sizeimage"),
  bytesperline1: u32(56, "planes[1].bytesperline"),
  sizeimage1: u32(60, "planes[1].sizeimage"),
  bytesperline2: u32(64, "planes[2].bytesperline"),
  sizeimage2: u32(68, "planes[2].sizeimage"),
});

export const vpipe_dec_capture: StructType<
  FieldsOf<
    number,
    | "version"
    | "type"
    | "size"
    | "stream"
    | "pixelformat"
    | "width"
    | "height"
    | "num_planes"
    | "bytesperline0"
    | "sizeimage0"
    | "bytesperline1"
    | "sizeimage1"
    | "bytesperline2"
    | "sizeimage2"
  > & FieldsOf<bigint, "cookie">
> = struct("struct vpipe_dec_capture", 64, {
  ...header,
  pixelformat: u32(24),
  width: u32(28),
  height: u32(32),
  num_planes: u32(36),
  bytesperline0: u32(40, "planes[0].bytesperline"),
  sizeimage0: u32(44, "planes[0].sizeimage"),
  bytesperline1: u32(48, "planes[1].bytesperline"),
  sizeimage1: u32(52, "planes[1].sizeimage"),
  bytesperline2: u32(56, "planes[2].bytesperline"),
  sizeimage2: u32(60, "planes[2].sizeimage"),
});

export const vpipe_dec_empty: StructType<
  FieldsOf<number, "version" | "type" | "size" | "stream" | "index"> & FieldsOf<bigint, "cookie">
> = struct("struct vpipe_dec_empty", 32, {
  ...header,
  index: u32(24),
});

export const vpipe_dec_decode: StructType<
  FieldsOf<
    number,
    | "version"
    | "type"
    | "size"
    | "stream"
    | "output_index"
    | "bytesused"
    | "capture_index"
    | "num_controls"
    | "flags"
  > & FieldsOf<bigint, "cookie" | "timestamp_ns">
> = struct("struct vpipe_dec_decode", 56, {
  ...header,
  output_index: u32(24),
  bytesused: u32(28),
  capture_index: u32(32),
  num_controls: u32(36),
  timestamp_ns: u64(40),
  flags: u32(48),
});

export const vpipe_dec_control: StructType<FieldsOf<number, "id" | "size">> = struct(
  "struct vpipe_dec_control",
  8,
  {
    id: u32(0),
    size: u32(4),
  },
);

export const vpipe_dec_free: StructType<
  & FieldsOf<number, "version" | "type" | "size" | "stream" | "queue" | "indices">
  & FieldsOf<bigint, "cookie">
> = struct("struct vpipe_dec_free", 32, {
  ...header,
  queue: u32(24),
  indices: u32(28),
});

export const vpipe_dec_done: StructType<
  FieldsOf<
    number,
    | "version"
    | "type"
    | "size"
    | "stream"
    | "status"
    | "codec_ns"
    | "bytesused0"
    | "bytesused1"
    | "bytesused2"
  > & FieldsOf<bigint, "cookie">
> = struct("struct vpipe_dec_done", 48, {
  ...header,
  status: u32(24),
  codec_ns: u32(28),
  bytesused0: u32(32, "bytesused[0]"),
  bytesused1: u32(36, "bytesused[1]"),
  bytesused2: u32(40, "bytesused[2]"),
});

export const vpipe_dec_format: StructType<
  FieldsOf<
    number,
    | "version"
    | "type"
    | "size"
    | "stream"
    | "width"
    | "height"
    | "left"
    | "top"
    | "visible_width"
    | "visible_height"
    | "depth"
    | "colorspace"
    | "xfer_func"
    | "ycbcr_enc"
    | "quantization"
  > & FieldsOf<bigint, "cookie">
> = struct("struct vpipe_dec_format", 72, {
  ...header,
  width: u32(24),
  height: u32(28),
  left: u32(32),
  top: u32(36),
  visible_width: u32(40),
  visible_height: u32(44),
  depth: u32(48),
  colorspace: u32(56),
  xfer_func: u32(60),
  ycbcr_enc: u32(64),
  quantization: u32(68),
});

export const vpipe_dec_picture: StructType<
  & FieldsOf<
    number,
    | "version"
    | "type"
    | "size"
    | "stream"
    | "bytesused0"
    | "bytesused1"
    | "bytesused2"
    | "status"
  >
  & FieldsOf<bigint, "cookie" | "source">
> = struct("struct vpipe_dec_picture", 48, {
  ...header,
  source: u64(24),
  bytesused0: u32(32, "bytesused[0]"),
  bytesused1: u32(36, "bytesused[1]"),
  bytesused2: u32(40, "bytesused[2]"),
  status: u32(44),
});

export const vpipe_dec_stream: StructType<FieldsOf<number, "stream" | "fd">> = struct(
  "struct vpipe_dec_stream",
  8,
  {
    stream: u32(0),
    fd: s32(4),
  },
);

export const vpipe_dec_buffer: StructType<
  FieldsOf<number, "queue" | "index" | "plane" | "flags" | "fd" | "size">
> = struct("struct vpipe_dec_buffer", 24, {
  queue: u32(0),
  index: u32(4),
  plane: u32(8),
  flags: u32(12),
  fd: s32(16),
  size: u32(20),
});

export const vpipe_dec_memory: StructType<FieldsOf<number, "wanted" | "available">> = struct(
  "struct vpipe_dec_memory",
  16,
  {
    wanted: n64(0),
    available: n64(8),
  },
);

export const vpipe_dec_access: StructType<FieldsOf<number, "fd" | "flags">> = struct(
  "struct vpipe_dec_access",
  8,
  { fd: s32(0), flags: u32(4) },
);

export const VPIPE_DEC_IOC_STREAM: Ioctl = {
  name: "VPIPE_DEC_IOC_STREAM",
  request: _IOWR("d", 0x40, vpipe_dec_stream.size),
};
export const VPIPE_DEC_IOC_BUFFER: Ioctl = {
  name: "VPIPE_DEC_IOC_BUFFER",
  request: _IOWR("d", 0x41, vpipe_dec_buffer.size),
};
export const VPIPE_DEC_IOC_MEMORY: Ioctl = {
  name: "VPIPE_DEC_IOC_MEMORY",
  request: _IOWR("d", 0x42, vpipe_dec_memory.size),
};
export const VPIPE_DEC_IOC_ACCESS: Ioctl = {
  name: "VPIPE_DEC_IOC_ACCESS",
  request: _IOW("d", 0x43, vpipe_dec_access.size),
};
