/**
 * kmod/uapi/vpipe.h in TypeScript; the header says what each value means.
 *
 * @module
 */
import { _IOR, _IOW, type Ioctl } from "./ioctl_number.ts";
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

export const VPIPE_MIN_SIZE = 1;
export const VPIPE_MAX_SIZE = 4096;
export const VPIPE_DEF_WIDTH = 640;
export const VPIPE_DEF_HEIGHT = 480;

export const VPIPE_ALGO_NONE = 0;
export const VPIPE_ALGO_THRESHOLD = 1;

// V4L2_CID_USER_BASE is 0x00980900.
export const VPIPE_CID_BASE: number = 0x00980900 + 0x1000;
export const VPIPE_CID_SRC_SEQUENCE: number = VPIPE_CID_BASE + 0;
export const VPIPE_CID_ALGO: number = VPIPE_CID_BASE + 1;
export const VPIPE_CID_ROI_LEFT: number = VPIPE_CID_BASE + 2;
export const VPIPE_CID_ROI_TOP: number = VPIPE_CID_BASE + 3;
export const VPIPE_CID_ROI_WIDTH: number = VPIPE_CID_BASE + 4;
export const VPIPE_CID_ROI_HEIGHT: number = VPIPE_CID_BASE + 5;
export const VPIPE_CID_THRESHOLD: number = VPIPE_CID_BASE + 6;

export const VPIPE_META_VERSION_1 = 1;
export const VPIPE_META_VERSION_2 = 2;
export const VPIPE_META_F_OVERRUN: number = 1 << 0;

export const vpipe_meta_entry: StructType<
  FieldsOf<
    number,
    | "version"
    | "entry_size"
    | "flags"
    | "src_v4l2_sequence"
    | "buffer_index"
    | "bytesused"
    | "crc32"
    | "algo_id"
    | "algo_status"
    | "roi_left"
    | "roi_top"
    | "roi_width"
    | "roi_height"
  > & FieldsOf<bigint, "seq" | "timestamp_ns" | "algo_value0" | "algo_value1">
> = struct("struct vpipe_meta_entry", 80, {
  version: u16(0),
  entry_size: u16(2),
  flags: u32(4),
  seq: u64(8),
  src_v4l2_sequence: u32(16),
  buffer_index: u32(20),
  timestamp_ns: u64(24),
  bytesused: u32(32),
  crc32: u32(36),
  algo_id: u32(40),
  algo_status: u32(44),
  roi_left: s32(48),
  roi_top: s32(52),
  roi_width: s32(56),
  roi_height: s32(60),
  algo_value0: u64(64),
  algo_value1: u64(72),
});

export const vpipe_meta_entry_v2: StructType<
  & FieldsOf<
    number,
    | "version"
    | "entry_size"
    | "flags"
    | "src_v4l2_sequence"
    | "buffer_index"
    | "bytesused"
    | "crc32"
    | "algo_id"
    | "algo_status"
    | "roi_left"
    | "roi_top"
    | "roi_width"
    | "roi_height"
  >
  & FieldsOf<
    bigint,
    | "seq"
    | "timestamp_ns"
    | "algo_value0"
    | "algo_value1"
    | "queued_ns"
    | "run_ns"
    | "copied_ns"
    | "filtered_ns"
    | "checksummed_ns"
    | "done_ns"
  >
> = struct("struct vpipe_meta_entry_v2", 128, {
  ...embedded("v1", vpipe_meta_entry.fields),
  queued_ns: u64(80),
  run_ns: u64(88),
  copied_ns: u64(96),
  filtered_ns: u64(104),
  checksummed_ns: u64(112),
  done_ns: u64(120),
});

export const vpipe_meta_info: StructType<
  FieldsOf<number, "version" | "entry_size" | "ring_entries" | "flags">
> = struct("struct vpipe_meta_info", 28, {
  version: u16(0),
  entry_size: u16(2),
  ring_entries: u32(4),
  flags: u32(8),
});

export const vpipe_meta_stats: StructType<FieldsOf<number, "published" | "dropped">> = struct(
  "struct vpipe_meta_stats",
  32,
  {
    published: n64(0),
    dropped: n64(8),
  },
);

export const VPIPE_META_IOC_QUERY: Ioctl = {
  name: "VPIPE_META_IOC_QUERY",
  request: _IOR("p", 0x00, vpipe_meta_info.size),
};
export const VPIPE_META_IOC_GET_STATS: Ioctl = {
  name: "VPIPE_META_IOC_GET_STATS",
  request: _IOR("p", 0x01, vpipe_meta_stats.size),
};
export const VPIPE_META_IOC_SET_VERSION: Ioctl = {
  name: "VPIPE_META_IOC_SET_VERSION",
  request: _IOW("p", 0x02, 4),
};
