/**
 * The number of an open device, by which sysfs knows it whatever its path.
 *
 * @module
 */
import { errno, SysError } from "./errno.ts";
import { cString, libc } from "./libc.ts";
import { struct, u32 } from "./struct.ts";

/** linux/fcntl.h */
export const AT_EMPTY_PATH = 0x1000;

export const statx = struct("struct statx", 256, {
  rdev_major: u32(128, "stx_rdev_major"),
  rdev_minor: u32(132, "stx_rdev_minor"),
});

/**
 * The device's number as sysfs writes it: `81:2`.
 *
 * @throws {SysError} as statx(2)
 */
export function deviceNumber(file: { readonly path: string; readonly fd: number }): string {
  const status = statx.alloc();
  if (libc.statx(file.fd, cString(""), AT_EMPTY_PATH, 0, status.bytes) < 0) {
    throw new SysError(file.path, "statx", errno());
  }
  return `${status.rdev_major}:${status.rdev_minor}`;
}
