/**
 * capture-mmap: frames from a capture device through buffers that the driver allocates and the
 * program maps.
 *
 * @module
 */
import { CAPTURE_OPTIONS } from "../lib/frames/camera.ts";
import { captureMapped } from "../lib/frames/capture_mapped.ts";
import { BUFFERS, CSV, FRAMES } from "../lib/cli/shared_options.ts";
import { path } from "../lib/cli/parameters.ts";
import { schedule } from "../lib/cli/scheduling.ts";
import { declareTool, main } from "../lib/cli/tool.ts";

export const tool = declareTool({
  name: "capture-mmap",
  summary: "Captures frames from a V4L2 device by MMAP and writes one CSV row a frame.",
  positionals: {
    device: path("DEV", "capture device, such as /dev/video0"),
    csv: CSV,
    frames: FRAMES,
  },
  options: { ...CAPTURE_OPTIONS, buffers: BUFFERS },
  run(values, session) {
    schedule(values);
    return captureMapped({ ...values, tool: "capture-mmap" }, session);
  },
});

if (import.meta.main) await main(tool);
