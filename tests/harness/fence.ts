/**
 * Fences that do not signal: whoever waits for them waits until their timeline, or this process, ends.
 *
 * @module
 */
import { File, O_RDWR } from "../../lib/sys/file.ts";
import { tryIoctl } from "../../lib/sys/ioctl.ts";
import {
  dma_buf_import_sync_file,
  DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
  DMA_BUF_SYNC_RW,
} from "../../lib/uapi/dma_buf.ts";

// Source: drivers/dma-buf/sw_sync.c.
const SW_SYNC = "/sys/kernel/debug/sync/sw_sync";
const SW_SYNC_IOC_CREATE_FENCE = 0xc0285700;
const FENCE_BYTES = 40;
const FENCE_FD = 36;

/** Gives a dma-buf such a fence, and returns its timeline; undefined where the kernel has none. */
export function neverSignals(dmabuf: number): Disposable | undefined {
  let timeline: File;
  try {
    timeline = File.open(SW_SYNC, O_RDWR);
  } catch {
    return undefined;
  }
  const fence = new Uint8Array(FENCE_BYTES);
  new DataView(fence.buffer).setUint32(0, 1, true);
  if (tryIoctl(timeline.fd, SW_SYNC_IOC_CREATE_FENCE, fence) < 0) return undefined;
  using file = new File("fence", new DataView(fence.buffer).getInt32(FENCE_FD, true));
  const { bytes } = dma_buf_import_sync_file.alloc({ flags: DMA_BUF_SYNC_RW, fd: file.fd });
  const { request } = DMA_BUF_IOCTL_IMPORT_SYNC_FILE;
  return tryIoctl(dmabuf, request, bytes) < 0 ? undefined : timeline;
}
