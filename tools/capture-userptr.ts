/**
 * capture-userptr: frames from a capture device into the program's own memory.
 *
 * @module
 */
import { CAPTURE_OPTIONS } from "../lib/frames/camera.ts";
import { captureUserptr, MEMORY_MODES } from "../lib/frames/capture_userptr.ts";
import { BUFFERS, CSV, FRAMES } from "../lib/cli/shared_options.ts";
import { choice, path } from "../lib/cli/parameters.ts";
import { schedule } from "../lib/cli/scheduling.ts";
import { declareTool, main } from "../lib/cli/tool.ts";

export const tool = declareTool({
  name: "capture-userptr",
  summary: "Captures frames from a V4L2 device by USERPTR and writes one CSV row a frame, " +
    "with the page faults of its VIDIOC_QBUF.",
  positionals: {
    device: path("DEV", "capture device, such as /dev/video0"),
    csv: CSV,
    frames: FRAMES,
    mode: {
      ...choice(
        "MODE",
        "reset: fresh memory for each VIDIOC_QBUF; noreset: the same again",
        MEMORY_MODES,
      ),
      fallback: "reset" as const,
    },
  },
  options: { ...CAPTURE_OPTIONS, buffers: BUFFERS },
  run(values, session) {
    schedule(values);
    return captureUserptr({ ...values, tool: "capture-userptr" }, session);
  },
});

if (import.meta.main) await main(tool);
