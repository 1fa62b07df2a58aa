/**
 * The filter's video node, and the calls that it is called with at random.
 *
 * @module
 */
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { VPIPE_CID_BASE } from "../../../lib/uapi/vpipe.ts";
import { filter } from "../../harness/nodes.ts";
import type { NodeFacts } from "../engine/node_caller.ts";
import * as calls from "../engine/v4l2_calls.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const { V4L2_MEMORY_MMAP: MMAP, V4L2_MEMORY_USERPTR: USERPTR, V4L2_MEMORY_DMABUF: DMABUF } = v4l2;

export const FILTER: NodeFacts = {
  ...{ output: OUTPUT, capture: CAPTURE, maxOpen: 8, magic: "p", queueBytes: 8 << 20 },
  path: () => filter.videoNode(),
  mediaNode: () => filter.mediaNode(),
  memories: (side) => side === OUTPUT ? [MMAP, USERPTR, DMABUF] : [MMAP, DMABUF],
  // Both sides have one format.
  formatSides: [OUTPUT],
  format({ random }) {
    const largest = random.pick([16, 64, 64, 128, 640]);
    const [width, height] = [random.between(1, largest), random.between(1, largest)];
    return { width, height, pixelformat: v4l2.V4L2_PIX_FMT_GREY };
  },
  largest: { side: Infinity, bytes: Infinity },
  control(caller) {
    const { random } = caller;
    const number = caller.wildly(0.1) ? 7 : random.below(7);
    return { id: VPIPE_CID_BASE + number, value: random.pick([0, 1, 7, 64, 255, 4096]) };
  },
  controls: calls.S_EXT_CTRLS,
  event: (caller) => ({ type: v4l2.V4L2_EVENT_CTRL, id: FILTER.control!(caller).id }),
  takesRequests: () => true,
  table: [
    ...calls.COMMON,
    ...calls.REQUESTS,
    [6, (caller, file) => calls.stream(caller, file, [OUTPUT, CAPTURE])],
    [4, calls.S_CTRL],
    [3, calls.S_EXT_CTRLS],
  ],
};
