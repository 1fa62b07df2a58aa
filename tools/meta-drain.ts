/**
 * meta-drain: the filter's metadata sideband to CSV.
 *
 * @module
 */
import { flag, number, outputPath, path } from "../lib/cli/parameters.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { FRAMES } from "../lib/cli/shared_options.ts";
import { drainMetadata } from "../lib/frames/drain_metadata.ts";

export const tool = declareTool({
  name: "meta-drain",
  summary: "Writes one CSV row for each frame that the filter finishes.",
  positionals: {
    device: path("DEV", "metadata device, /dev/vpipe-meta"),
    csv: outputPath("CSV", "file to write, one row a frame"),
    frames: FRAMES,
  },
  options: {
    stages: flag("read version 2 entries: when each stage of a frame ended, in more columns"),
    ready: flag(
      'print "ready" (on stdout, or on stderr where CSV is that) once the next frame will be recorded',
    ),
    timeout: number("SECONDS", "give up when no entry comes for so long; 0: never", {
      max: 86400,
      fallback: 0,
    }),
  },
  run: drainMetadata,
});

if (import.meta.main) await main(tool);
