/**
 * Fences that never signal: whoever waits for them waits until this process ends.
 *
 * @module
 */
import { File, O_RDWR } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import {
  dma_buf_import_sync_file,
  DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
  DMA_BUF_SYNC_RW,
} from "../../../lib/uapi/dma_buf.ts";

// Source: drivers/dma-buf/sw_sync.c.
const SW_SYNC = "/sys/kernel/debug/sync/sw_sync";
const SW_SYNC_IOC_CREATE_FENCE = 0xc0285700;
const FENCE_BYTES = 40;
const FENCE_FD = 36;

/** Gives a dma-buf such a fence; false where the kernel has none. */
export function neverSignals(dmabuf: number): boolean {
  let timeline: File;
  try {
    timeline = File.open(SW_SYNC, O_RDWR);
  } catch {
    return false;
  }
  const fence = new Uint8Array(FENCE_BYTES);
  new DataView(fence.buffer).setUint32(0, 1, true);
  if (tryIoctl(timeline.fd, SW_SYNC_IOC_CREATE_FENCE, fence) < 0) return false;
  const fd = new DataView(fence.buffer).getInt32(FENCE_FD, true);
  const { bytes } = dma_buf_import_sync_file.alloc({ flags: DMA_BUF_SYNC_RW, fd });
  return tryIoctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE.request, bytes) >= 0;
}
