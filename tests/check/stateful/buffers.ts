/**
 * Memory of the stateful node's buffers that is seen through dma-bufs: some that it exports itself,
 * and some of a heap.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Dmabuf, READING } from "../../../lib/dmabuf/dma_buf.ts";
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { PICTURE_LAYOUTS } from "../../../lib/image/pixel_format.ts";
import { runsOf, samplePlanes } from "../../../lib/image/sample_planes.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import {
  PICTURE_FORMATS,
  type PictureFormat,
  pictureFormat,
} from "../../../lib/v4l2/decoder/picture_buffers.ts";
import {
  MplaneDmabufQueue,
  MplaneMmapQueue,
  type MplaneQueue,
} from "../../../lib/v4l2/queue/mplane_queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { CODED } from "../../../lib/codec/codecs.ts";
import { type Context, heap } from "../../harness/context.ts";
import { inTurns } from "../../harness/chroma.ts";
import { nextBuffer } from "../decoder/client.ts";
import { CAPTURE, OUTPUT, type Reference } from "./client.ts";
import { referenceOf } from "./streams.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { statefulNode } from "../../harness/nodes.ts";

// Those of the stream.
const SIZE = { width: 320, height: 240 };
const SIZEIMAGE = 1 << 16;
const BUFFERS = 3;

/** A queue, and its memory by buffer and plane. */
interface Seen {
  readonly queue: MplaneQueue;
  readonly memory: readonly (readonly Dmabuf[])[];
}

/** An open node with both formats set. */
function opened({ codec }: Reference, format: PictureFormat): VideoDevice {
  const device = VideoDevice.open(statefulNode(), v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
  device.setFormat(
    OUTPUT,
    { ...SIZE, pixelformat: CODED[codec], sizeimage: SIZEIMAGE },
    "at least",
  );
  device.setFormat(CAPTURE, { ...SIZE, pixelformat: PICTURE_FORMATS[format] }, "at least");
  return device;
}

/** A queue whose buffers the node allocates and exports. */
function exporting(resources: DisposableStack, device: VideoDevice, type: number): Seen {
  const { planes } = device.getFormat(type);
  const queue = resources.use(new MplaneMmapQueue(device, type, BUFFERS, planes.length));
  // The daemon writes pictures, this program does not.
  const map = type === CAPTURE ? Mapping.readOnly : Mapping.shared;
  const memory = queue.export().map((buffer) =>
    buffer.map(({ file, size }) => resources.use(new Dmabuf(file, size, map)))
  );
  return { queue, memory };
}

/** A queue that imports: what another file exports, or what a heap gives. */
function importing(
  resources: DisposableStack,
  device: VideoDevice,
  type: number,
  memory: Seen["memory"] = fromHeap(resources, device, type),
): Seen {
  return { queue: resources.use(new MplaneDmabufQueue(device, type, memory)), memory };
}

function fromHeap(resources: DisposableStack, device: VideoDevice, type: number): Dmabuf[][] {
  const { planes } = device.getFormat(type);
  return Array.from(
    { length: BUFFERS },
    () => planes.map(({ sizeimage }) => resources.use(allocateFromHeap(heap(), sizeimage))),
  );
}

/** The picture that was dequeued last, without padding, chroma in turns. */
function pixelsOf({ queue, memory }: Seen, index: number): Uint8Array {
  const { pixelformat, height, planes } = queue.device.getFormat(CAPTURE);
  const layout = PICTURE_LAYOUTS[pictureFormat(pixelformat)!];
  const strides = planes.map(({ bytesperline }) => bytesperline);
  const parts = memory[index].map((plane, i) => {
    plane.begin(READING);
    const bytes = plane.bytes.slice(0, queue.dequeuedPlanes[i].bytesused);
    plane.end(READING);
    return bytes;
  });
  const runs = runsOf(samplePlanes(layout, height, strides), { left: 0, top: 0, ...SIZE });
  const picture = Buffer.concat(
    runs.map(({ memory, offset, length }) => parts[memory].subarray(offset, offset + length)),
  );
  return layout.planes.length > 2 ? inTurns(picture, SIZE) : picture;
}

/** Decodes each frame by itself. */
function expectPictures({ frames, pictures }: Reference, output: Seen, capture: Seen): string {
  const { device } = capture.queue;
  const poller = new Poller(device, POLLIN);
  for (const { index } of capture.queue.buffers) capture.queue.enqueue(index);
  output.queue.streamOn();
  capture.queue.streamOn();
  for (const [number, frame] of frames.entries()) {
    const into = number % BUFFERS;
    output.memory[into][0].write(frame);
    output.queue.enqueue(into, frame.length);
    const index = nextBuffer(capture.queue, poller);
    const same = pictures.get(number)!.equals(pixelsOf(capture, index));
    expect(same, `the picture of frame ${number} is wrong`);
    capture.queue.enqueue(index);
    expectEqual("index of the OUTPUT buffer that comes back", output.queue.reclaim(), into);
  }
  return `${frames.length} frames, each picture as it should be`;
}

export async function statefulBufferChecks(suite: Suite, context: Context): Promise<void> {
  const reference = () => referenceOf(context, "vp9-320x240.ivf");
  const planar = ["yu12", "ym12"] as const;

  for (const format of ["nv12m", ...planar] as const) {
    await suite.check(`stateful: buffers that are exported, ${format}`, () => {
      const stream = reference();
      using resources = new DisposableStack();
      const device = resources.use(opened(stream, format));
      const [output, capture] = [OUTPUT, CAPTURE].map((type) => exporting(resources, device, type));
      return `written and read by dma-buf: ${expectPictures(stream, output, capture)}`;
    });
  }

  for (const format of ["nv12", ...planar] as const) {
    const what = `stateful: dma-bufs that one file exports, imported by another, ${format}`;
    await suite.check(what, () => {
      const stream = reference();
      using resources = new DisposableStack();
      const lender = resources.use(opened(stream, format));
      const device = resources.use(opened(stream, format));
      const [output, capture] = [OUTPUT, CAPTURE].map((type) =>
        importing(resources, device, type, exporting(resources, lender, type).memory)
      );
      return `on both queues: ${expectPictures(stream, output, capture)}`;
    });
  }

  for (const format of ["nv12m", ...planar] as const) {
    await suite.check(`stateful: dma-bufs of a heap, ${format}`, () => {
      const stream = reference();
      using resources = new DisposableStack();
      const device = resources.use(opened(stream, format));
      const [output, capture] = [OUTPUT, CAPTURE].map((type) => importing(resources, device, type));
      return `on both queues: ${expectPictures(stream, output, capture)}`;
    });
  }
}
