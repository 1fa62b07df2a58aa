/**
 * errno: reading it, and errors that name what failed.
 *
 * @module
 */
import { constants } from "node:os";
import { libc } from "./libc.ts";

// Error numbers that the code decides on; values of asm-generic/errno-base.h and errno.h.
/** Operation not permitted. */
export const EPERM = 1;
/** No such file or folder; of VIDIOC_DQEVENT, no event. */
export const ENOENT = 2;
/** A signal interrupted the call. */
export const EINTR = 4;
/** Input or output failed. */
export const EIO = 5;
/** No such device or address. */
export const ENXIO = 6;
/** Nothing to be had yet: try again. EWOULDBLOCK is the same number. */
export const EAGAIN = 11;
/** Not enough memory. */
export const ENOMEM = 12;
/** Permission denied. */
export const EACCES = 13;
/** A bad address: memory that the process does not have. */
export const EFAULT = 14;
/** The device or resource is in use. */
export const EBUSY = 16;
/** The file exists. */
export const EEXIST = 17;
/** No such device, or no longer. */
export const ENODEV = 19;
/** An invalid argument; of V4L2's enumerations, an index behind the last one. */
export const EINVAL = 22;
/** An ioctl that the file does not have. */
export const ENOTTY = 25;
/** The file is too large. */
export const EFBIG = 27;
/** No space left on device. */
export const ENOSPC = 28;
/** Broken pipe. */
export const EPIPE = 32;
/** A call that the kernel or the driver does not have. */
export const ENOSYS = 38;
/** An invalid request descriptor. */
export const EBADR = 53;
/** No data available. */
export const ENODATA = 61;
/** Operation not supported. */
export const EOPNOTSUPP = 95;
/** Not connected. */
export const ENOTCONN = 107;
/** A quota is used up. */
export const EDQUOT = 122;

const location = libc.__errno_location();
if (location === null) throw new Error("libc: __errno_location returned NULL");

/**
 * errno as the last failed libc call left it, the only element. It is per thread, and all synchronous
 * calls run on this one: its address never changes. Read it right behind the call; and it is no
 * function, as V8 may do something of its own whenever one is entered, whose calls set errno as well.
 */
export const errno: Int32Array<ArrayBuffer> = new Int32Array(
  Deno.UnsafePointerView.getArrayBuffer(location, 4),
);

// Two names for one number, and everybody says EAGAIN.
const { EWOULDBLOCK: _, ...errnos } = constants.errno;
const names = new Map(Object.entries(errnos).map(([name, code]) => [code, name]));

/** `EBUSY` for 16; undefined for a number without a name. */
export function errnoName(code: number): string | undefined {
  return names.get(code);
}

/** `Device or resource busy (EBUSY)` for 16. */
function describe(code: number): string {
  const text = libc.strerror(code);
  return `${text && Deno.UnsafePointerView.getCString(text)} (${
    errnoName(code) ?? `errno ${code}`
  })`;
}

/** A failed system call: on what, which call, and why. */
export class SysError extends Error {
  /** What the text of an uncaught one begins with. */
  override name = "SysError";
  /**
   * Its message is one line: subject, call, and the errno in words and by name.
   *
   * @param subject the device, file or other thing the call was made on
   * @param call the call, as its documentation writes it: `VIDIOC_S_FMT`, `open`
   * @param code the errno
   */
  constructor(readonly subject: string, readonly call: string, readonly code: number) {
    super(`${subject}: ${call}: ${describe(code)}`);
  }

  /** The message without its subject: `VIDIOC_QUERYCAP: Inappropriate ioctl for device (ENOTTY)`. */
  get what(): string {
    return this.message.slice(this.subject.length + ": ".length);
  }
}
