/**
 * fixture-feed: one image through a dma-heap buffer and the kernel's filter.
 *
 * @module
 */
import { integer, outputPath, path } from "../lib/cli/parameters.ts";
import {
  ALGORITHM,
  HEAP,
  NO_THRESHOLD,
  REGION,
  THRESHOLD,
  TIMEOUT,
} from "../lib/cli/shared_options.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { feedFixture } from "../lib/frames/feed_fixture.ts";

export const tool = declareTool({
  name: "fixture-feed",
  summary:
    "Sends one PGM through a dma-heap buffer and the kernel's filter, and writes the result.",
  positionals: {
    device: path("DEV", "the filter's video node"),
    heap: HEAP,
    input: path("IN.pgm", "image to send"),
    output: outputPath("OUT.pgm", "image to write"),
  },
  options: {
    algorithm: { ...ALGORITHM, fallback: "threshold" as const },
    threshold: THRESHOLD,
    roi: REGION,
    sequence: integer("N", "source sequence number for the metadata", {
      max: 0x7fff_ffff,
      fallback: 0,
    }),
    timeout: TIMEOUT,
  },
  idle: ({ algorithm }) => ({ threshold: algorithm === "none" && NO_THRESHOLD }),
  run: feedFixture,
});

if (import.meta.main) await main(tool);
