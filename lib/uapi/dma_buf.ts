/**
 * CPU access to dma-bufs, of linux/dma-buf.h.
 *
 * @module
 */
import { _IOW, type Ioctl } from "./ioctl_number.ts";
import { type FieldsOf, s32, struct, type StructType, u32, u64 } from "./struct.ts";

export const DMA_BUF_SYNC_READ: number = 1 << 0;
export const DMA_BUF_SYNC_WRITE: number = 2 << 0;
export const DMA_BUF_SYNC_RW: number = DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE;
export const DMA_BUF_SYNC_START: number = 0 << 2;
export const DMA_BUF_SYNC_END: number = 1 << 2;

export const dma_buf_sync: StructType<FieldsOf<bigint, "flags">> = struct(
  "struct dma_buf_sync",
  8,
  { flags: u64(0) },
);

export const DMA_BUF_IOCTL_SYNC: Ioctl = {
  name: "DMA_BUF_IOCTL_SYNC",
  request: _IOW("b", 0, dma_buf_sync.size),
};

export const dma_buf_import_sync_file: StructType<FieldsOf<number, "flags" | "fd">> = struct(
  "struct dma_buf_import_sync_file",
  8,
  { flags: u32(0), fd: s32(4) },
);

export const DMA_BUF_IOCTL_IMPORT_SYNC_FILE: Ioctl = {
  name: "DMA_BUF_IOCTL_IMPORT_SYNC_FILE",
  request: _IOW("b", 3, dma_buf_import_sync_file.size),
};
