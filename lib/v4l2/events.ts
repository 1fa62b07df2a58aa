/**
 * Events of a device: what it tells besides frames.
 *
 * @module
 */
import { ENOENT, SysError } from "../sys/errno.ts";
import { ioctl, tryIoctl } from "../sys/ioctl.ts";
import type { VideoDevice } from "./device.ts";
import * as v4l2 from "../uapi/videodev2.ts";

/** The events of some types that come from here on; poll(2) says POLLPRI while there is one. */
export class Events {
  readonly #device: VideoDevice;
  readonly #event = v4l2.v4l2_event.alloc();
  readonly #bytes = this.#event.bytes;

  /**
   * Subscribes to them (VIDIOC_SUBSCRIBE_EVENT), until the device is closed.
   *
   * @param types V4L2_EVENT_*
   * @throws {SysError} EINVAL for a type that the device does not have
   */
  constructor(device: VideoDevice, ...types: readonly number[]) {
    this.#device = device;
    for (const type of types) {
      const subscription = v4l2.v4l2_event_subscription.alloc({ type });
      ioctl(device, v4l2.VIDIOC_SUBSCRIBE_EVENT, subscription.bytes);
    }
  }

  /**
   * Takes the oldest event (VIDIOC_DQEVENT); allocates nothing.
   *
   * @returns V4L2_EVENT_*, or -ENOENT where there is none
   * @throws {SysError} ENODEV where the device is gone
   */
  next(): number {
    const result = tryIoctl(this.#device.fd, v4l2.VIDIOC_DQEVENT.request, this.#bytes);
    if (result >= 0) return this.#event.type;
    if (result === -ENOENT) return result;
    throw new SysError(this.#device.path, v4l2.VIDIOC_DQEVENT.name, -result);
  }

  /** Of the event that `next` took: V4L2_EVENT_SRC_CH_*, of a source change. */
  get changes(): number {
    return this.#event.changes;
  }
}
