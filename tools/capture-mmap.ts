/**
 * capture-mmap: frames from a capture device through buffers that the driver allocates and the
 * program maps.
 *
 * @module
 */
import { CAPTURE_OPTIONS, openCamera, setUpCamera } from "../lib/frames/camera.ts";
import { captureFrames, stampColumn } from "../lib/frames/capture_frames.ts";
import { BUFFERS, CSV, FRAMES } from "../lib/cli/shared_options.ts";
import { path } from "../lib/cli/parameters.ts";
import { schedule } from "../lib/cli/scheduling.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { mmapQueue } from "../lib/v4l2/queue/mplane_queue.ts";

export const tool = declareTool({
  name: "capture-mmap",
  summary: "Captures frames from a V4L2 device by MMAP and writes one CSV row a frame.",
  positionals: {
    device: path("DEV", "capture device, such as /dev/video0"),
    csv: CSV,
    frames: FRAMES,
  },
  options: { ...CAPTURE_OPTIONS, buffers: BUFFERS },
  async run(values, session) {
    schedule(values);
    using device = openCamera(values.device, "streaming");
    const cameraFormat = setUpCamera(device, values);
    const { queue: mapped, planes } = mmapQueue(device, cameraFormat, values.buffers);
    using queue = mapped;
    return await captureFrames({
      ...values,
      tool: "capture-mmap",
      queue,
      cameraFormat,
      // A number in the pixels is in the first plane.
      more: stampColumn(values.stamp, (index) => planes[index][0].bytes),
    }, session);
  },
});

if (import.meta.main) await main(tool);
