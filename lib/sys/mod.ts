/**
 * The C library by FFI: files, memory, ioctl, poll, the clock.
 *
 * @module
 */
export { epochSeconds, monotonicNs } from "./clock.ts";
export * from "./errno.ts";
export { File, IoBuffer, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from "./file.ts";
export { GatherBuffer } from "./gather.ts";
export { ioctl, ioctlOr, type IoctlSubject, tryIoctl } from "./ioctl.ts";
export { Mapping } from "./mmap.ts";
export { Poller, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI } from "./poll.ts";
