/**
 * Stateless parameters of pictures that CAPTURE cannot have are refused when they are set.
 *
 * @module
 */
import {
  V4L2_CID_STATELESS_AV1_SEQUENCE,
  v4l2_ctrl_av1_sequence,
} from "../../../lib/uapi/v4l2_controls_av1.ts";
import {
  V4L2_CID_STATELESS_H264_SPS,
  v4l2_ctrl_h264_sps,
} from "../../../lib/uapi/v4l2_controls_h264.ts";
import {
  V4L2_CID_STATELESS_HEVC_DECODE_PARAMS,
  V4L2_CID_STATELESS_HEVC_SPS,
  v4l2_ctrl_hevc_decode_params,
  v4l2_ctrl_hevc_sps,
} from "../../../lib/uapi/v4l2_controls_hevc.ts";
import {
  V4L2_CID_STATELESS_MPEG2_SEQUENCE,
  v4l2_ctrl_mpeg2_sequence,
} from "../../../lib/uapi/v4l2_controls_mpeg2.ts";
import {
  V4L2_CID_STATELESS_VP8_FRAME,
  v4l2_ctrl_vp8_frame,
} from "../../../lib/uapi/v4l2_controls_vp8.ts";
import { EINVAL, SysError } from "../../../lib/sys/errno.ts";
import { setCompoundControls } from "../../../lib/v4l2/compound_controls.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { V4L2_CAP_VIDEO_M2M_MPLANE } from "../../../lib/uapi/videodev2.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import { hasAv1 } from "../../harness/context.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const SPS = V4L2_CID_STATELESS_H264_SPS;
const HEVC_SPS = V4L2_CID_STATELESS_HEVC_SPS;
const HEVC_PARAMS = V4L2_CID_STATELESS_HEVC_DECODE_PARAMS;
const MPEG2 = V4L2_CID_STATELESS_MPEG2_SEQUENCE;
const VP8 = V4L2_CID_STATELESS_VP8_FRAME;
const SEQUENCE = V4L2_CID_STATELESS_AV1_SEQUENCE;

// V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X and _Y: the chroma of 4:2:0.
const HALVED = 0x1_0000 | 0x2_0000;

/** A control's value, and the errno of setting it. */
const CASES = [
  ["4:2:0, 8 bits", SPS, { chroma_format_idc: 1 }, 0],
  ["monochrome", SPS, { chroma_format_idc: 0 }, 0],
  ["4:2:0, 10 bits", SPS, { chroma_format_idc: 1, lumaDepth: 2, chromaDepth: 2 }, 0],
  ["4:2:2", SPS, { chroma_format_idc: 2 }, EINVAL],
  ["4:4:4", SPS, { chroma_format_idc: 3 }, EINVAL],
  ["luma of 8 bits, chroma of 10", SPS, { chroma_format_idc: 1, chromaDepth: 2 }, EINVAL],
  ["9 bits", SPS, { chroma_format_idc: 1, lumaDepth: 1, chromaDepth: 1 }, EINVAL],
  ["HEVC, 4:2:0, 8 bits", HEVC_SPS, { chroma_format_idc: 1 }, 0],
  ["HEVC, monochrome", HEVC_SPS, { chroma_format_idc: 0 }, 0],
  ["HEVC, 10 bits", HEVC_SPS, { chroma_format_idc: 1, lumaDepth: 2, chromaDepth: 2 }, 0],
  ["HEVC, 4:2:2", HEVC_SPS, { chroma_format_idc: 2 }, EINVAL],
  [
    "HEVC, luma of 8 bits, chroma of 10",
    HEVC_SPS,
    { chroma_format_idc: 1, chromaDepth: 2 },
    EINVAL,
  ],
  ["HEVC, 12 bits", HEVC_SPS, { chroma_format_idc: 1, lumaDepth: 4, chromaDepth: 4 }, EINVAL],
  ["HEVC, 16 pictures in the DPB", HEVC_PARAMS, { num_active_dpb_entries: 16 }, 0],
  ["HEVC, 17 pictures in the DPB", HEVC_PARAMS, { num_active_dpb_entries: 17 }, EINVAL],
  ["MPEG-2, 4:2:0", MPEG2, { chroma_format: 1 }, 0],
  ["MPEG-2, 4:2:2", MPEG2, { chroma_format: 2 }, EINVAL],
  ["MPEG-2, 4:4:4", MPEG2, { chroma_format: 3 }, EINVAL],
  ["VP8, 2 partitions", VP8, { num_dct_parts: 2 }, 0],
  ["VP8, 3 partitions", VP8, { num_dct_parts: 3 }, EINVAL],
  ["AV1, 8 bits", SEQUENCE, { seq_profile: 0, bit_depth: 8, flags: HALVED }, 0],
  ["AV1, 4:4:4", SEQUENCE, { seq_profile: 1, bit_depth: 8 }, EINVAL],
  ["AV1, flags of 4:4:4", SEQUENCE, { seq_profile: 0, bit_depth: 8, flags: 0 }, EINVAL],
  ["AV1, 12 bits", SEQUENCE, { seq_profile: 2, bit_depth: 12 }, EINVAL],
] as const;

function payloadOf(id: number, values: Record<string, number>): Uint8Array<ArrayBuffer> {
  if (id === SEQUENCE) return v4l2_ctrl_av1_sequence.alloc(values).bytes;
  if (id === HEVC_PARAMS) return v4l2_ctrl_hevc_decode_params.alloc(values).bytes;
  if (id === MPEG2) return v4l2_ctrl_mpeg2_sequence.alloc(values).bytes;
  if (id === VP8) return v4l2_ctrl_vp8_frame.alloc(values).bytes;
  const { chroma_format_idc, lumaDepth = 0, chromaDepth = 0 } = values;
  if (id === HEVC_SPS) {
    const sps = v4l2_ctrl_hevc_sps.alloc({ chroma_format_idc });
    sps.bit_depth_luma_minus8 = lumaDepth;
    sps.bit_depth_chroma_minus8 = chromaDepth;
    return sps.bytes;
  }
  const sps = v4l2_ctrl_h264_sps.alloc({ profile_idc: 110, level_idc: 30, chroma_format_idc });
  sps.bit_depth_luma_minus8 = lumaDepth;
  sps.bit_depth_chroma_minus8 = chromaDepth;
  return sps.bytes;
}

export async function decoderControlChecks(suite: Suite): Promise<void> {
  await suite.check("decoder: parameters of pictures that CAPTURE cannot have", () => {
    const path = findStatelessDecoder();
    expect(path !== undefined, "there is no decoder node");
    const cases = CASES.filter(([, id]) => id !== SEQUENCE || hasAv1());
    for (const [name, id, values, errno] of cases) {
      using device = VideoDevice.open(path, V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
      let code = 0;
      try {
        setCompoundControls(device, [{ id, payload: payloadOf(id, values) }]);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        code = error.code;
      }
      expectEqual(`errno of ${name}`, code, errno);
    }
    return `${cases.length} of all codecs but VP9: EINVAL at VIDIOC_S_EXT_CTRLS, or taken`;
  });
}
