/**
 * What a buffer's flags and field say, in words.
 *
 * @module
 */
import * as v4l2 from "../uapi/videodev2.ts";

const TYPES: Readonly<Record<number, string>> = {
  [v4l2.V4L2_BUF_FLAG_TIMESTAMP_UNKNOWN]: "unknown",
  [v4l2.V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC]: "monotonic",
  [v4l2.V4L2_BUF_FLAG_TIMESTAMP_COPY]: "copy",
};

const SOURCES: Readonly<Record<number, string>> = {
  [v4l2.V4L2_BUF_FLAG_TSTAMP_SRC_EOF]: "eof",
  [v4l2.V4L2_BUF_FLAG_TSTAMP_SRC_SOE]: "soe",
};

const FIELDS: Readonly<Record<number, string>> = {
  [v4l2.V4L2_FIELD_ANY]: "any",
  [v4l2.V4L2_FIELD_NONE]: "none",
  [v4l2.V4L2_FIELD_TOP]: "top",
  [v4l2.V4L2_FIELD_BOTTOM]: "bottom",
  [v4l2.V4L2_FIELD_INTERLACED]: "interlaced",
  [v4l2.V4L2_FIELD_SEQ_TB]: "seq-tb",
  [v4l2.V4L2_FIELD_SEQ_BT]: "seq-bt",
  [v4l2.V4L2_FIELD_ALTERNATE]: "alternate",
  [v4l2.V4L2_FIELD_INTERLACED_TB]: "interlaced-tb",
  [v4l2.V4L2_FIELD_INTERLACED_BT]: "interlaced-bt",
};

/**
 * The clock of a buffer's time: `monotonic`, `copy` or `unknown`; in hexadecimal one that is none of
 * these.
 *
 * @param flags of `struct v4l2_buffer`
 */
export function timestampType(flags: number): string {
  const type = flags & v4l2.V4L2_BUF_FLAG_TIMESTAMP_MASK;
  return TYPES[type] ?? `0x${type.toString(16)}`;
}

/**
 * When a buffer's time is taken: `soe` at the start of exposure, `eof` at the end of the frame; in
 * hexadecimal what is neither.
 *
 * @param flags of `struct v4l2_buffer`
 */
export function timestampSource(flags: number): string {
  const source = flags & v4l2.V4L2_BUF_FLAG_TSTAMP_SRC_MASK;
  return SOURCES[source] ?? `0x${source.toString(16)}`;
}

/** V4L2_FIELD_* as v4l2-ctl has it, `none` of a whole frame; a number that has no name as it is. */
export function fieldName(field: number): string {
  return FIELDS[field] ?? String(field);
}
