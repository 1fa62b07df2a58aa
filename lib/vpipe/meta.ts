/**
 * /dev/vpipe-meta: one entry for each frame the filter finished.
 *
 * @module
 */
import { EAGAIN, ENOTTY, SysError } from "../sys/errno.ts";
import { File, IoBuffer, O_NONBLOCK, O_RDONLY } from "../sys/file.ts";
import { ioctl } from "../sys/ioctl.ts";
import { Poller, POLLIN } from "../sys/poll.ts";
import type { View } from "../uapi/struct.ts";
import { DeviceError } from "../v4l2/device.ts";
import * as uapi from "../uapi/vpipe.ts";

/** A version 1 entry. */
export type MetaEntry = View<typeof uapi.vpipe_meta_entry.fields>;
/** A version 2 entry: version 1 and the end of each stage. */
export type MetaEntryV2 = View<typeof uapi.vpipe_meta_entry_v2.fields>;

/** The entries by version. */
export interface MetaEntries {
  1: MetaEntry;
  2: MetaEntryV2;
}

/** An open sideband. Its cursor starts at the next frame that is published. */
export class MetaReader<Version extends 1 | 2 = 1> implements Disposable {
  readonly #file: File;
  readonly #poller: Poller;
  readonly #batch: IoBuffer;
  /** Size of an entry in bytes. */
  readonly entrySize: number;
  /** The entries of the last `read`; the next one overwrites them. */
  readonly entries: readonly MetaEntries[Version][];
  /** Entries the kernel keeps; a reader further behind is overrun. */
  readonly ringEntries: number;

  /**
   * @param version entry version to read; 2 adds the stage timestamps
   * @throws {SysError} as open(2); ENOTTY or EINVAL where the module does not know the version
   * @throws {DeviceError} where `path` is no such device
   */
  constructor(path: string, version: Version = 1 as Version) {
    this.#file = File.open(path, O_RDONLY | O_NONBLOCK);
    try {
      if (version !== uapi.VPIPE_META_VERSION_1) {
        const argument = new Uint8Array(Uint32Array.of(version).buffer);
        ioctl(this.#file, uapi.VPIPE_META_IOC_SET_VERSION, argument);
      }
      const info = uapi.vpipe_meta_info.alloc();
      ioctl(this.#file, uapi.VPIPE_META_IOC_QUERY, info.bytes);
      this.entrySize = info.entry_size;
      this.ringEntries = info.ring_entries;
      const layout = version === 1 ? uapi.vpipe_meta_entry : uapi.vpipe_meta_entry_v2;
      if (info.version !== version || info.entry_size !== layout.size) {
        throw new DeviceError(
          path,
          `entries of version ${info.version} and ${info.entry_size} bytes, ` +
            `expected version ${version} and ${layout.size} bytes`,
        );
      }
      this.#batch = new IoBuffer(new Uint8Array(info.ring_entries * info.entry_size));
      this.entries = Array.from(
        { length: info.ring_entries },
        (_, i) => layout.at(this.#batch.bytes, i * info.entry_size) as MetaEntries[Version],
      );
      this.#poller = new Poller(this.#file, POLLIN);
    } catch (error) {
      this.#file.close();
      // Of version 2 it may be an older module's.
      if (error instanceof SysError && error.code === ENOTTY && version === 1) {
        throw new DeviceError(path, `is not a vpipe metadata device: ${error.what}`);
      }
      throw error;
    }
  }

  /**
   * Waits up to `timeout` milliseconds for entries and reads what there is, at most `limit`.
   *
   * @returns how many entries are in `entries`, 0 for none in time, -1 once the device is gone
   * @throws {SysError} as read(2)
   */
  read(limit: number, timeout: number): number {
    const events = this.#poller.wait(timeout);
    if (events === 0) return 0;
    // What was published before the device went is there all the same; behind it is the end of the file.
    this.#batch.length = limit * this.entrySize;
    const got = this.#file.tryRead(this.#batch);
    if (got === -EAGAIN) return 0;
    if (got < 0) throw new SysError(this.#file.path, "read", -got);
    return got === 0 ? -1 : got / this.entrySize;
  }

  /** Entries published and lost since the module was loaded. */
  stats(): { published: number; dropped: number } {
    const stats = uapi.vpipe_meta_stats.alloc();
    ioctl(this.#file, uapi.VPIPE_META_IOC_GET_STATS, stats.bytes);
    return { published: stats.published, dropped: stats.dropped };
  }

  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
