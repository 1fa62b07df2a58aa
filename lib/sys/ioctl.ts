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
    const code = errno[0];
    if (code !== EINTR) return -code;
  }
}

/**
 * Calls ioctl(2) with a number where others take memory, and again while a signal interrupts it.
 *
 * @returns 0 or the call's positive result, or the negated errno
 */
export function tryIoctlNumber(fd: number, request: number, argument: number): number {
  for (;;) {
    // A negative one is an int, which the kernel takes the low half of.
    const result = libc.ioctl_number(fd, request, BigInt.asUintN(64, BigInt(argument)));
    if (result >= 0) return result;
    const code = errno[0];
    if (code !== EINTR) return -code;
  }
}

/** What an ioctl is called on: an open file, and its name for errors. */
export interface IoctlSubject {
  /** As errors name it. */
  readonly path: string;
  /** The descriptor. */
  readonly fd: number;
}

/**
 * Calls ioctl(2); allocates nothing.
 *
 * @throws {SysError} naming the subject, the ioctl and the errno
 */
export function ioctl(
  { path, fd }: IoctlSubject,
  { name, request }: Ioctl,
  argument: Uint8Array<ArrayBuffer>,
): number {
  const result = tryIoctl(fd, request, argument);
  if (result < 0) throw new SysError(path, name, -result);
  return result;
}

/**
 * Calls ioctl(2) where some errnos say something and fail nothing, as EINVAL behind the end of an
 * enumeration.
 *
 * @returns 0 or the call's positive result, or one of `answers`, negated
 * @throws {SysError} naming the subject, the ioctl and any other errno
 */
export function ioctlOr(
  { path, fd }: IoctlSubject,
  { name, request }: Ioctl,
  argument: Uint8Array<ArrayBuffer>,
  ...answers: readonly number[]
): number {
  const result = tryIoctl(fd, request, argument);
  if (result < 0 && !answers.includes(-result)) throw new SysError(path, name, -result);
  return result;
}
