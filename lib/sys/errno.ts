/**
 * errno: reading it, and errors that name what failed.
 *
 * @module
 */
import { constants } from "node:os";
import { libc } from "./libc.ts";

/** Error numbers that the code decides on; values of asm-generic/errno-base.h and errno.h. */
export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENOTTY = 25;
export const EBADR = 53;
export const ENODATA = 61;
export const EOPNOTSUPP = 95;
export const ENOTCONN = 107;
export const EDQUOT = 122;

// errno is per thread, and all synchronous calls run on this one: its address never changes.
const location = libc.__errno_location();
if (location === null) throw new Error("libc: __errno_location returned NULL");
const cell = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));

/** errno as the last failed libc call left it. Read it before any other call. */
export function errno(): number {
  return cell[0];
}

// Two names for one number, and everybody says EAGAIN.
const { EWOULDBLOCK: _, ...errnos } = constants.errno;
const names = new Map(Object.entries(errnos).map(([name, code]) => [code, name]));

/** `EBUSY` for 16, `errno 4242` for a number without a name. */
function errnoName(code: number): string {
  return names.get(code) ?? `errno ${code}`;
}

/** `Device or resource busy (EBUSY)` for 16. */
function describe(code: number): string {
  const text = libc.strerror(code);
  return `${text && Deno.UnsafePointerView.getCString(text)} (${errnoName(code)})`;
}

/** A failed system call: on what, which call, and why. */
export class SysError extends Error {
  override name = "SysError";
  /**
   * @param subject the device, file or other thing the call was made on
   * @param call the call, as its documentation writes it: `VIDIOC_S_FMT`, `open`
   * @param code the errno
   */
  constructor(readonly subject: string, readonly call: string, readonly code: number) {
    super(`${subject}: ${call}: ${describe(code)}`);
  }
}
