/**
 * poll(2) on one descriptor.
 *
 * @module
 */
import { libc } from "./libc.ts";
import { EINTR, errno, SysError } from "./errno.ts";
import { s16, s32, struct } from "../uapi/struct.ts";

// asm-generic/poll.h. What they say of a V4L2 node: "V4L2 poll()" of the kernel's documentation.
/** There is something to read; of a V4L2 node, a CAPTURE buffer to dequeue. */
export const POLLIN = 0x1;
/** There is an event to dequeue (VIDIOC_DQEVENT). */
export const POLLPRI = 0x2;
/** A write would not wait; of a V4L2 node, there is an OUTPUT buffer to dequeue. */
export const POLLOUT = 0x4;
/** An error; of a V4L2 node, also that the queue does not stream. It comes unasked. */
export const POLLERR = 0x8;
/** The other end has hung up, or the device is gone. It comes unasked. */
export const POLLHUP = 0x10;

export const pollfd = struct("struct pollfd", 8, {
  fd: s32(0),
  events: s16(4),
  revents: s16(6),
});

/** Waits on one descriptor, again and again, without allocating. */
export class Poller {
  readonly #file: { readonly path: string };
  readonly #set;

  /**
   * Fills the `struct pollfd` of all calls in.
   *
   * @param file has to stay open
   * @param events what to wait for: `POLLIN | POLLOUT`; errors and hang-ups come unasked
   */
  constructor(file: { readonly path: string; readonly fd: number }, events: number) {
    this.#file = file;
    this.#set = pollfd.alloc({ fd: file.fd, events });
  }

  /**
   * Waits up to `timeout` milliseconds. It blocks the event loop and so the signal handlers: keep
   * it to a tenth of a second, then yield.
   *
   * @returns the events that came, 0 for none in time or a signal
   * @throws {SysError} as poll(2)
   */
  wait(timeout: number): number {
    const ready = libc.poll(this.#set.bytes, 1, timeout);
    if (ready > 0) return this.#set.revents;
    if (ready < 0) {
      const code = errno[0];
      if (code !== EINTR) throw new SysError(this.#file.path, "poll", code);
    }
    return 0;
  }
}
