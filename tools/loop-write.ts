/**
 * loop-write: frames into the OUTPUT side of a device, such as the loopback node's.
 *
 * @module
 */
import { choice, flag, integer, optional, outputPath, path, rate } from "../lib/cli/parameters.ts";
import { schedule, SCHEDULING } from "../lib/cli/scheduling.ts";
import {
  BUFFERS,
  frameFormat,
  frameSize,
  HEAP_OPTION,
  TIMEOUT,
  WARM_UP,
} from "../lib/cli/shared_options.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { INPUT_HELP, isPattern } from "../lib/frames/frame_input.ts";
import { IO_METHODS } from "../lib/frames/frame_sink.ts";
import { STAGES } from "../lib/frames/stages.ts";
import { writeInput } from "../lib/frames/write_input.ts";

export const tool = declareTool({
  name: "loop-write",
  summary: "Writes frames to a V4L2 output device by the clock, and one CSV row a frame.",
  positionals: {
    device: path("DEV", "output device, such as a loopback node"),
    input: path("INPUT", INPUT_HELP),
    csv: { ...outputPath("CSV", "file to write, one row a frame"), fallback: "" },
  },
  options: {
    io: {
      ...choice("METHOD", `${IO_METHODS.join(", ")}`, IO_METHODS),
      fallback: "mmap" as const,
    },
    size: optional(frameSize("the input's, else the device's")),
    format: optional(frameFormat("the device's, of a PGM grey")),
    fps: optional(
      rate(
        "frames a second, 30000/1001 or the like too, 0 as fast as possible; without it the input's, " +
          "else the device's",
      ),
    ),
    frames: optional(integer("N", "frames to record; without it all of the input", { min: 1 })),
    loop: flag("start again where the input ends"),
    stamp: flag("put each frame's sequence into its first four bytes, as a u32, little-endian"),
    "warm-up": { ...WARM_UP, help: "frames to write before the first one recorded", fallback: 0 },
    buffers: BUFFERS,
    heap: HEAP_OPTION,
    timeout: { ...TIMEOUT, help: "give up when no buffer is free for so long" },
    stages: STAGES,
    ...SCHEDULING,
  },
  idle: ({ io, csv, input, loop }) => ({
    heap: io !== "dmabuf" && "--heap is for --io dmabuf",
    stages: csv === "" && "CSV is missing: --stages is of its columns",
    loop: loop && isPattern(input) && "--loop: a pattern has no end",
  }),
  run(values, session) {
    schedule(values);
    return writeInput({ ...values, tool: "loop-write" }, session);
  },
});

if (import.meta.main) await main(tool);
