/**
 * capture-m2m: a camera's frames through the filter, as DMABUF or copied.
 *
 * @module
 */
import { ALGORITHM, CSV, FRAMES, NO_THRESHOLD, THRESHOLD } from "../lib/cli/shared_options.ts";
import { choice, path } from "../lib/cli/parameters.ts";
import { RELAY_OPTIONS, relayFrames } from "../lib/frames/relay_frames.ts";
import { schedule } from "../lib/cli/scheduling.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { absoluteNs } from "../lib/sys/clock.ts";
import { TRANSPORTS } from "../lib/vpipe/camera_path.ts";
import { ALGORITHMS } from "../lib/vpipe/filter.ts";

export const tool = declareTool({
  name: "capture-m2m",
  summary: "Sends a camera's GREY frames through the kernel's filter and writes one CSV row a " +
    "frame; the metadata carries the camera's sequence numbers.",
  positionals: {
    source: path("CAMERA", "capture device, such as /dev/video0"),
    filter: path("FILTER", "the filter's video node"),
    csv: CSV,
    frames: FRAMES,
    transport: {
      ...choice("TRANSPORT", "dmabuf: the camera's own buffers; mmap: one copy", TRANSPORTS),
      fallback: "dmabuf" as const,
    },
    algorithm: { ...ALGORITHM, fallback: "none" as const },
    threshold: THRESHOLD,
  },
  options: RELAY_OPTIONS,
  idle: ({ algorithm }) => ({ threshold: algorithm === "none" && NO_THRESHOLD }),
  async run(values, session) {
    schedule(values);
    const { transport, algorithm, threshold } = values;
    return await relayFrames({
      ...values,
      tool: "capture-m2m",
      algorithm: ALGORITHMS[algorithm],
      columns: {
        frame: [String, (_, number) => number],
        transport: [() => transport, () => 0],
        algo: [() => algorithm, () => 0],
        vivid_sequence: [String, (frame) => frame.cameraSequence],
        vpipe_sequence: [String, (frame) => frame.filterSequence],
        vivid_dq_monotonic_ns: [absoluteNs, (frame) => frame.cameraNs],
        vpipe_dq_monotonic_ns: [absoluteNs, (frame) => frame.filterNs],
        vpipe_bytesused: [String, (frame) => frame.bytesused],
      },
      details: { transport, algorithm, threshold },
    }, session);
  },
});

if (import.meta.main) await main(tool);
