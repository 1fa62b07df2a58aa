/**
 * drm/drm_mode.h: dumb buffers, and as much of mode setting as shows a picture and reads the screen
 * back. Pointers are addresses, and ids of objects are 0 for none.
 *
 * @module
 */
import {
  array,
  type Field,
  type FieldsOf,
  n64,
  struct,
  type StructType,
  text,
  u16,
  u32,
  u64,
} from "./struct.ts";

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

export const drm_mode_card_res: StructType<
  & FieldsOf<bigint, "crtc_id_ptr" | "connector_id_ptr">
  & FieldsOf<number, "count_fbs" | "count_crtcs" | "count_connectors" | "count_encoders">
> = struct("struct drm_mode_card_res", 64, {
  crtc_id_ptr: u64(8),
  connector_id_ptr: u64(16),
  count_fbs: u32(32),
  count_crtcs: u32(36),
  count_connectors: u32(40),
  count_encoders: u32(44),
});

export const drm_mode_get_plane_res: StructType<
  FieldsOf<bigint, "plane_id_ptr"> & FieldsOf<number, "count_planes">
> = struct("struct drm_mode_get_plane_res", 16, { plane_id_ptr: u64(0), count_planes: u32(8) });

export const drm_mode_obj_get_properties: StructType<
  & FieldsOf<bigint, "props_ptr" | "prop_values_ptr">
  & FieldsOf<number, "count_props" | "obj_id" | "obj_type">
> = struct("struct drm_mode_obj_get_properties", 32, {
  props_ptr: u64(0),
  prop_values_ptr: u64(8),
  count_props: u32(16),
  obj_id: u32(20),
  obj_type: u32(24),
});

/** As `obj_type`: an object of any kind. */
export const DRM_MODE_OBJECT_ANY = 0;

export const drm_mode_get_property: StructType<
  FieldsOf<number, "prop_id"> & { readonly name: Field<string> }
> = struct("struct drm_mode_get_property", 64, { prop_id: u32(16), name: text(24, 32) });

export const drm_mode_modeinfo: StructType<
  FieldsOf<
    number,
    | "clock"
    | "hdisplay"
    | "hsync_start"
    | "hsync_end"
    | "htotal"
    | "vdisplay"
    | "vsync_start"
    | "vsync_end"
    | "vtotal"
  >
> = struct("struct drm_mode_modeinfo", 68, {
  clock: u32(0),
  hdisplay: u16(4),
  hsync_start: u16(6),
  hsync_end: u16(8),
  htotal: u16(10),
  vdisplay: u16(14),
  vsync_start: u16(16),
  vsync_end: u16(18),
  vtotal: u16(20),
});

export const drm_mode_create_blob: StructType<
  FieldsOf<bigint, "data"> & FieldsOf<number, "length" | "blob_id">
> = struct("struct drm_mode_create_blob", 16, { data: u64(0), length: u32(8), blob_id: u32(12) });

export const drm_mode_fb_cmd2: StructType<
  & FieldsOf<number, "fb_id" | "width" | "height" | "pixel_format" | "flags">
  & FieldsOf<readonly number[], "handles" | "pitches" | "offsets">
> = struct("struct drm_mode_fb_cmd2", 104, {
  fb_id: u32(0),
  width: u32(4),
  height: u32(8),
  pixel_format: u32(12),
  flags: u32(16),
  handles: array(u32, 4)(20),
  pitches: array(u32, 4)(36),
  offsets: array(u32, 4)(52),
});

export const drm_mode_atomic: StructType<
  & FieldsOf<number, "flags" | "count_objs">
  & FieldsOf<bigint, "objs_ptr" | "count_props_ptr" | "props_ptr" | "prop_values_ptr">
  & FieldsOf<number, "user_data">
> = struct("struct drm_mode_atomic", 56, {
  flags: u32(0),
  count_objs: u32(4),
  objs_ptr: u64(8),
  count_props_ptr: u64(16),
  props_ptr: u64(24),
  prop_values_ptr: u64(32),
  user_data: n64(48),
});

export const DRM_MODE_ATOMIC_ALLOW_MODESET = 0x0400;
