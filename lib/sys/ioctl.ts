/**
 * The ioctl call.
 *
 * @module
 */
import { libc } from "./libc.ts";
import { EINTR, errno, SysError } from "./errno.ts";
import type { Ioctl } from "../uapi/ioctl_number.ts";

/**
 * Calls ioctl(2) and again while a signal interrupts it.
 *
 * @returns 0 or the call's positive result, or the negated errno: `-EAGAIN` and the like. Nothing
 * is thrown, so a frame loop can call it.
 */
export function tryIoctl(fd: number, request: number, argument: Uint8Array<ArrayBuffer>): number {
  for (;;) {
    const result = libc.ioctl(fd, request, argument);
    if (result >= 0) return result;
    const code = errno();
    if (code !== EINTR) return -code;
  }
}

/**
 * Calls ioctl(2) on `subject`'s descriptor.
 *
 * @throws {SysError} naming the subject, the ioctl and the errno
 */
export function ioctl(
  subject: { readonly path: string; readonly fd: number },
  { name, request }: Ioctl,
  argument: Uint8Array<ArrayBuffer>,
): number {
  const result = tryIoctl(subject.fd, request, argument);
  if (result < 0) throw new SysError(subject.path, name, -result);
  return result;
}
