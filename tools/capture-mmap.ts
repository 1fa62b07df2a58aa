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
import { MplaneMmapQueue } from "../lib/v4l2/queue/mplane_queue.ts";
import { MmapQueue } from "../lib/v4l2/queue/queue.ts";
import { V4L2_BUF_TYPE_VIDEO_CAPTURE } from "../lib/uapi/videodev2.ts";

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
    using device = openCamera(values.device, "streaming", "any");
    const { type, planes } = setUpCamera(device, values);
    using queue = type === V4L2_BUF_TYPE_VIDEO_CAPTURE
      ? new MmapQueue(device, type, values.buffers)
      : new MplaneMmapQueue(device, type, values.buffers, planes.length);
    // A number in the pixels is in the first plane.
    const first = queue.mappings.map((mapping) => "bytes" in mapping ? mapping : mapping[0]);
    return await captureFrames({
      ...values,
      tool: "capture-mmap",
      queue,
      more: stampColumn(values.stamp, (index) => first[index].bytes),
    }, session);
  },
});

if (import.meta.main) await main(tool);
