/**
 * Buffers whose fences do not signal: they hold up whoever queues them, and not the daemon.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { readCodedFrames } from "../../../lib/ffmpeg/coded_frames.ts";
import { CODED } from "../../../lib/codec/codecs.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { Events } from "../../../lib/v4l2/events.ts";
import { MplaneDmabufQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import { Poller, POLLPRI } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { type Context, heap } from "../../harness/context.ts";
import { neverSignals } from "../../harness/fence.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { WAIT_MS } from "./client.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const STREAM = "h264-one-frame.h264";
const BYTES = 1 << 18;

/** With a daemon that runs. */
export async function fenceChecks(suite: Suite, context: Context): Promise<void> {
  // Debian's kernels make no fences.
  await suite.whole?.check(
    "decoder: a fence that does not signal, given behind VIDIOC_QBUF",
    () => {
      const { codec, frames: [frame] } = readCodedFrames(`${context.fixtures}/streams/${STREAM}`);
      using device = VideoDevice.open(statefulNode(), v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
      device.setFormat(
        OUTPUT,
        { pixelformat: CODED[codec], width: 64, height: 48, sizeimage: BYTES },
        "at least",
      );
      using dmabuf = allocateFromHeap(heap(), BYTES);
      dmabuf.write(frame);
      using queue = new MplaneDmabufQueue(device, OUTPUT, [[dmabuf]]);
      const events = new Events(device, v4l2.V4L2_EVENT_SOURCE_CHANGE);
      queue.enqueue(0, frame.length);
      using timeline = neverSignals(dmabuf.fd);
      if (timeline === undefined) throw new Skip("this kernel has no fences to be made");
      queue.streamOn();
      const told = new Poller(device, POLLPRI).wait(WAIT_MS);
      expect(told !== 0, "the daemon waits for the client's fence");
      expectEqual("event", events.next(), v4l2.V4L2_EVENT_SOURCE_CHANGE);
      return "the daemon reads the frame, and tells its format";
    },
  );
}
