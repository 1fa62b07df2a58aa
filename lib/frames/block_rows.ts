/**
 * The blocks of a compressed file, as a CSV.
 *
 * @module
 */
import { AV_LOG_QUIET } from "../ffmpeg/abi/avutil.ts";
import { loadFfmpegWithFiles } from "../ffmpeg/abi/libraries.ts";
import { EXPORT_BLOCKS, PictureBlocks } from "../ffmpeg/picture_blocks.ts";
import { VideoStream } from "../ffmpeg/video_stream.ts";
import { OutputFile } from "../files/output_file.ts";
import { awaitReader } from "../cli/say.ts";
import { breathe, type StopRequest } from "../cli/stop.ts";

const COLUMNS = "frame,kind,x,y,width,height,qp,source,motion_x,motion_y\n";

/**
 * Writes what FFmpeg, not the device, finds in a file: a row `picture` and one `block` each with its
 * quantiser, `vector` for what a block is predicted from. `frame` counts in display order.
 *
 * @param csv file, `-` for stdout
 * @throws {Error} FFmpeg says nothing of this codec's blocks; no file is left
 */
export async function writeBlockRows(input: string, csv: string, stop: StopRequest): Promise<void> {
  const ffmpeg = loadFfmpegWithFiles();
  ffmpeg.avutil.av_log_set_level(AV_LOG_QUIET);
  using stream = new VideoStream(ffmpeg, input, EXPORT_BLOCKS);
  const of = new PictureBlocks(ffmpeg);
  using file = new OutputFile(csv);
  let rows = 0;
  for (let frame = 0; !stop.requested && stream.next(); frame++) {
    const lines = [
      ...of.blocks(stream.picture).map(({ x, y, width, height, qp }, i) =>
        `${frame},${i === 0 ? "picture" : "block"},${x},${y},${width},${height},${qp},,,\n`
      ),
      ...of.motionVectors(stream.picture).map((
        { x, y, width, height, source, motionX, motionY },
      ) => `${frame},vector,${x},${y},${width},${height},,${source},${motionX},${motionY}\n`),
    ];
    if (lines.length === 0) continue;
    file.append((rows === 0 ? COLUMNS : "") + lines.join(""));
    rows += lines.length;
    await awaitReader(file, stop);
    await breathe();
  }
  if (rows === 0 && !stop.requested) {
    throw new Error(`${input}: FFmpeg tells nothing of the blocks of this codec`);
  }
  file.close();
}
