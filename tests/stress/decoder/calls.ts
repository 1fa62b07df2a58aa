/**
 * The decoder's video nodes, and the calls that they are called with at random.
 *
 * @module
 */
import { V4L2_CID_STATELESS_AV1_SEQUENCE } from "../../../lib/uapi/v4l2_controls_av1.ts";
import { V4L2_CID_STATELESS_H264_SPS } from "../../../lib/uapi/v4l2_controls_h264.ts";
import { V4L2_CID_STATELESS_HEVC_SPS } from "../../../lib/uapi/v4l2_controls_hevc.ts";
import { V4L2_CID_STATELESS_MPEG2_SEQUENCE } from "../../../lib/uapi/v4l2_controls_mpeg2.ts";
import { V4L2_CID_STATELESS_VP8_FRAME } from "../../../lib/uapi/v4l2_controls_vp8.ts";
import { V4L2_CID_STATELESS_VP9_FRAME } from "../../../lib/uapi/v4l2_controls_vp9.ts";
import { CODED, STATELESS } from "../../../lib/codec/codecs.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { decoder, statefulNode } from "../../harness/nodes.ts";
import type { About, NodeCaller, NodeFacts, OpenFile } from "../engine/node_caller.ts";
import * as calls from "../engine/v4l2_calls.ts";
import { CAPTURE, OUTPUT, SIDES } from "./client.ts";

const { V4L2_MEMORY_MMAP: MMAP, V4L2_MEMORY_DMABUF: DMABUF } = v4l2;

/** Small pictures, and bitstream of the least size: 32 buffers of each fit a small guest. */
const MAX_SIDE = 64;
const OUTPUT_BYTES = 1 << 16;

const STATELESS_FORMATS = Object.values(STATELESS);
const STATEFUL_FORMATS = Object.values(CODED);
const RAW = [
  v4l2.V4L2_PIX_FMT_NV12,
  v4l2.V4L2_PIX_FMT_NV12M,
  v4l2.V4L2_PIX_FMT_YUV420,
  v4l2.V4L2_PIX_FMT_YUV420M,
  v4l2.V4L2_PIX_FMT_P010,
];

/** Where the numbers of each codec's stateless controls begin. */
const CONTROL_BASES = [
  V4L2_CID_STATELESS_H264_SPS,
  V4L2_CID_STATELESS_HEVC_SPS,
  V4L2_CID_STATELESS_VP9_FRAME,
  V4L2_CID_STATELESS_AV1_SEQUENCE,
  V4L2_CID_STATELESS_VP8_FRAME,
  V4L2_CID_STATELESS_MPEG2_SEQUENCE,
];

/** By the formats of OUTPUT: a file that somebody else opened may be of either node. */
function isStateful({ fd }: OpenFile): boolean {
  const format = v4l2.v4l2_fmtdesc.alloc({ type: OUTPUT });
  tryIoctl(fd, v4l2.VIDIOC_ENUM_FMT.request, format.bytes);
  return STATEFUL_FORMATS.includes(format.pixelformat);
}

// What the kernel gets addresses of has to outlive the call.
const control = v4l2.v4l2_ext_control.alloc();
const payload = new Uint8Array(1 << 16);

/** Stateless controls: what they are set to is read first, then a little of it changed. */
function setControls(caller: NodeCaller, file: OpenFile, { request }: Partial<About> = {}): void {
  const { random } = caller;
  // H.264 has two before that, and a codec has eight at most.
  const id = random.pick(CONTROL_BASES) + random.between(-2, 6);
  Object.assign(control, { id, size: payload.length, ptr: addressOf(payload) });
  const controls = addressOf(control.bytes);
  const argument = v4l2.v4l2_ext_controls.alloc({ count: 1, controls });
  if (caller.ioctl(file.fd, v4l2.VIDIOC_G_EXT_CTRLS, argument.bytes) < 0) return;
  for (let i = random.below(3); i > 0; i--) {
    payload[random.below(Math.max(control.size, 1))] = random.pick([0, 1, 2, 8, 10, 255]);
  }
  if (request !== undefined) {
    Object.assign(argument, { which: v4l2.V4L2_CTRL_WHICH_REQUEST_VAL, request_fd: request });
  }
  if (caller.wildly(0.1)) control.size = random.below(20_000);
  caller.ioctl(file.fd, v4l2.VIDIOC_S_EXT_CTRLS, argument.bytes);
}

const DECODER_CMD = calls.row({
  ioctl: calls.orWildly(v4l2.VIDIOC_DECODER_CMD, v4l2.VIDIOC_TRY_DECODER_CMD, 0.1),
  argument(caller, file) {
    const { random } = caller;
    const common = isStateful(file)
      ? [v4l2.V4L2_DEC_CMD_START, v4l2.V4L2_DEC_CMD_STOP]
      : [v4l2.V4L2_DEC_CMD_FLUSH];
    const cmd = caller.wildly(0.1) ? random.below(6) : random.pick(common);
    return v4l2.v4l2_decoder_cmd.alloc({ cmd });
  },
});

const SELECTION = calls.row({
  ioctl: calls.either(v4l2.VIDIOC_G_SELECTION, v4l2.VIDIOC_S_SELECTION, 0.5),
  argument({ random }, _file, { side }) {
    const target = random.pick([0, 1, 2, 0x100, 0x101, 0x102, 0x103]);
    const [width, height] = [random.below(MAX_SIDE), random.below(MAX_SIDE)];
    return v4l2.v4l2_selection.alloc({ type: side, target, width, height });
  },
});

export const DECODER: NodeFacts = {
  ...{ output: OUTPUT, capture: CAPTURE, maxOpen: 6, magic: "d", queueBytes: 4 << 20 },
  path: (random) => random.pick([decoder.videoNode(), statefulNode()]),
  mediaNode: () => decoder.mediaNode(),
  memories: () => [MMAP, MMAP, DMABUF],
  formatSides: SIDES,
  format({ random }, file, side) {
    const coded = isStateful(file) ? STATEFUL_FORMATS : STATELESS_FORMATS;
    return {
      ...{ width: random.between(1, MAX_SIDE), height: random.between(1, MAX_SIDE) },
      ...{ sizeimage: OUTPUT_BYTES, num_planes: 1 },
      pixelformat: random.pick(side === CAPTURE ? RAW : coded),
    };
  },
  largest: { side: MAX_SIDE, bytes: OUTPUT_BYTES },
  controls: setControls,
  event: ({ random }) => ({
    type: random.pick([
      v4l2.V4L2_EVENT_EOS,
      v4l2.V4L2_EVENT_SOURCE_CHANGE,
      v4l2.V4L2_EVENT_CTRL,
      0,
    ]),
  }),
  takesRequests: (file) => !isStateful(file),
  holds: true,
  table: [
    ...calls.COMMON,
    ...calls.REQUESTS,
    [8, (caller, file) => calls.stream(caller, file, SIDES)],
    // New buffers on one side, as a stream wants them that becomes different.
    [4, (caller, file) => calls.stream(caller, file, [CAPTURE])],
    [1, (caller, file) => calls.stream(caller, file, [OUTPUT])],
    [6, setControls],
    [5, DECODER_CMD],
    [2, SELECTION],
  ],
};
