/**
 * linux/udmabuf.h: dma-bufs of a memory file's pages.
 *
 * @module
 */
import { _IOW, type Ioctl } from "./ioctl_number.ts";
import { type FieldsOf, struct, type StructType, u32, u64 } from "./struct.ts";

export const udmabuf_create: StructType<
  FieldsOf<number, "memfd" | "flags"> & FieldsOf<bigint, "offset" | "size">
> = struct("struct udmabuf_create", 24, {
  memfd: u32(0),
  flags: u32(4),
  offset: u64(8),
  size: u64(16),
});

export const UDMABUF_CREATE: Ioctl = {
  name: "UDMABUF_CREATE",
  request: _IOW("u", 0x42, udmabuf_create.size),
};

export const UDMABUF_FLAGS_CLOEXEC = 1;
