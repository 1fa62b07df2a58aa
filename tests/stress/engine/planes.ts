/**
 * Formats and buffers of V4L2's two interfaces as one: a buffer of the single-planar one is its own
 * only plane.
 *
 * @module
 */
import { addressOf } from "../../../lib/sys/libc.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";

/** VIDEO_MAX_PLANES */
const MAX_PLANES = 8;

const MPLANE: readonly number[] = [
  v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
  v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE,
];

type Bytes = Uint8Array<ArrayBuffer>;

/** A format in its bytes, which are new where none are given. */
export function formatOf(type: number, bytes: Bytes = v4l2.v4l2_format.alloc().bytes) {
  const layout = MPLANE.includes(type) ? v4l2.v4l2_format_mplane : v4l2.v4l2_format;
  const format = layout.at(bytes);
  format.type = type;
  return format;
}

/** Where a format has the size of each plane; of those that there can be, where it has none yet. */
export function sizesIn(format: ReturnType<typeof formatOf>): { sizeimage: number }[] {
  if (!("num_planes" in format)) return [format];
  const first = v4l2.v4l2_format_mplane.fields.sizeimage.offset;
  const { size } = v4l2.v4l2_plane_pix_format;
  return Array.from(
    { length: Math.min(format.num_planes as number, MAX_PLANES) },
    (_, i) => v4l2.v4l2_plane_pix_format.at(format.bytes, first + i * size),
  );
}

// What the kernel gets an address of has to outlive the call.
const memory = new Uint8Array(v4l2.v4l2_plane.size * MAX_PLANES);

type Values = Partial<ReturnType<typeof v4l2.v4l2_userptr_buffer.alloc>>;

/** A buffer whose planes are those of the last that was made. */
export function bufferOf(type: number, planes: number, values: Values) {
  const buffer = v4l2.v4l2_userptr_buffer.alloc({ ...values, type });
  if (!MPLANE.includes(type)) return buffer;
  memory.fill(0);
  buffer.planes = addressOf(memory);
  buffer.length = planes;
  return buffer;
}

export type Buffer = ReturnType<typeof bufferOf>;

/** The bytes that a call has an address of beside the buffer's own: none, or the planes'. */
export const planeBytes = ({ type }: Buffer): Bytes | undefined =>
  MPLANE.includes(type) ? memory : undefined;

/** Plane `i` of a buffer. */
export const planeOf = (buffer: Buffer, i = 0) =>
  MPLANE.includes(buffer.type) ? v4l2.v4l2_plane.at(memory, i * v4l2.v4l2_plane.size) : buffer;

/** Where a plane is for mmap(2). */
export const offsetOf = (plane: ReturnType<typeof planeOf>) =>
  "mem_offset" in plane ? plane.mem_offset : plane.offset;
