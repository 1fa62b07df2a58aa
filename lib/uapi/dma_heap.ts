/**
 * The ioctl of linux/dma-heap.h.
 *
 * @module
 */
import { _IOWR, type Ioctl } from "./ioctl_number.ts";
import { type FieldsOf, n64, struct, type StructType, u32 } from "./struct.ts";

export const dma_heap_allocation_data: StructType<
  FieldsOf<number, "len" | "fd" | "fd_flags" | "heap_flags">
> = struct("struct dma_heap_allocation_data", 24, {
  len: n64(0),
  fd: u32(8),
  fd_flags: u32(12),
  heap_flags: n64(16),
});

export const DMA_HEAP_IOCTL_ALLOC: Ioctl = {
  name: "DMA_HEAP_IOCTL_ALLOC",
  request: _IOWR("H", 0, dma_heap_allocation_data.size),
};
