/**
 * pgm-diff: the absolute difference of two images, pixel by pixel.
 *
 * @module
 */
import { flag, outputPath, path } from "../lib/cli/parameters.ts";
import { readPgm, writePgm } from "../lib/files/pgm_files.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { difference } from "../lib/image/diff.ts";
import { FormatError } from "../lib/image/image.ts";

export const tool = declareTool({
  name: "pgm-diff",
  summary: "Writes the absolute difference of two PGM images of one size; black where they agree.",
  positionals: {
    a: path("A", "first image"),
    b: path("B", "second image"),
    output: outputPath("OUT", "difference image to write"),
  },
  options: {
    "exit-code": flag("exit with status 1 where the images differ, as diff(1) does"),
  },
  run({ a, b, output, "exit-code": exitCode }) {
    const [left, right] = [readPgm(a), readPgm(b)];
    if (left.width !== right.width || left.height !== right.height) {
      throw new FormatError(
        `${a}, ${b}: sizes differ: ${left.width}x${left.height}, ${right.width}x${right.height}`,
      );
    }
    const { image, pixels, maximum } = difference(left, right);
    writePgm(output, image);
    return {
      text: [`${output}: ${pixels} pixels differ, by at most ${maximum}`],
      json: { output, width: image.width, height: image.height, pixels, maximum },
      status: exitCode && pixels > 0 ? 1 : 0,
    };
  },
});

if (import.meta.main) await main(tool);
