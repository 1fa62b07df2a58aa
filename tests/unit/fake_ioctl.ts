/**
 * ioctl(2) answered by a test: a device that is there without a driver.
 *
 * @module
 */
import { libc } from "../../lib/sys/libc.ts";
import { EINVAL, ENOTTY } from "../../lib/sys/errno.ts";
import type { Ioctl } from "../../lib/uapi/ioctl_number.ts";
import type { Fields, StructType, View } from "../../lib/uapi/struct.ts";

const errno = new Int32Array(
  Deno.UnsafePointerView.getArrayBuffer(libc.__errno_location()!, 4),
);

/** What a call returns, of 0 or more or a negated errno; sets errno. */
export function returned(result: number): number {
  if (result >= 0) return result;
  errno[0] = -result;
  return -1;
}

/** Answers one call: changes its argument, and returns 0 or a negated errno. */
type Answer = (argument: Uint8Array<ArrayBuffer>) => number;

/** A call whose argument is a struct. */
export function on<F extends Fields>(
  { request }: Ioctl,
  struct: StructType<F>,
  answer: (argument: View<F>) => number,
): readonly [number, Answer] {
  return [request, (argument) => answer(struct.at(argument))];
}

/** An enumeration: what is at its index, or EINVAL behind the last. */
export function list<F extends Fields>(
  call: Ioctl,
  struct: StructType<F>,
  items: (argument: View<F>) => readonly Partial<View<F>>[],
): readonly [number, Answer] {
  return on(call, struct, (argument) => {
    const item = items(argument)[(argument as unknown as { index: number }).index];
    if (item === undefined) return -EINVAL;
    Object.assign(argument, item);
    return 0;
  });
}

/** Answers ioctl(2) until it is disposed of; ENOTTY for every other call. */
export function fakeIoctl(...answers: readonly (readonly [number, Answer])[]): Disposable {
  const real = libc.ioctl;
  const known = new Map(answers);
  const calls = libc as { ioctl: typeof libc.ioctl };
  calls.ioctl = (_fd, request, argument) =>
    returned(known.get(request)?.(argument as Uint8Array<ArrayBuffer>) ?? -ENOTTY);
  return { [Symbol.dispose]: () => void (calls.ioctl = real) };
}
