/**
 * VPIPE_LOOP_IOC_SHARE and what it does not know.
 *
 * @module
 */
import { EAGAIN, EINVAL } from "../../lib/sys/errno.ts";
import { O_CLOEXEC } from "../../lib/sys/file.ts";
import { tryIoctl } from "../../lib/sys/ioctl.ts";
import { VPIPE_LOOP_IOC_SHARE, vpipe_loop_share } from "../../lib/vpipe/loop_uapi.ts";
import { openCapture } from "./loop_client.ts";
import { expectEqual, type Suite } from "./suite.ts";

/** Of the structure's bytes the first that is reserved; all behind it are. */
const RESERVED = 20;

export async function loopShareChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: what SHARE does not know", () => {
    using device = openCapture(node);
    const errno = (bytes: Uint8Array<ArrayBuffer>) =>
      -tryIoctl(device.fd, VPIPE_LOOP_IOC_SHARE.request, bytes);
    const { size, alloc } = vpipe_loop_share;
    expectEqual("without a writer", errno(alloc({ flags: O_CLOEXEC }).bytes), EAGAIN);
    for (let bit = 0; bit < 32; bit++) {
      const flags = (1 << bit) >>> 0;
      if (flags !== O_CLOEXEC) expectEqual(`flag ${bit}`, errno(alloc({ flags }).bytes), EINVAL);
    }
    for (let at = RESERVED; at < size; at++) {
      const { bytes } = alloc();
      bytes[at] = 1;
      expectEqual(`reserved byte ${at}`, errno(bytes), EINVAL);
    }
    return `EINVAL for 31 flags and ${size - RESERVED} reserved bytes`;
  });
}
