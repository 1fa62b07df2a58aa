/**
 * The device by which loopback nodes are added and removed.
 *
 * @module
 */
import { File, O_RDONLY } from "../sys/file.ts";
import { tryIoctl, tryIoctlNumber } from "../sys/ioctl.ts";
import type { Ioctl } from "../uapi/ioctl_number.ts";
import * as ctl from "../uapi/vpipe_loop_ctl.ts";

/** There with vpipe-loop's `compat=1`; v4l2loopback's own is the same. */
export const LOOP_ADMIN = "/dev/v4l2loopback";

/** The calls that add a node, remove one, and tell what it is. */
export interface LoopAdminCalls {
  readonly add: Ioctl;
  readonly remove: Ioctl;
  readonly query: Ioctl;
}

const CALLS: LoopAdminCalls = {
  add: ctl.V4L2LOOPBACK_CTL_ADD,
  remove: ctl.V4L2LOOPBACK_CTL_REMOVE,
  query: ctl.V4L2LOOPBACK_CTL_QUERY,
};

/** What a node is to be, or is: the fields of `struct v4l2_loopback_config`. */
export type LoopConfig = NonNullable<Parameters<typeof ctl.v4l2_loopback_config.alloc>[0]>;

/** /dev/v4l2loopback, open; calls give their result, or the negated errno. */
export class LoopAdmin implements Disposable {
  readonly #file: File;

  /**
   * Opens the device.
   *
   * @param calls the numbers of its calls: v4l2loopback has had others before its release 0.14
   * @throws {SysError} ENOENT where there is none, EACCES where the caller is not root
   */
  constructor(readonly calls: LoopAdminCalls = CALLS) {
    this.#file = File.open(LOOP_ADMIN, O_RDONLY);
  }

  /** Any call, with memory or a number. */
  call({ request }: Pick<Ioctl, "request">, argument: number | Uint8Array<ArrayBuffer>): number {
    return typeof argument === "number"
      ? tryIoctlNumber(this.#file.fd, request, argument)
      : tryIoctl(this.#file.fd, request, argument);
  }

  /**
   * Adds a node; what is left out is the module's.
   *
   * @returns N of its /dev/videoN; -EEXIST where the number is taken, -EINVAL for what cannot be
   */
  add(config: LoopConfig): number {
    const { bytes } = ctl.v4l2_loopback_config.alloc({
      output_nr: -1,
      announce_all_caps: -1,
      ...config,
    });
    return this.call(this.calls.add, bytes);
  }

  /**
   * Removes a node.
   *
   * @param nr N of its /dev/videoN
   * @returns -EBUSY while somebody has it open, -ENODEV where there is none
   */
  remove(nr: number): number {
    return this.call(this.calls.remove, nr);
  }

  /**
   * What a node is.
   *
   * @param nr N of its /dev/videoN
   * @returns `result`, -ENODEV where there is none, and what was filled in
   */
  query(nr: number): { readonly result: number; readonly config: Required<LoopConfig> } {
    const config = ctl.v4l2_loopback_config.alloc({ output_nr: nr });
    return { result: this.call(this.calls.query, config.bytes), config };
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
