/**
 * VPIPE_LOOP_IOC_SHARE: what it does not know, and who cannot have its windows.
 *
 * @module
 */
import { EAGAIN, EINVAL, SysError } from "../../../lib/sys/errno.ts";
import { O_CLOEXEC } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MplaneDmabufQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import { sharedBuffers } from "../../../lib/vpipe/loop.ts";
import { VPIPE_LOOP_IOC_SHARE, vpipe_loop_share } from "../../../lib/uapi/vpipe_loop.ts";
import { heap } from "../../harness/context.ts";
import { openCapture, Writer } from "./client.ts";
import { expectEqual, Skip, type Suite } from "../../harness/suite.ts";

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

  await suite.check("loop: windows in the decoder's queues", () => {
    const path = findStatelessDecoder();
    if (path === undefined) throw new Skip("there is no decoder");
    heap();
    let refused = 0;
    for (const io of ["mmap", "dmabuf"] as const) {
      using writer = new Writer(node, io);
      writer.fillAll();
      using reader = openCapture(node);
      using windows = new DisposableStack();
      const [dmabuf] = sharedBuffers(reader).map((window) => windows.use(window));
      using device = VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
      const pixelformat = v4l2.V4L2_PIX_FMT_VP9_FRAME;
      const type = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
      device.setFormat(type, { pixelformat, width: 64, height: 48 }, "at least");
      using queue = new MplaneDmabufQueue(device, type, [[dmabuf]]);
      let code = 0;
      try {
        queue.enqueue(0, 1);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        code = error.code;
      }
      // Where nothing is shown the daemon would die of it.
      expectEqual(`errno of a window to what the writer has by ${io}`, code, EINVAL);
      refused++;
    }
    return `${refused} kinds of them are refused: EINVAL`;
  });
}
