/**
 * Media requests: buffers and controls that a driver takes together.
 *
 * @module
 */
import { deviceNumber } from "../sys/device_number.ts";
import { SysError } from "../sys/errno.ts";
import { File, O_RDWR } from "../sys/file.ts";
import { listFolder } from "../sys/folder.ts";
import { ioctl, tryIoctl } from "../sys/ioctl.ts";
import type { Ioctl } from "../uapi/ioctl_number.ts";
import {
  MEDIA_IOC_REQUEST_ALLOC,
  MEDIA_REQUEST_IOC_QUEUE,
  MEDIA_REQUEST_IOC_REINIT,
} from "../uapi/media.ts";
import { DeviceError, type VideoDevice } from "./device.ts";
import type { Queue } from "./queue/queue.ts";
import { V4L2_BUF_FLAG_REQUEST_FD } from "../uapi/videodev2.ts";

/** An open media device. */
export class MediaDevice implements Disposable {
  readonly #file: File;

  private constructor(file: File) {
    this.#file = file;
  }

  /**
   * Opens the media device that a video node belongs to.
   *
   * @throws {SysError} as open(2) of the device, or of its folder in sysfs
   * @throws {DeviceError} if it belongs to none
   */
  static of(video: VideoDevice): MediaDevice {
    const folder = `/sys/dev/char/${deviceNumber(video)}/device`;
    const name = listFolder(folder).find((name) => /^media\d+$/.test(name));
    if (name === undefined) throw new DeviceError(video.path, "has no media device");
    return new MediaDevice(File.open(`/dev/${name}`, O_RDWR));
  }

  /**
   * A new request, with nothing in it (MEDIA_IOC_REQUEST_ALLOC); the caller closes it.
   *
   * @throws {SysError} ENOTTY where the driver has no requests, ENOMEM
   */
  allocateRequest(): MediaRequest {
    const argument = Int32Array.of(-1);
    ioctl(this.#file, MEDIA_IOC_REQUEST_ALLOC, new Uint8Array(argument.buffer));
    return new MediaRequest(new File(this.#file.path, argument[0]));
  }

  /** Closes the media device; requests that it gave stay. */
  close(): void {
    this.#file.close();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

// These ioctls look at no argument.
const NOTHING = new Uint8Array(0);

/** A media request. What a frame loop calls allocates nothing. */
export class MediaRequest implements Disposable {
  readonly #file: File;
  /** What VIDIOC_QBUF and VIDIOC_S_EXT_CTRLS name it by; stays as it is when it is closed. */
  readonly fd: number;

  /** Of a descriptor that MEDIA_IOC_REQUEST_ALLOC gave; it is closed with the request. */
  constructor(file: File) {
    this.#file = file;
    this.fd = file.fd;
  }

  /**
   * Puts buffer `index` into the request; the driver gets it when the request is queued.
   *
   * @param bytesused payload in bytes
   * @param flags V4L2_BUF_FLAG_* of the buffer besides
   * @throws {SysError} as VIDIOC_QBUF
   */
  add(queue: Queue, index: number, bytesused: number, flags = 0): void {
    const buffer = queue.buffers[index];
    buffer.flags = V4L2_BUF_FLAG_REQUEST_FD | flags;
    buffer.request_fd = this.fd;
    queue.enqueue(index, bytesused);
  }

  /**
   * Hands all that is in the request to the driver (MEDIA_REQUEST_IOC_QUEUE).
   *
   * @throws {SysError} ENOENT for a request without a buffer, EBUSY for one that is queued
   */
  queue(): void {
    this.#call(MEDIA_REQUEST_IOC_QUEUE);
  }

  /**
   * Empties the request, to be used again.
   *
   * @throws {SysError} EBUSY before the driver has completed it
   */
  reinit(): void {
    this.#call(MEDIA_REQUEST_IOC_REINIT);
  }

  #call({ name, request }: Ioctl): void {
    const result = tryIoctl(this.fd, request, NOTHING);
    if (result < 0) throw new SysError(this.#file.path, name, -result);
  }

  /** Gives the request up; one that is queued is completed all the same. */
  close(): void {
    this.#file.close();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
