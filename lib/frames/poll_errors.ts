/**
 * What poll(2) says of a V4L2 node that has no frame any more.
 *
 * @module
 */
import { POLLERR, POLLHUP } from "../sys/poll.ts";
import { DeviceError } from "../v4l2/device.ts";

/**
 * So often in a row a node says POLLERR where it means it. Once it may say so for a signal, which came
 * while it waited for its lock (vb2_fop_poll in videobuf2-v4l2.c): whoever believes that tells of a device
 * that stopped where it was told to stop itself.
 */
const LOOKS = 10;

/** Of one node, which is looked at again and again. */
export class PollErrors {
  #inARow = 0;

  /** @param path of the node */
  constructor(private readonly path: string) {}

  /**
   * @param events of a poll
   * @returns whether there is an error that may be none: look again
   * @throws {DeviceError} the device is gone, or its stream
   */
  check(events: number): boolean {
    if (events & POLLHUP) throw new DeviceError(this.path, "the device is gone (ENODEV)");
    if (!(events & POLLERR)) {
      this.forget();
      return false;
    }
    if (++this.#inARow === LOOKS) throw new DeviceError(this.path, "the device stopped the stream");
    return true;
  }

  /** There was a frame. */
  forget(): void {
    this.#inARow = 0;
  }
}
