/**
 * Page faults that a program answers itself, of linux/userfaultfd.h.
 *
 * @module
 */
import { _IOWR, type Ioctl } from "./ioctl_number.ts";
import { type FieldsOf, struct, type StructType, u64 } from "./struct.ts";

export const UFFD_API = 0xaa;
export const UFFDIO_REGISTER_MODE_MISSING = 1;

export const uffdio_api: StructType<FieldsOf<bigint, "api" | "features" | "ioctls">> = struct(
  "struct uffdio_api",
  24,
  {
    api: u64(0),
    features: u64(8),
    ioctls: u64(16),
  },
);

export const uffdio_register: StructType<FieldsOf<bigint, "start" | "len" | "mode" | "ioctls">> =
  struct("struct uffdio_register", 32, {
    start: u64(0, "range.start"),
    len: u64(8, "range.len"),
    mode: u64(16),
    ioctls: u64(24),
  });

export const UFFDIO_API: Ioctl = {
  name: "UFFDIO_API",
  request: _IOWR(UFFD_API, 0x3f, uffdio_api.size),
};
export const UFFDIO_REGISTER: Ioctl = {
  name: "UFFDIO_REGISTER",
  request: _IOWR(UFFD_API, 0x00, uffdio_register.size),
};
