/**
 * A dma-buf that the CPU reads and writes.
 *
 * @module
 */
import type { File } from "../sys/file.ts";
import { ioctl } from "../sys/ioctl.ts";
import { Mapping } from "../sys/mmap.ts";
import {
  DMA_BUF_IOCTL_SYNC,
  dma_buf_sync,
  DMA_BUF_SYNC_END,
  DMA_BUF_SYNC_READ,
  DMA_BUF_SYNC_START,
  DMA_BUF_SYNC_WRITE,
} from "../uapi/dma_buf.ts";

const bracket = (flags: number) => dma_buf_sync.alloc({ flags: BigInt(flags) }).bytes;

/** How the CPU uses a dma-buf: the arguments of both ends of an access. */
export interface Access {
  /** A `struct dma_buf_sync` with DMA_BUF_SYNC_START. */
  readonly begin: Uint8Array<ArrayBuffer>;
  /** The same with DMA_BUF_SYNC_END. */
  readonly end: Uint8Array<ArrayBuffer>;
  /** DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE. */
  readonly direction: number;
}

/** The CPU reads what a device wrote. */
export const READING: Access = {
  begin: bracket(DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ),
  end: bracket(DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ),
  direction: DMA_BUF_SYNC_READ,
};
/** The CPU writes what a device is to read. */
export const WRITING: Access = {
  begin: bracket(DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE),
  end: bracket(DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE),
  direction: DMA_BUF_SYNC_WRITE,
};

/** A mapped dma-buf; closing it drops the mapping and the descriptor. */
export class Dmabuf implements Disposable {
  readonly #file: File;
  readonly #mapping: Mapping;

  /**
   * Maps all of a dma-buf, whose descriptor is this object's from here on.
   *
   * @param file closed also where mapping it fails
   * @param size in bytes
   * @param map `Mapping.readOnly` where it must not be written to
   * @throws {SysError} as mmap(2)
   */
  constructor(file: File, readonly size: number, map = Mapping.shared) {
    this.#file = file;
    try {
      this.#mapping = map(file, size);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** -1 after `closeDescriptor`. */
  get fd(): number {
    return this.#file.fd;
  }

  /** Where the memory lies in this process. */
  get address(): number {
    return this.#mapping.address;
  }

  /** The same, for a foreign function. */
  get pointer(): Deno.PointerObject {
    return this.#mapping.pointer;
  }

  /** The memory; to be touched between `begin` and `end` only. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#mapping.bytes;
  }

  /**
   * Closes the descriptor: the memory stays. From here on `begin` and `end` do nothing, for memory
   * that no other device than the CPU's own driver looks at.
   */
  closeDescriptor(): void {
    this.#file.close();
  }

  /**
   * The CPU is about to use the memory (DMA_BUF_IOCTL_SYNC): a device that does not snoop the caches
   * needs to know. It waits for devices that still use it.
   *
   * @param access `READING` or `WRITING`, the same as for `end`
   * @throws {SysError} what the exporter gives
   */
  begin(access: Access): void {
    if (this.fd >= 0) ioctl(this.#file, DMA_BUF_IOCTL_SYNC, access.begin);
  }

  /**
   * The memory is the devices' again (DMA_BUF_IOCTL_SYNC).
   *
   * @throws {SysError} as `begin`
   */
  end(access: Access): void {
    if (this.fd >= 0) ioctl(this.#file, DMA_BUF_IOCTL_SYNC, access.end);
  }

  /**
   * Writes to the start of the buffer, within a bracket of its own.
   *
   * @throws {RangeError} for more bytes than the buffer has
   * @throws {SysError} as `begin`
   */
  write(bytes: Uint8Array): void {
    this.begin(WRITING);
    this.bytes.set(bytes);
    this.end(WRITING);
  }

  /** Drops the mapping and the descriptor; `bytes` must not be touched from here on. */
  close(): void {
    this.#mapping.close();
    this.#file.close();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
