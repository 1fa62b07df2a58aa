/**
 * A dma-buf that the CPU reads and writes, after linux/dma-buf.h.
 *
 * @module
 */
import { File } from "../sys/file.ts";
import { ioctl } from "../sys/ioctl.ts";
import { _IOW } from "../sys/ioctl_number.ts";
import { Mapping } from "../sys/mmap.ts";
import { struct, u64 } from "../sys/struct.ts";

export const DMA_BUF_SYNC_READ = 1 << 0;
export const DMA_BUF_SYNC_WRITE = 2 << 0;
export const DMA_BUF_SYNC_START = 0 << 2;
export const DMA_BUF_SYNC_END = 1 << 2;

export const dma_buf_sync = struct("struct dma_buf_sync", 8, { flags: u64(0) });

export const DMA_BUF_IOCTL_SYNC = {
  name: "DMA_BUF_IOCTL_SYNC",
  request: _IOW("b", 0, dma_buf_sync.size),
};

/** An open and mapped dma-buf; closing it drops the mapping and the descriptor. */
export class Dmabuf implements Disposable {
  readonly #file: File;
  readonly #mapping: Mapping;

  /** @param size in bytes */
  constructor(file: File, readonly size: number) {
    this.#file = file;
    try {
      this.#mapping = Mapping.shared(file, size);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get fd(): number {
    return this.#file.fd;
  }

  /**
   * Writes into the buffer inside a CPU-access bracket, which a device that does not snoop the
   * caches needs: the one copy of a fixture's way into the kernel.
   */
  write(bytes: Uint8Array): void {
    this.#sync(DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
    this.#mapping.bytes.set(bytes);
    this.#sync(DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
  }

  #sync(flags: number): void {
    ioctl(this.#file, DMA_BUF_IOCTL_SYNC, dma_buf_sync.alloc({ flags: BigInt(flags) }).bytes);
  }

  close(): void {
    this.#mapping.close();
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
