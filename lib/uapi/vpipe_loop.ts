/**
 * kmod/uapi/vpipe-loop.h in TypeScript; the header says what each value means.
 *
 * @module
 */
import { _IOWR, type Ioctl } from "./ioctl_number.ts";
import { type FieldsOf, s32, struct, type StructType, u32 } from "./struct.ts";

export const VPIPE_LOOP_MAX_SIZE = 8192;
export const VPIPE_LOOP_DEF_WIDTH = 640;
export const VPIPE_LOOP_DEF_HEIGHT = 480;
export const VPIPE_LOOP_MIN_OUTPUT = 4;

export const VPIPE_LOOP_STAMPS_TIMESTAMP = 0;
export const VPIPE_LOOP_STAMPS_WRITER = 1;
export const VPIPE_LOOP_STAMPS_NODE = 2;

// V4L2_CID_USER_BASE is 0x00980900.
export const VPIPE_LOOP_CID_BASE: number = 0x00980900 + 0x1f40;
export const VPIPE_LOOP_CID_STAMPS: number = VPIPE_LOOP_CID_BASE + 0;
export const VPIPE_LOOP_CID_KEEP_LAST: number = VPIPE_LOOP_CID_BASE + 1;
export const VPIPE_LOOP_CID_TIMEOUT: number = VPIPE_LOOP_CID_BASE + 2;
export const VPIPE_LOOP_CID_TIMEOUT_IMAGE: number = VPIPE_LOOP_CID_BASE + 3;
export const VPIPE_LOOP_CID_LEND_IMPORTS: number = VPIPE_LOOP_CID_BASE + 4;

export const vpipe_loop_share: StructType<
  FieldsOf<number, "index" | "flags" | "fd" | "count" | "size">
> = struct("struct vpipe_loop_share", 32, {
  index: u32(0),
  flags: u32(4),
  fd: s32(8),
  count: u32(12),
  size: u32(16),
});

export const VPIPE_LOOP_IOC_SHARE: Ioctl = {
  name: "VPIPE_LOOP_IOC_SHARE",
  // BASE_VIDIOC_PRIVATE is 192.
  request: _IOWR("V", 192 + 0, vpipe_loop_share.size),
};
