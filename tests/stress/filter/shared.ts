/**
 * An open file of the filter that several programs have, see ../engine/shared_file.ts.
 *
 * @module
 */
import { MmapQueue, UserptrQueue } from "../../../lib/v4l2/queue/queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { openFilter, setFilterSize } from "../../../lib/vpipe/filter.ts";
import { filter } from "../../harness/nodes.ts";
import { expectKilled, SHARED_FILE_BYTES, type SharedCall } from "../engine/shared_file.ts";
import { expectWorking } from "./filter.ts";

/** And whether who makes them waits for a frame, before the other program's call. */
const CALLS: readonly (readonly [SharedCall, boolean])[] = [
  ["poll", false],
  ["VIDIOC_G_FMT", false],
  ["VIDIOC_TRY_FMT", false],
  ["VIDIOC_S_FMT", false],
  ["VIDIOC_DQBUF of CAPTURE", false],
  ["VIDIOC_DQBUF of CAPTURE", true],
  ["VIDIOC_DQBUF of OUTPUT", true],
];

export async function filterShared(): Promise<string> {
  for (const [call, before] of CALLS) {
    using device = openFilter(filter.videoNode());
    setFilterSize(device, 64, 64);
    using output = new UserptrQueue(
      device,
      v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT,
      1,
      SHARED_FILE_BYTES,
    );
    using capture = new MmapQueue(device, v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE, 1);
    for (const queue of [output, capture]) queue.streamOn();
    await expectKilled(device, call, before);
  }
  await expectWorking();
  return `killed beside a call of the same file: ${CALLS.map(([call]) => call).join(", ")}`;
}
