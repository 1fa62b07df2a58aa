/**
 * The number of a device, by which sysfs knows it whatever its path, and which file a path is.
 *
 * @module
 */
import { errno, SysError } from "./errno.ts";
import { cString, libc } from "./libc.ts";
import { n64, struct, u16, u32, u64 } from "../uapi/struct.ts";

/** linux/fcntl.h */
export const AT_EMPTY_PATH = 0x1000;
export const AT_FDCWD = -100;

/** linux/stat.h: STATX_BASIC_STATS, what stat(2) has. */
const BASIC_STATS = 0x7ff;

/** linux/stat.h */
export const S_IFMT = 0o170000;
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;
export const S_IFREG = 0o100000;

export const statx = struct("struct statx", 256, {
  stx_nlink: u32(16),
  stx_uid: u32(20),
  stx_gid: u32(24),
  stx_mode: u16(28),
  stx_ino: u64(32),
  stx_mtime_sec: n64(112, "stx_mtime.tv_sec"),
  stx_rdev_major: u32(128),
  stx_rdev_minor: u32(132),
  stx_dev_major: u32(136),
  stx_dev_minor: u32(140),
});

/**
 * The device's number as sysfs writes it: `81:2`.
 *
 * @throws {SysError} as statx(2)
 */
export function deviceNumber(file: { readonly path: string; readonly fd: number }): string {
  const status = statx.alloc();
  if (libc.statx(file.fd, cString(""), AT_EMPTY_PATH, 0, status.bytes) < 0) {
    throw new SysError(file.path, "statx", errno[0]);
  }
  return `${status.stx_rdev_major}:${status.stx_rdev_minor}`;
}

/** A character or block device. */
export interface DeviceFile {
  readonly block: boolean;
  readonly major: number;
  readonly minor: number;
}

/** What device is at a path; undefined of any other file, and where there is none. */
export function deviceAt(path: string): DeviceFile | undefined {
  const status = statusAt(path);
  const kind = status && status.stx_mode & S_IFMT;
  if (!status || kind !== S_IFCHR && kind !== S_IFBLK) return undefined;
  return { block: kind === S_IFBLK, major: status.stx_rdev_major, minor: status.stx_rdev_minor };
}

/**
 * Of what is read to its end: a device may have none.
 *
 * @throws {Error} naming the path, where a device is there
 */
export function refuseDevice(path: string): void {
  if (deviceAt(path) !== undefined) throw new Error(`${path}: is a device and no file`);
}

/** Whether two paths are of one file with content of its own; not where there is none. */
export function isSameFile(a: string, b: string): boolean {
  const [one, other] = [statusAt(a), statusAt(b)];
  return one !== undefined && other !== undefined && (one.stx_mode & S_IFMT) === S_IFREG &&
    isOne(one, other);
}

/** Whether opening a path would open once more what a descriptor has: a file or a pipe, by whatever name. */
export function isOpenAs(path: string, fd: number): boolean {
  const [one, other] = [statusAt(path), statusAt(`/proc/self/fd/${fd}`)];
  return one !== undefined && other !== undefined &&
    [S_IFREG, S_IFIFO].includes(one.stx_mode & S_IFMT) && isOne(one, other);
}

/** Whose what is at a path is, by how many names, and who may do what, as stat(2) has it. */
export interface Ownership {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly names: number;
}

/** Undefined where there is nothing. */
export function ownershipOf(path: string): Ownership | undefined {
  const status = statusAt(path);
  return status && {
    mode: status.stx_mode,
    uid: status.stx_uid,
    gid: status.stx_gid,
    names: status.stx_nlink,
  };
}

/** When the content of what is at a path was last changed, in seconds since 1970; undefined where there is nothing. */
export const modifiedAt = (path: string): number | undefined => statusAt(path)?.stx_mtime_sec;

/** Whether there is a pipe at a path. */
export function isPipe(path: string): boolean {
  return ((statusAt(path)?.stx_mode ?? 0) & S_IFMT) === S_IFIFO;
}

/** Whether what is at a path may never end, and cannot be read twice: a pipe or a device. */
export const isEndless = (path: string): boolean => isPipe(path) || deviceAt(path) !== undefined;

/** Whether there is a file at a path that takes and gives at once, as opposed to a pipe, a socket or a device. */
export const isRegular = (path: string): boolean =>
  ((statusAt(path)?.stx_mode ?? 0) & S_IFMT) === S_IFREG;

type Status = ReturnType<typeof statx.alloc>;

const isOne = (one: Status, other: Status): boolean =>
  one.stx_ino === other.stx_ino &&
  one.stx_dev_major === other.stx_dev_major && one.stx_dev_minor === other.stx_dev_minor;

function statusAt(path: string): Status | undefined {
  const status = statx.alloc();
  return libc.statx(AT_FDCWD, cString(path), 0, BASIC_STATS, status.bytes) < 0 ? undefined : status;
}
