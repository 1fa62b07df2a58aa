/**
 * The loopback node's own call: a writer's buffers for a reader.
 *
 * @module
 */
import { Dmabuf } from "../dmabuf/dma_buf.ts";
import { File, O_CLOEXEC } from "../sys/file.ts";
import { ioctl } from "../sys/ioctl.ts";
import { Mapping } from "../sys/mmap.ts";
import type { VideoDevice } from "../v4l2/device.ts";
import { VPIPE_LOOP_IOC_SHARE, vpipe_loop_share } from "./loop_uapi.ts";

/**
 * The buffers of the program that writes to a loopback node, mapped for reading; the caller closes
 * them.
 *
 * @throws {SysError} EAGAIN while there is no writer with buffers, EINVAL where they are its own
 * memory (USERPTR), ENOTTY for a device that is no such node
 */
export function sharedBuffers(device: VideoDevice): Dmabuf[] {
  const dmabufs: Dmabuf[] = [];
  const share = vpipe_loop_share.alloc({ flags: O_CLOEXEC });
  try {
    do {
      ioctl(device, VPIPE_LOOP_IOC_SHARE, share.bytes);
      dmabufs.push(new Dmabuf(new File(device.path, share.fd), share.size, Mapping.readOnly));
    } while (++share.index < share.count);
    return dmabufs;
  } catch (error) {
    for (const dmabuf of dmabufs) dmabuf.close();
    throw error;
  }
}
