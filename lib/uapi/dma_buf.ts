/**
 * CPU access to dma-bufs, of linux/dma-buf.h.
 *
 * @module
 */
import { _IOW, type Ioctl } from "./ioctl_number.ts";
import { struct, u64 } from "./struct.ts";

export const DMA_BUF_SYNC_READ = 1 << 0;
export const DMA_BUF_SYNC_WRITE = 2 << 0;
export const DMA_BUF_SYNC_START = 0 << 2;
export const DMA_BUF_SYNC_END = 1 << 2;

export const dma_buf_sync = struct("struct dma_buf_sync", 8, { flags: u64(0) });

export const DMA_BUF_IOCTL_SYNC: Ioctl = {
  name: "DMA_BUF_IOCTL_SYNC",
  request: _IOW("b", 0, dma_buf_sync.size),
};
