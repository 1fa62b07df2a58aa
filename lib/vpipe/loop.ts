/**
 * The loopback node's own call: a writer's frames for a reader, without a copy.
 *
 * @module
 */
import { Dmabuf } from "../dmabuf/dma_buf.ts";
import { File, O_CLOEXEC } from "../sys/file.ts";
import { ioctl } from "../sys/ioctl.ts";
import { Mapping } from "../sys/mmap.ts";
import type { VideoDevice } from "../v4l2/device.ts";
import { VPIPE_LOOP_IOC_SHARE, vpipe_loop_share } from "../uapi/vpipe_loop.ts";

/**
 * Windows to the frames of the program that writes to a loopback node, one for each of its buffers,
 * mapped for reading; the caller closes them. There is something to be seen in one from VIDIOC_DQBUF
 * until it is queued again: at other times reading there is a SIGBUS.
 *
 * @throws {SysError} EAGAIN while there is no writer with buffers, EINVAL where they are its own
 * memory (USERPTR), EACCES where it imported them and does not lend them, ENOTTY for a device that
 * is no such node
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
