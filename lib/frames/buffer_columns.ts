/**
 * What a camera's buffer says of its frame, in the last columns of a row. docs/csv.md says what each is.
 *
 * @module
 */
import type { CellFormat } from "../measure/frame_log.ts";
import { V4L2_BUF_FLAG_ERROR } from "../uapi/videodev2.ts";
import { fieldName, timestampSource, timestampType } from "../v4l2/buffer_flags.ts";
import type { Buffer } from "../v4l2/queue/queue.ts";

/** Four of them are of the flags: made words of when a row is written, not when a frame is taken. */
export const BUFFER_COLUMNS = {
  flags: String,
  timestamp_type: timestampType,
  timestamp_source: timestampSource,
  field: fieldName,
  error: (flags: number) => flags & V4L2_BUF_FLAG_ERROR ? "1" : "0",
} satisfies Record<string, CellFormat>;

/** Fills them; allocates nothing. */
export function fillBufferColumns(
  columns: Readonly<Record<keyof typeof BUFFER_COLUMNS, Float64Array>>,
  row: number,
  { flags, field }: Buffer,
): void {
  columns.flags[row] = flags;
  columns.timestamp_type[row] = flags;
  columns.timestamp_source[row] = flags;
  columns.field[row] = field;
  columns.error[row] = flags;
}
