/**
 * bench-fixture: one image through dma-heap buffers and the kernel's filter, many times.
 *
 * @module
 */
import { integer, optional, outputPath, path, UsageError } from "../lib/cli/parameters.ts";
import { schedule, SCHEDULING } from "../lib/cli/scheduling.ts";
import {
  ALGORITHM,
  BUFFERS,
  CSV,
  FRAMES,
  HEAP,
  NO_THRESHOLD,
  REGION,
  THRESHOLD,
  TIMEOUT,
} from "../lib/cli/shared_options.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { sendFixture, WARM_UP_FRAMES } from "../lib/frames/send_fixture.ts";
import { STAGES } from "../lib/frames/stages.ts";
import { BREAK_OPTIONS } from "../lib/frames/trace_break.ts";

export const tool = declareTool({
  name: "bench-fixture",
  summary: "Sends one PGM through dma-heap buffers and the kernel's filter FRAMES times " +
    "and writes one CSV row a frame.",
  positionals: {
    device: path("DEV", "the filter's video node"),
    heap: HEAP,
    input: path("PGM", "image to send"),
    csv: CSV,
    frames: FRAMES,
    algorithm: { ...ALGORITHM, fallback: "none" as const },
    threshold: THRESHOLD,
    output: { ...outputPath("OUT.pgm", "image to write the first result to"), fallback: "" },
  },
  options: {
    roi: REGION,
    depth: integer("N", "frames in flight", { min: 1, max: 32, fallback: 1 }),
    buffers: BUFFERS,
    "warm-up": optional(integer(
      "FRAMES",
      `frames to send before the first one recorded; without it ${WARM_UP_FRAMES}, fewer above VGA`,
    )),
    stages: STAGES,
    timeout: TIMEOUT,
    ...BREAK_OPTIONS,
    ...SCHEDULING,
  },
  // In front of OUT.pgm it has to be there.
  idle: ({ algorithm, output }) => ({
    threshold: algorithm === "none" && output === "" && NO_THRESHOLD,
  }),
  run(values, session) {
    const { depth, buffers } = values;
    if (depth > buffers) {
      throw new UsageError(`--depth ${depth} needs as many buffers, --buffers is ${buffers}`);
    }
    schedule(values);
    return sendFixture({ ...values, tool: "bench-fixture", sequence: 0 }, session);
  },
});

if (import.meta.main) await main(tool);
