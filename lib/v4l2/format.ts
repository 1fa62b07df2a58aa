/**
 * Frame formats of single- and multi-planar queues, by one interface.
 *
 * @module
 */
import { ioctl } from "../sys/ioctl.ts";
import type { Ioctl } from "../uapi/ioctl_number.ts";
import * as v4l2 from "../uapi/videodev2.ts";

/** One plane of a format, in bytes. */
export interface PlaneFormat {
  /** From one line to the next; 0 of what has no lines. */
  readonly bytesperline: number;
  /** The largest payload. */
  readonly sizeimage: number;
}

/** What frames are asked for. Sizes in pixels. */
export interface WantedFormat {
  /** Pixels in a line. */
  readonly width: number;
  /** Lines of a whole frame. */
  readonly height: number;
  /** fourcc as a number */
  readonly pixelformat: number;
  /** V4L2_FIELD_*; whole frames, V4L2_FIELD_NONE, without it. */
  readonly field?: number;
  /** Of compressed frames: the largest one in bytes, at least. */
  readonly sizeimage?: number;
}

/** A frame format, of which the planes have memory of their own. */
export interface Format extends PlaneFormat, Omit<WantedFormat, "sizeimage"> {
  /** V4L2_FIELD_* */
  readonly field: number;
  /** Of the first plane. */
  readonly bytesperline: number;
  /** Of all planes. */
  readonly sizeimage: number;
  /** One for a single-planar queue, also where its frames have luma and chroma. */
  readonly planes: readonly PlaneFormat[];
}

/**
 * Whether the buffers of a queue have an array of planes.
 *
 * @param type V4L2_BUF_TYPE_*
 */
export function isMultiPlanar(type: number): boolean {
  return type === v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE ||
    type === v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
}

/**
 * VIDIOC_G_FMT, VIDIOC_TRY_FMT or VIDIOC_S_FMT.
 *
 * @param type V4L2_BUF_TYPE_*
 * @returns what the driver makes of it
 */
export function callFormat(
  device: { readonly path: string; readonly fd: number },
  call: Ioctl,
  type: number,
  wanted?: WantedFormat,
): Format {
  const asked = { type, ...(wanted && { field: v4l2.V4L2_FIELD_NONE }), ...wanted };
  if (!isMultiPlanar(type)) {
    const format = v4l2.v4l2_format.alloc(asked);
    ioctl(device, call, format.bytes);
    const { width, height, pixelformat, field, bytesperline, sizeimage } = format;
    const planes = [{ bytesperline, sizeimage }];
    return { width, height, pixelformat, field, bytesperline, sizeimage, planes };
  }
  const format = v4l2.v4l2_format_mplane.alloc({ ...asked, num_planes: 1 });
  ioctl(device, call, format.bytes);
  const { width, height, pixelformat, field, num_planes: length } = format;
  const first = v4l2.v4l2_format_mplane.fields.sizeimage.offset;
  const planes = Array.from({ length }, (_, i) => {
    const at = first + i * v4l2.v4l2_plane_pix_format.size;
    const { bytesperline, sizeimage } = v4l2.v4l2_plane_pix_format.at(format.bytes, at);
    return { bytesperline, sizeimage };
  });
  const sizeimage = planes.reduce((sum, plane) => sum + plane.sizeimage, 0);
  const [{ bytesperline }] = planes;
  return { width, height, pixelformat, field, bytesperline, sizeimage, planes };
}
