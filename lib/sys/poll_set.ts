/**
 * poll(2) on two or more descriptors.
 *
 * @module
 */
import { EINTR, errno, SysError } from "./errno.ts";
import { libc } from "./libc.ts";
import { pollfd, POLLIN } from "./poll.ts";

/** Waits for input on any of some files, again and again, without allocating. */
export class PollSet {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #entries;

  constructor(files: readonly { readonly fd: number }[]) {
    const bytes = new Uint8Array(files.length * pollfd.size);
    this.#bytes = bytes;
    this.#entries = files.map(({ fd }, index) =>
      Object.assign(pollfd.at(bytes, index * pollfd.size), { fd, events: POLLIN })
    );
  }

  /**
   * Waits until a file has input or is over, at most `timeout` milliseconds; -1 is without end.
   *
   * @throws {SysError} as poll(2)
   */
  wait(timeout: number): void {
    const ready = libc.poll(this.#bytes, this.#entries.length, timeout);
    if (ready >= 0) return;
    const code = errno[0];
    if (code !== EINTR) throw new SysError("descriptors", "poll", code);
    // The events of the last call are still there.
    for (const entry of this.#entries) entry.revents = 0;
  }

  /** What the last wait found for the file at `index`: POLLIN, POLLHUP, POLLERR. */
  events(index: number): number {
    return this.#entries[index].revents;
  }
}
