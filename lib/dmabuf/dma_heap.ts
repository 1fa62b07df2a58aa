/**
 * Allocation of dma-bufs: from a dma-heap, or where the path is their device, by udmabuf or a graphics
 * driver.
 *
 * @module
 */
import { ENOTTY, SysError } from "../sys/errno.ts";
import { File, O_CLOEXEC, O_RDWR } from "../sys/file.ts";
import { ioctlOr } from "../sys/ioctl.ts";
import { dma_heap_allocation_data, DMA_HEAP_IOCTL_ALLOC } from "../uapi/dma_heap.ts";
import { Dmabuf } from "./dma_buf.ts";
import { dumbBufferFile, isGraphicsDevice } from "./dumb_buffer.ts";
import { isUdmabuf, udmabufFile } from "./udmabuf.ts";

/**
 * Allocates `size` bytes from the heap at `path` (`/dev/dma_heap/system`, `/dev/udmabuf`,
 * `/dev/dri/card0`) and maps them.
 *
 * @throws {SysError} as open(2) of the heap, or ENOMEM
 */
export function allocateFromHeap(path: string, size: number): Dmabuf {
  if (isGraphicsDevice(path)) return new Dmabuf(dumbBufferFile(path, size), size);
  if (isUdmabuf(path)) return new Dmabuf(udmabufFile(path, size), size);
  using heap = File.open(path, O_RDWR);
  const allocation = dma_heap_allocation_data.alloc({ len: size, fd_flags: O_RDWR | O_CLOEXEC });
  if (ioctlOr(heap, DMA_HEAP_IOCTL_ALLOC, allocation.bytes, ENOTTY) < 0) {
    const { what } = new SysError(path, DMA_HEAP_IOCTL_ALLOC.name, ENOTTY);
    throw new Error(`${path}: is not a dma-heap: ${what}`);
  }
  return new Dmabuf(new File(path, allocation.fd), size);
}
