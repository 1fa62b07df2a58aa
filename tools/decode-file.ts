/**
 * decode-file: a compressed video file through a decoder.
 *
 * @module
 */
import { TIMEOUT } from "../lib/cli/shared_options.ts";
import { CODEC_NAMES } from "../lib/codec/codecs.ts";
import { decodeFile } from "../lib/frames/decode_frames.ts";
import { choice, integer, optional, outputPath, path } from "../lib/cli/parameters.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { findStatelessDecoder } from "../lib/vpipe/decoder.ts";
import {
  MAX_BUFFERS,
  PICTURE_FORMATS,
  type PictureFormat,
} from "../lib/v4l2/decoder/picture_buffers.ts";

const FORMATS = Object.keys(PICTURE_FORMATS) as PictureFormat[];

export const tool = declareTool({
  name: "decode-file",
  summary: "Decodes a file (IVF or an elementary stream) with the stateless decoder, which takes " +
    "VP9, AV1, H.264, HEVC, VP8 and MPEG-2, or the stateful one, and writes its pictures in display " +
    "order, cropped and without padding.",
  positionals: {
    input: path("IN", "compressed video"),
    output: outputPath(
      "OUT",
      "raw file to write, luma then chroma of each picture",
    ),
  },
  options: {
    codec: optional(
      choice(
        "CODEC",
        `what IN must be: ${CODEC_NAMES.join(", ")}; without it, what it is`,
        CODEC_NAMES,
      ),
    ),
    device: optional(path("DEV", "the decoder's video node; without it, the stateless one")),
    buffers: integer("N", "frames in flight at most", { min: 1, max: MAX_BUFFERS, fallback: 4 }),
    format: optional(
      choice(
        "FORMAT",
        `of the pictures: ${FORMATS.join(", ")}; without it nv12, and p010 above 8 bits`,
        FORMATS,
      ),
    ),
    digest: optional(outputPath("FILE", "file to write: a line a picture, its number and CRC-32")),
    blocks: optional(
      outputPath(
        "CSV",
        "file to write: a row a block that FFmpeg, run by this tool, finds in IN, with its quantiser " +
          "or motion vector (of H.264, MPEG-1, -2, -4 and H.263; of VP9 quantisers alone)",
      ),
    ),
    timeout: { ...TIMEOUT, fallback: 30 },
  },
  run(values, session) {
    const device = values.device ?? findStatelessDecoder();
    if (device === undefined) {
      throw new Error("there is no decoder that may be opened (is vpipe-dec.ko loaded?)");
    }
    return decodeFile({ ...values, device }, session);
  },
});

if (import.meta.main) await main(tool);
