/**
 * Frames from a capture device into dma-bufs: windows to the writer's, where the device is a
 * loopback node, else those of a dma-heap.
 *
 * @module
 */
import { type Dmabuf, READING } from "../dmabuf/dma_buf.ts";
import { EACCES, EAGAIN, EINVAL, ENOTTY, SysError } from "../sys/errno.ts";
import { DeviceError, type VideoDevice } from "../v4l2/device.ts";
import { isMultiPlanar } from "../v4l2/format.ts";
import { DmabufQueue, type Queue } from "../v4l2/queue/queue.ts";
import { V4L2_BUF_TYPE_VIDEO_CAPTURE } from "../uapi/videodev2.ts";
import { heapQueue, mplaneHeapQueue } from "../vpipe/heap_queue.ts";
import { sharedBuffers } from "../vpipe/loop.ts";
import { type CameraFormat, openCamera, setUpCamera } from "./camera.ts";
import { type BufferSettings, captureFrames } from "./capture_frames.ts";
import { stampOf } from "./stamp.ts";
import { BREATH_MS, type StopRequest } from "../cli/stop.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** What the command line says. */
export interface DmabufCapture extends BufferSettings {
  /** Where the buffers come from, unless the writer of a loopback node has them. */
  readonly heap: string;
}

/** Captures and records. */
export async function captureDmabufs(values: DmabufCapture, session: ToolSession): Promise<Report> {
  const { device: path, timeout, stamp } = values;
  using device = openCamera(path, "streaming");
  const shared = await writersBuffers(device, timeout, session.stop);
  if (session.stop.requested) return { text: [], json: {} };
  using resources = new DisposableStack();
  for (const dmabuf of shared ?? []) resources.use(dmabuf);
  // Only now: the format is the writer's.
  const cameraFormat = setUpCamera(device, values);
  const { queue, dmabufs } = shared === undefined
    ? onHeap(device, values, cameraFormat, resources)
    : { queue: new DmabufQueue(device, V4L2_BUF_TYPE_VIDEO_CAPTURE, shared), dmabufs: shared };
  resources.use(queue);
  const value = (index: number) => {
    const dmabuf = dmabufs[index];
    dmabuf.begin(READING);
    const stamp = stampOf(dmabuf.bytes);
    dmabuf.end(READING);
    return stamp;
  };
  return await captureFrames({
    ...values,
    queue,
    cameraFormat,
    more: stamp ? [{ name: "stamp", value }] : [],
    details: { memory: shared === undefined ? "heap" : "shared" },
  }, session);
}

function onHeap(
  device: VideoDevice,
  { buffers, heap }: DmabufCapture,
  { type, planes, sizeimage }: CameraFormat,
  resources: DisposableStack,
): { readonly queue: Queue; readonly dmabufs: readonly Dmabuf[] } {
  if (!isMultiPlanar(type)) {
    const made = heapQueue(device, type, buffers, heap, sizeimage);
    for (const dmabuf of made.dmabufs) resources.use(dmabuf);
    return made;
  }
  const sizes = planes.map(({ sizeimage }) => sizeimage);
  const made = mplaneHeapQueue(device, type, buffers, heap, sizes);
  for (const dmabuf of made.dmabufs.flat()) resources.use(dmabuf);
  // A number in the pixels is in the first plane.
  return { queue: made.queue, dmabufs: made.dmabufs.map(([first]) => first) };
}

/**
 * A loopback node's writer's buffers; waits for a writer.
 *
 * @param timeout in seconds
 * @returns undefined where the device is no such node, its writer has no memory to be shown or does
 * not lend it, or a signal came
 * @throws {DeviceError} where no writer came in time
 */
async function writersBuffers(
  device: VideoDevice,
  timeout: number,
  stop: StopRequest,
): Promise<Dmabuf[] | undefined> {
  const end = performance.now() + timeout * 1000;
  while (!stop.requested) {
    try {
      return sharedBuffers(device);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if ([ENOTTY, EINVAL, EACCES].includes(error.code)) return undefined;
      if (error.code !== EAGAIN) throw error;
    }
    if (performance.now() >= end) {
      throw new DeviceError(device.path, `no writer within ${timeout} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, BREATH_MS));
  }
  return undefined;
}
