/**
 * Frames from a capture device through buffers that the driver allocates and the program maps.
 *
 * @module
 */
import { mmapQueue } from "../v4l2/queue/mplane_queue.ts";
import { openCamera, setUpCamera } from "./camera.ts";
import { type BufferSettings, captureFrames, stampColumn } from "./capture_frames.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** Captures and records. */
export async function captureMapped(
  values: BufferSettings,
  session: ToolSession,
): Promise<Report> {
  using device = openCamera(values.device, "streaming");
  const cameraFormat = setUpCamera(device, values);
  const { queue: mapped, planes } = mmapQueue(device, cameraFormat, values.buffers);
  using queue = mapped;
  return await captureFrames({
    ...values,
    queue,
    cameraFormat,
    // A number in the pixels is in the first plane.
    more: stampColumn(values.stamp, (index) => planes[index][0].bytes),
  }, session);
}
