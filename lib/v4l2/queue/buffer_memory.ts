/**
 * The memory of buffers that a driver allocates: mapped, and exported as dma-bufs.
 *
 * @module
 */
import { File, O_CLOEXEC, O_RDWR } from "../../sys/file.ts";
import { ioctl } from "../../sys/ioctl.ts";
import type { Mapping } from "../../sys/mmap.ts";
import { v4l2_exportbuffer, VIDIOC_EXPBUF, VIDIOC_QUERYBUF } from "../../uapi/videodev2.ts";
import type { VideoDevice } from "../device.ts";

/** A dma-buf, and its size in bytes. */
export interface Exported {
  /** What closes it. */
  readonly file: File;
  /** The descriptor; the number stays here when `file` is closed. */
  readonly fd: number;
  /** In bytes. */
  readonly size: number;
}

/**
 * Asks where buffers are (VIDIOC_QUERYBUF), and maps each plane.
 *
 * @param buffers descriptors, which the driver fills in
 * @param planesOf one of them, length and offset in bytes
 * @returns by buffer and plane; the caller closes them
 * @throws {SysError} as VIDIOC_QUERYBUF or mmap(2); nothing is left mapped
 */
export function mapBuffers<B extends { readonly bytes: Uint8Array<ArrayBuffer> }>(
  device: VideoDevice,
  buffers: readonly B[],
  map: typeof Mapping.shared,
  planesOf: (buffer: B) => readonly { readonly length: number; readonly offset: number }[],
): Mapping[][] {
  using made = new DisposableStack();
  const mapped = buffers.map((buffer) => {
    ioctl(device, VIDIOC_QUERYBUF, buffer.bytes);
    return planesOf(buffer).map(({ length, offset }) => made.use(map(device, length, offset)));
  });
  made.move();
  return mapped;
}

/**
 * Exports one plane of a buffer as a dma-buf (VIDIOC_EXPBUF); the caller closes it.
 * Who imports it may write to it.
 *
 * @param size of the plane in bytes
 * @throws {SysError} ENOTTY where the driver cannot
 */
export function exportPlane(
  device: VideoDevice,
  plane: { readonly type: number; readonly index: number; readonly plane: number },
  size: number,
): Exported {
  const request = v4l2_exportbuffer.alloc({ ...plane, flags: O_CLOEXEC | O_RDWR });
  ioctl(device, VIDIOC_EXPBUF, request.bytes);
  return { file: new File(device.path, request.fd), fd: request.fd, size };
}
