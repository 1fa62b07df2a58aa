/**
 * CAPTURE buffers of contiguous memory, which the module's parameter `contiguous` asks for.
 *
 * @module
 */
import { readStream } from "../../../lib/codec/stream.ts";
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { ENOMEM } from "../../../lib/sys/errno.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MplaneDmabufQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import { StatelessDecoder } from "../../../lib/v4l2/decoder/stateless_stream.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import { type Context, heap } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { decoder, statefulNode } from "../../harness/nodes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { Decoding, digestsOf } from "./file.ts";

const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
const STREAMS = ["vp9-320x240.ivf", "h264-320x240.h264"];

/** Who exported a dma-buf, as its file's information has it. */
const exporterOf = (fd: number) =>
  Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`).match(/^exp_name:\s*(\S+)$/m)?.[1];

/** With a daemon that runs. */
export async function contiguousChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("decoder: contiguous CAPTURE buffers", async () => {
    using _contiguous = decoder.withParameter("contiguous", 1);
    for (const digest of digestsOf(context, ...STREAMS)) {
      for (const device of [[], ["--device", statefulNode()]]) {
        await using decoding = new Decoding(
          context,
          `${context.fixtures}/streams/${digest.name}`,
          device,
        );
        await decoding.expectFrames(digest);
      }
    }
    return `${STREAMS.join(" and ")}: all bytes as in digests.txt, on either node`;
  });

  await suite.check("decoder: dma-bufs of others, where CAPTURE is contiguous", () => {
    using _contiguous = decoder.withParameter("contiguous", 1);
    const nodes = [decoder.videoNode(), statefulNode()];
    for (const node of nodes) {
      using device = VideoDevice.open(node, v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
      const { planes: [{ sizeimage }] } = device.getFormat(CAPTURE);
      using dmabuf = allocateFromHeap(heap(), sizeimage);
      using queue = new MplaneDmabufQueue(device, CAPTURE, [[dmabuf]]);
      expectEqual("errno of VIDIOC_QBUF", errnoOf(() => queue.enqueue(0)), 0);
    }
    return `taken by ${nodes.join(" and ")}`;
  });

  await suite.check("decoder: contiguous memory is for files that are opened later", () => {
    using before = new StatelessDecoder(findStatelessDecoder()!);
    using _contiguous = decoder.withParameter("contiguous", 1);
    using behind = new StatelessDecoder(findStatelessDecoder()!);
    const bytes = Deno.readFileSync(`${context.fixtures}/streams/${STREAMS[0]}`);
    const [{ sequence }] = readStream(bytes);
    const settings = { buffers: 1, largest: 1, format: undefined };
    const exporters = [before, behind].map((client) => {
      using stream = client.start(sequence, settings);
      const [[dmabuf]] = stream.capture.export();
      using _file = dmabuf.file;
      return exporterOf(dmabuf.fd);
    });
    expectEqual("exporters", exporters.join(", "), "videobuf2_vmalloc, videobuf2_dma_contig");
    // Only some machines have a piece of this size; on others the kernel's log is to say little.
    const large = { ...sequence, width: 4096, height: 4096 };
    const code = errnoOf(() => behind.start(large, settings)[Symbol.dispose]());
    expect(code === 0 || code === ENOMEM, `errno ${code} of 4096x4096`);
    return `${exporters.join(", then ")}; 4096x4096: ${code === 0 ? "there is room" : "ENOMEM"}`;
  });
}
