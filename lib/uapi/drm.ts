/**
 * drm/drm.h: dma-bufs to and from a device, and the numbers of the ioctls of `drm_mode.ts`.
 *
 * @module
 */
import { _IOW, _IOWR, type Ioctl } from "./ioctl_number.ts";
import {
  drm_mode_atomic,
  drm_mode_card_res,
  drm_mode_create_blob,
  drm_mode_create_dumb,
  drm_mode_fb_cmd2,
  drm_mode_get_plane_res,
  drm_mode_get_property,
  drm_mode_obj_get_properties,
} from "./drm_mode.ts";
import { type FieldsOf, n64, s32, struct, type StructType, u32 } from "./struct.ts";

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

export const drm_set_client_cap: StructType<FieldsOf<number, "capability" | "value">> = struct(
  "struct drm_set_client_cap",
  16,
  { capability: n64(0), value: n64(8) },
);

/** A client with this also sees writeback connectors; it implies universal planes. */
export const DRM_CLIENT_CAP_ATOMIC = 3;
export const DRM_CLIENT_CAP_WRITEBACK_CONNECTORS = 5;

const ioctl = (name: string, request: number): Ioctl => ({ name, request });

export const DRM_IOCTL_GEM_CLOSE: Ioctl = ioctl(
  "DRM_IOCTL_GEM_CLOSE",
  _IOW("d", 0x09, drm_gem_close.size),
);
export const DRM_IOCTL_SET_CLIENT_CAP: Ioctl = ioctl(
  "DRM_IOCTL_SET_CLIENT_CAP",
  _IOW("d", 0x0d, drm_set_client_cap.size),
);
export const DRM_IOCTL_PRIME_HANDLE_TO_FD: Ioctl = ioctl(
  "DRM_IOCTL_PRIME_HANDLE_TO_FD",
  _IOWR("d", 0x2d, drm_prime_handle.size),
);
export const DRM_IOCTL_PRIME_FD_TO_HANDLE: Ioctl = ioctl(
  "DRM_IOCTL_PRIME_FD_TO_HANDLE",
  _IOWR("d", 0x2e, drm_prime_handle.size),
);
export const DRM_IOCTL_MODE_GETRESOURCES: Ioctl = ioctl(
  "DRM_IOCTL_MODE_GETRESOURCES",
  _IOWR("d", 0xa0, drm_mode_card_res.size),
);
export const DRM_IOCTL_MODE_GETPROPERTY: Ioctl = ioctl(
  "DRM_IOCTL_MODE_GETPROPERTY",
  _IOWR("d", 0xaa, drm_mode_get_property.size),
);
export const DRM_IOCTL_MODE_CREATE_DUMB: Ioctl = ioctl(
  "DRM_IOCTL_MODE_CREATE_DUMB",
  _IOWR("d", 0xb2, drm_mode_create_dumb.size),
);
export const DRM_IOCTL_MODE_GETPLANERESOURCES: Ioctl = ioctl(
  "DRM_IOCTL_MODE_GETPLANERESOURCES",
  _IOWR("d", 0xb5, drm_mode_get_plane_res.size),
);
export const DRM_IOCTL_MODE_ADDFB2: Ioctl = ioctl(
  "DRM_IOCTL_MODE_ADDFB2",
  _IOWR("d", 0xb8, drm_mode_fb_cmd2.size),
);
export const DRM_IOCTL_MODE_OBJ_GETPROPERTIES: Ioctl = ioctl(
  "DRM_IOCTL_MODE_OBJ_GETPROPERTIES",
  _IOWR("d", 0xb9, drm_mode_obj_get_properties.size),
);
export const DRM_IOCTL_MODE_ATOMIC: Ioctl = ioctl(
  "DRM_IOCTL_MODE_ATOMIC",
  _IOWR("d", 0xbc, drm_mode_atomic.size),
);
export const DRM_IOCTL_MODE_CREATEPROPBLOB: Ioctl = ioctl(
  "DRM_IOCTL_MODE_CREATEPROPBLOB",
  _IOWR("d", 0xbd, drm_mode_create_blob.size),
);
