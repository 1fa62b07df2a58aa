/**
 * cv-ref: the filter's threshold computed in userspace, to compare the kernel's output with.
 *
 * @module
 */
import { outputPath, path } from "../lib/cli/parameters.ts";
import { readPgm, writePgm } from "../lib/files/pgm_files.ts";
import { REGION, THRESHOLD } from "../lib/cli/shared_options.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { threshold } from "../lib/image/threshold.ts";

export const tool = declareTool({
  name: "cv-ref",
  summary: "Thresholds a PGM as the kernel's filter does: above THRESHOLD 255, else 0.",
  positionals: {
    input: path("IN.pgm", "image to read"),
    output: outputPath("OUT.pgm", "image to write"),
    threshold: THRESHOLD,
  },
  options: { roi: REGION },
  run({ input, output, threshold: level, roi: wanted }) {
    const source = readPgm(input);
    const { image, roi, white, black } = threshold(source, level, wanted);
    writePgm(output, image);
    return {
      text: [`${output}: ${white} pixels white, ${black} black`],
      json: {
        output,
        width: image.width,
        height: image.height,
        threshold: level,
        roi,
        white,
        black,
      },
    };
  },
});

if (import.meta.main) await main(tool);
