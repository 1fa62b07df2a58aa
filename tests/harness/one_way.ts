/**
 * Dma-bufs that were handed out for reading or for writing alone.
 *
 * @module
 */
import { File, O_CLOEXEC, O_RDWR } from "../../lib/sys/file.ts";
import { ioctl } from "../../lib/sys/ioctl.ts";
import { dma_heap_allocation_data, DMA_HEAP_IOCTL_ALLOC } from "../../lib/uapi/dma_heap.ts";
import { HEAP } from "./context.ts";
import { exists } from "./modules.ts";
import { Skip } from "./suite.ts";

/**
 * One of `size` bytes, of the system's heap.
 *
 * @param access O_RDONLY, O_WRONLY or O_RDWR
 * @throws {Skip} there is no such heap; udmabuf gives out all for both
 */
export function dmabufFor(access: number, size: number): File & { readonly size: number } {
  if (!exists(HEAP)) throw new Skip(`there is no ${HEAP}`);
  using heap = File.open(HEAP, O_RDWR);
  const allocation = dma_heap_allocation_data.alloc({ len: size, fd_flags: access | O_CLOEXEC });
  ioctl(heap, DMA_HEAP_IOCTL_ALLOC, allocation.bytes);
  return Object.assign(new File(HEAP, allocation.fd), { size });
}
