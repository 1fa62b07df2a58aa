/**
 * capture-dmabuf: a camera's buffers, exported, as OUTPUT buffers of the filter.
 *
 * @module
 */
import { CSV, FRAMES } from "../lib/cli/common.ts";
import { path } from "../lib/cli/parameters.ts";
import { RELAY_OPTIONS, relayFrames } from "../lib/cli/relay_frames.ts";
import { schedule } from "../lib/cli/scheduling.ts";
import { main } from "../lib/cli/tool.ts";
import { absoluteNs } from "../lib/sys/clock.ts";
import { VPIPE_ALGO_NONE } from "../lib/vpipe/uapi.ts";

main({
  name: "capture-dmabuf",
  summary: "Passes a camera's GREY frames to the kernel's filter as DMABUF, without a copy in " +
    "userspace, and writes one CSV row a frame.",
  positionals: {
    source: path("CAMERA", "capture device, such as /dev/video0"),
    filter: path("FILTER", "the filter's video node"),
    csv: CSV,
    frames: FRAMES,
  },
  options: RELAY_OPTIONS,
  async run(values, session) {
    schedule(values);
    return await relayFrames({
      ...values,
      tool: "capture-dmabuf",
      transport: "dmabuf",
      algorithm: VPIPE_ALGO_NONE,
      threshold: 0,
      columns: {
        frame: [String, (_, number) => number],
        vivid_sequence: [String, (frame) => frame.cameraSequence],
        vpipe_sequence: [String, (frame) => frame.filterSequence],
        vivid_buf_index: [String, (frame) => frame.cameraIndex],
        dmabuf_fd: [String, (frame) => frame.dmabuf],
        vivid_dequeue_ns: [absoluteNs, (frame) => frame.cameraNs],
        vpipe_dequeue_ns: [absoluteNs, (frame) => frame.filterNs],
        vpipe_bytesused: [String, (frame) => frame.bytesused],
      },
      details: { transport: "dmabuf", algorithm: "none" },
    }, session);
  },
});
