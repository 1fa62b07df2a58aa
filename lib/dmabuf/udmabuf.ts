/**
 * Dma-bufs of a memory file, after linux/udmabuf.h: where the kernel has no dma-heap, as Debian's
 * for aarch64.
 *
 * @module
 */
import { EINVAL, ENOTTY, errno, SysError } from "../sys/errno.ts";
import { F_ADD_SEALS, F_SEAL_SHRINK, File, O_RDWR } from "../sys/file.ts";
import { ioctlOr } from "../sys/ioctl.ts";
import { cString, libc } from "../sys/libc.ts";
import { MFD_ALLOW_SEALING, MFD_CLOEXEC } from "../sys/mmap.ts";
import { UDMABUF_CREATE, udmabuf_create, UDMABUF_FLAGS_CLOEXEC } from "../uapi/udmabuf.ts";

/** Whether a path is that of the device, as opposed to a dma-heap's. */
export function isUdmabuf(path: string): boolean {
  return /(^|\/)udmabuf$/.test(path);
}

/**
 * Makes a dma-buf of `size` bytes, in whole pages, by the device at `path` (`/dev/udmabuf`).
 *
 * @throws {SysError} as open(2) of the device, or ENOMEM
 */
export function udmabufFile(path: string, size: number): File {
  using device = File.open(path, O_RDWR);
  const fd = libc.memfd_create(cString("vpipe"), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) throw new SysError(path, "memfd_create", errno[0]);
  // The dma-buf holds the pages from here on.
  using memory = new File("memfd", fd);
  const page = libc.getpagesize();
  const whole = Math.ceil(size / page) * page;
  memory.truncate(whole);
  if (libc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
    throw new SysError(path, "F_ADD_SEALS", errno[0]);
  }
  const order = { memfd: fd, flags: UDMABUF_FLAGS_CLOEXEC, offset: 0n, size: BigInt(whole) };
  const result = ioctlOr(device, UDMABUF_CREATE, udmabuf_create.alloc(order).bytes, ENOTTY, EINVAL);
  if (result >= 0) return new File(path, result);
  const { message, what } = new SysError(path, UDMABUF_CREATE.name, -result);
  if (result === -ENOTTY) {
    throw new Error(`${path}: does not make dma-bufs of memory files: ${what}`);
  }
  throw new Error(
    `${message}: refuses ${whole} bytes ` +
      "(the most is in /sys/module/udmabuf/parameters/size_limit_mb)",
  );
}
