/**
 * capture-read: frames from a capture device by read(2), which copies each into the program.
 *
 * @module
 */
import { flag, path } from "../lib/cli/parameters.ts";
import { schedule } from "../lib/cli/scheduling.ts";
import { CSV, FRAMES } from "../lib/cli/shared_options.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { CAPTURE_OPTIONS } from "../lib/frames/camera.ts";
import { readFrames } from "../lib/frames/read_frames.ts";

export const tool = declareTool({
  name: "capture-read",
  summary: "Captures frames from a V4L2 device by read(2) and writes one CSV row a frame.",
  positionals: {
    device: path("DEV", "capture device, such as /dev/video0"),
    csv: CSV,
    frames: FRAMES,
  },
  options: {
    ...CAPTURE_OPTIONS,
    "no-crc": flag("leave crc32 at 0: what the other tools do with a frame takes no time"),
  },
  run(values, session) {
    schedule(values);
    return readFrames({ ...values, tool: "capture-read" }, session);
  },
});

if (import.meta.main) await main(tool);
