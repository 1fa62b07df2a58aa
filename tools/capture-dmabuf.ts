/**
 * capture-dmabuf: a camera's buffers, exported, as OUTPUT buffers of the filter; or dma-bufs as the
 * camera's own CAPTURE buffers.
 *
 * @module
 */
import { CAPTURE_OPTIONS } from "../lib/frames/camera.ts";
import { captureDmabufs } from "../lib/frames/capture_dmabufs.ts";
import { BUFFERS, CSV, FRAMES_NEEDED, HEAP_OPTION } from "../lib/cli/shared_options.ts";
import { path } from "../lib/cli/parameters.ts";
import { relayFrames } from "../lib/frames/relay_frames.ts";
import { schedule } from "../lib/cli/scheduling.ts";
import { GREY, pixelFormat } from "../lib/image/pixel_format.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { absoluteNs } from "../lib/sys/clock.ts";
import { VPIPE_ALGO_NONE } from "../lib/uapi/vpipe.ts";

export const tool = declareTool({
  name: "capture-dmabuf",
  summary: "Passes a camera's GREY frames to the kernel's filter as DMABUF, without a copy in " +
    "userspace, and writes one CSV row a frame. Without FILTER the camera fills dma-bufs: of a " +
    "loopback node the writer's own, else of the dma-heap.",
  positionals: {
    source: path("CAMERA", "capture device, such as /dev/video0"),
    filter: { ...path("FILTER", "the filter's video node"), fallback: "" },
    csv: CSV,
    frames: FRAMES_NEEDED,
  },
  options: { ...CAPTURE_OPTIONS, buffers: BUFFERS, heap: HEAP_OPTION },
  idle({ filter, format }) {
    const why = (name: string) =>
      filter !== "" && `--${name} is for frames that go through no FILTER`;
    const isOther = format !== undefined && pixelFormat(format.toLowerCase()) !== GREY;
    return { format: isOther && why("format"), stamp: why("stamp"), heap: why("heap") };
  },
  async run(values, session) {
    schedule(values);
    if (values.filter === "") {
      const capture = { ...values, device: values.source, tool: "capture-dmabuf" };
      return await captureDmabufs(capture, session);
    }
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

if (import.meta.main) await main(tool);
