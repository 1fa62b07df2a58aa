/**
 * drm/drm.h, with what it has of drm_mode.h: dumb buffers, and dma-bufs to and from a device.
 *
 * @module
 */
import { _IOW, _IOWR, type Ioctl } from "./ioctl_number.ts";
import { type FieldsOf, s32, struct, type StructType, u32, u64 } from "./struct.ts";

export const drm_gem_close: StructType<FieldsOf<number, "handle">> = struct(
  "struct drm_gem_close",
  8,
  { handle: u32(0) },
);

export const drm_prime_handle: StructType<FieldsOf<number, "handle" | "flags" | "fd">> = struct(
  "struct drm_prime_handle",
  12,
  { handle: u32(0), flags: u32(4), fd: s32(8) },
);

export const drm_mode_create_dumb: StructType<
  & FieldsOf<number, "height" | "width" | "bpp" | "flags" | "handle" | "pitch">
  & FieldsOf<bigint, "size">
> = struct("struct drm_mode_create_dumb", 32, {
  height: u32(0),
  width: u32(4),
  bpp: u32(8),
  flags: u32(12),
  handle: u32(16),
  pitch: u32(20),
  size: u64(24),
});

const ioctl = (name: string, request: number): Ioctl => ({ name, request });

export const DRM_IOCTL_GEM_CLOSE: Ioctl = ioctl(
  "DRM_IOCTL_GEM_CLOSE",
  _IOW("d", 0x09, drm_gem_close.size),
);
export const DRM_IOCTL_PRIME_HANDLE_TO_FD: Ioctl = ioctl(
  "DRM_IOCTL_PRIME_HANDLE_TO_FD",
  _IOWR("d", 0x2d, drm_prime_handle.size),
);
export const DRM_IOCTL_PRIME_FD_TO_HANDLE: Ioctl = ioctl(
  "DRM_IOCTL_PRIME_FD_TO_HANDLE",
  _IOWR("d", 0x2e, drm_prime_handle.size),
);
export const DRM_IOCTL_MODE_CREATE_DUMB: Ioctl = ioctl(
  "DRM_IOCTL_MODE_CREATE_DUMB",
  _IOWR("d", 0xb2, drm_mode_create_dumb.size),
);
