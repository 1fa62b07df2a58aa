/**
 * dump-pgm: the first frame of a raw GREY file as a PGM.
 *
 * @module
 */
import { readBeginning } from "../lib/files/files.ts";
import { integer, outputPath, path } from "../lib/cli/parameters.ts";
import { writePgm } from "../lib/files/pgm_files.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { FormatError } from "../lib/image/image.ts";
import { MAX_SIDE } from "../lib/image/pgm.ts";
import { VPIPE_DEF_HEIGHT, VPIPE_DEF_WIDTH } from "../lib/uapi/vpipe.ts";

const side = (metavar: string, fallback: number) =>
  integer(metavar, "in pixels", { min: 1, max: MAX_SIDE, fallback });

export const tool = declareTool({
  name: "dump-pgm",
  summary: "Writes the first frame of a file of raw GREY frames as a PGM.",
  positionals: {
    input: path("RAW", "file of 8-bit grey pixels without header"),
    output: outputPath("OUT", "image to write"),
    width: side("W", VPIPE_DEF_WIDTH),
    height: side("H", VPIPE_DEF_HEIGHT),
  },
  options: {},
  run({ input, output, width, height }) {
    const size = width * height;
    const pixels = readBeginning(input, size);
    if (pixels.length < size) {
      throw new FormatError(
        `${input}: truncated: ${pixels.length} bytes, a ${width}x${height} frame has ${size}`,
      );
    }
    writePgm(output, { width, height, pixels });
    return { text: [`${output}: ${width}x${height}`], json: { output, width, height } };
  },
});

if (import.meta.main) await main(tool);
