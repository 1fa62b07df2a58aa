/**
 * Buffers that the stateful node exports, and those that it imports.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Mapping } from "../../lib/sys/mmap.ts";
import { Poller, POLLIN } from "../../lib/sys/poll.ts";
import { VideoDevice } from "../../lib/v4l2/device.ts";
import { MplaneDmabufQueue, MplaneMmapQueue, setMplaneFormat } from "../../lib/v4l2/mplane.ts";
import type { MplaneQueue } from "../../lib/v4l2/mplane.ts";
import * as v4l2 from "../../lib/v4l2/videodev2.ts";
import { CODED } from "../../lib/vpipe/stateful_path.ts";
import type { Context } from "./context.ts";
import { nextBuffer } from "./decoder_client.ts";
import { digestsIn } from "./decoder_file.ts";
import { CAPTURE, OUTPUT, type Reference, statefulNode } from "./stateful_client.ts";
import { expectDigest } from "./stateful_streams.ts";
import { expect, type Suite } from "./suite.ts";

const WIDTH = 320;
const HEIGHT = 240;
const SIZEIMAGE = 1 << 16;
const BUFFERS = 3;

/** An open node with both formats set. */
function opened(codec: Reference["codec"]): VideoDevice {
  const device = VideoDevice.open(statefulNode(), v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
  const size = { width: WIDTH, height: HEIGHT };
  setMplaneFormat(device, OUTPUT, { ...size, pixelformat: CODED[codec], sizeimage: SIZEIMAGE });
  setMplaneFormat(device, CAPTURE, { ...size, pixelformat: v4l2.V4L2_PIX_FMT_NV12 });
  return device;
}

/** Decodes each frame by itself, in memory that is seen through `views`. */
function decodeInto(
  device: VideoDevice,
  { frames, pictures }: Reference,
  output: MplaneQueue,
  capture: MplaneQueue,
  views: { readonly coded: Mapping[]; readonly raw: Mapping[] },
): number {
  const poller = new Poller(device, POLLIN);
  for (const { index } of capture.buffers) capture.enqueue(index);
  output.streamOn();
  capture.streamOn();
  for (const [number, frame] of frames.entries()) {
    const into = number % BUFFERS;
    views.coded[into].bytes.set(frame);
    output.enqueue(into, frame.length);
    const index = nextBuffer(capture, poller);
    const right = pictures.get(number)!;
    const pixels = views.raw[index].bytes.subarray(0, right.length);
    expect(Buffer.compare(right, pixels) === 0, `the picture of frame ${number} is wrong`);
    capture.enqueue(index);
    expect(output.reclaim() === into, "another OUTPUT buffer comes back");
  }
  return frames.length;
}

export async function statefulBufferChecks(suite: Suite, context: Context): Promise<void> {
  const folder = `${context.fixtures}/streams`;

  await suite.check("stateful: dma-bufs that one file exports, imported by another", () => {
    const reference = expectDigest(folder, digestsIn(folder, "vp9-320x240.ivf")[0]);
    using resources = new DisposableStack();
    const lender = resources.use(opened(reference.codec));
    const lend = (type: number) => {
      const queue = resources.use(new MplaneMmapQueue(lender, type, BUFFERS, 1));
      const exported = queue.export();
      for (const { file } of exported.flat()) resources.defer(() => file.close());
      return { exported, mapped: queue.mappings.map(([mapping]) => mapping) };
    };
    const [coded, raw] = [lend(OUTPUT), lend(CAPTURE)];
    // Seen through the dma-bufs, not through the node.
    const seen = raw.exported.map(([{ file, size }]) =>
      resources.use(Mapping.readOnly(file, size, 0))
    );
    const device = resources.use(opened(reference.codec));
    const output = resources.use(new MplaneDmabufQueue(device, OUTPUT, coded.exported));
    const capture = resources.use(new MplaneDmabufQueue(device, CAPTURE, raw.exported));
    const views = { coded: coded.mapped, raw: seen };
    const count = decodeInto(device, reference, output, capture, views);
    return `${count} frames from and to dma-bufs on both queues, each picture as it should be`;
  });
}
