/**
 * Dma-bufs of a graphics driver, after drm/drm.h: its dumb buffers, which each of them has.
 *
 * @module
 */
import { EACCES, ENOSYS, ENOTTY, EOPNOTSUPP, SysError } from "../sys/errno.ts";
import { File, O_CLOEXEC, O_RDWR } from "../sys/file.ts";
import { ioctl, ioctlOr } from "../sys/ioctl.ts";
import {
  DRM_IOCTL_MODE_CREATE_DUMB,
  DRM_IOCTL_PRIME_HANDLE_TO_FD,
  drm_prime_handle,
} from "../uapi/drm.ts";
import { drm_mode_create_dumb } from "../uapi/drm_mode.ts";

/** A line of 4 KiB: it is whole pages, or a part of one, wherever there are pages of 4, 16 or 64 KiB. */
const WIDTH = 1024;
const BITS = 32;

/** Whether a path is that of a graphics device, as opposed to a dma-heap's. */
export function isGraphicsDevice(path: string): boolean {
  return /(^|\/)dri\/card\d+$/.test(path);
}

/**
 * Makes a dma-buf of at least `size` bytes by the driver at `path` (`/dev/dri/card0`).
 *
 * @throws {SysError} as open(2) of the device, or ENOMEM
 */
export function dumbBufferFile(path: string, size: number): File {
  // With it its handle goes, and the dma-buf stays.
  using device = File.open(path, O_RDWR);
  const height = Math.ceil(size * 8 / BITS / WIDTH);
  const dumb = drm_mode_create_dumb.alloc({ width: WIDTH, height, bpp: BITS });
  const refused = [ENOTTY, ENOSYS, EOPNOTSUPP, EACCES];
  const result = ioctlOr(device, DRM_IOCTL_MODE_CREATE_DUMB, dumb.bytes, ...refused);
  if (result < 0) {
    const { what } = new SysError(path, DRM_IOCTL_MODE_CREATE_DUMB.name, -result);
    throw new Error(`${path}: makes no dumb buffers: ${what}`);
  }
  const exported = drm_prime_handle.alloc({ handle: dumb.handle, flags: O_RDWR | O_CLOEXEC });
  ioctl(device, DRM_IOCTL_PRIME_HANDLE_TO_FD, exported.bytes);
  return new File(path, exported.fd);
}
