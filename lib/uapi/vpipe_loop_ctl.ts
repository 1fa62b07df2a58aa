/**
 * kmod/uapi/vpipe-loop-ctl.h in TypeScript; the header says what each value means.
 *
 * @module
 */
import { _IOR, _IOW, _IOWR, type Ioctl } from "./ioctl_number.ts";
import { type FieldsOf, s32, struct, type StructType, text, u32 } from "./struct.ts";

export const v4l2_loopback_config: StructType<
  & FieldsOf<
    number,
    | "output_nr"
    | "unused"
    | "min_width"
    | "max_width"
    | "min_height"
    | "max_height"
    | "max_buffers"
    | "max_openers"
    | "debug"
    | "announce_all_caps"
  >
  & FieldsOf<string, "card_label">
> = struct("struct v4l2_loopback_config", 72, {
  output_nr: s32(0),
  unused: s32(4),
  card_label: text(8, 32),
  min_width: u32(40),
  max_width: u32(44),
  min_height: u32(48),
  max_height: u32(52),
  max_buffers: s32(56),
  max_openers: s32(60),
  debug: s32(64),
  announce_all_caps: s32(68),
});

export const V4L2LOOPBACK_CTL_VERSION: Ioctl = {
  name: "V4L2LOOPBACK_CTL_VERSION",
  request: _IOR("~", 0, 4),
};
export const V4L2LOOPBACK_CTL_ADD: Ioctl = {
  name: "V4L2LOOPBACK_CTL_ADD",
  request: _IOW("~", 1, v4l2_loopback_config.size),
};
export const V4L2LOOPBACK_CTL_REMOVE: Ioctl = {
  name: "V4L2LOOPBACK_CTL_REMOVE",
  request: _IOW("~", 2, 4),
};
export const V4L2LOOPBACK_CTL_QUERY: Ioctl = {
  name: "V4L2LOOPBACK_CTL_QUERY",
  request: _IOWR("~", 3, v4l2_loopback_config.size),
};

export const V4L2LOOPBACK_CTL_ADD_legacy: Ioctl = {
  name: "V4L2LOOPBACK_CTL_ADD_legacy",
  request: 0x4c80,
};
export const V4L2LOOPBACK_CTL_REMOVE_legacy: Ioctl = {
  name: "V4L2LOOPBACK_CTL_REMOVE_legacy",
  request: 0x4c81,
};
export const V4L2LOOPBACK_CTL_QUERY_legacy: Ioctl = {
  name: "V4L2LOOPBACK_CTL_QUERY_legacy",
  request: 0x4c82,
};

// V4L2_EVENT_PRIVATE_START is 0x08000000.
export const V4L2_EVENT_PRI_CLIENT_USAGE: number = 0x08000000 + 0x08e00000 + 1;

export const v4l2_event_client_usage: StructType<FieldsOf<number, "count">> = struct(
  "struct v4l2_event_client_usage",
  4,
  { count: u32(0) },
);

// V4L2_CID_USER_BASE is 0x00980900.
export const V4L2LOOPBACK_CID_BASE: number = 0x00980900 | 0xf000;
export const V4L2LOOPBACK_CID_KEEP_FORMAT: number = V4L2LOOPBACK_CID_BASE + 0;
export const V4L2LOOPBACK_CID_SUSTAIN_FRAMERATE: number = V4L2LOOPBACK_CID_BASE + 1;
export const V4L2LOOPBACK_CID_TIMEOUT: number = V4L2LOOPBACK_CID_BASE + 2;
export const V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO: number = V4L2LOOPBACK_CID_BASE + 3;
