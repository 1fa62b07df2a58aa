/**
 * Field pictures as a stateless client sends them: each by itself, and its references by the time of their
 * frames, with which of their fields there are.
 *
 * @module
 */
import type { Control } from "../../lib/codec/access_unit.ts";
import * as c from "../../lib/uapi/v4l2_controls_h264.ts";
import { BOTTOM } from "./field_samples.ts";
import type { FieldEncoder, FieldPicture } from "./h264_fields.ts";

const { size: ENTRY_BYTES } = c.v4l2_h264_dpb_entry;
const REFERENCE = c.V4L2_H264_DPB_ENTRY_FLAG_VALID | c.V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;

/** Of the buffers of a frame, in nanoseconds. */
export const fieldTime = (frame: number) => 1000 * (frame + 1);

/** The controls of a picture. */
export function fieldControls(
  { sps, pps }: FieldEncoder,
  { parity, idr, frameNum, references }: FieldPicture,
): Control[] {
  const params = c.v4l2_ctrl_h264_decode_params.alloc({ nal_ref_idc: 3, frame_num: frameNum });
  if (idr) params.flags |= c.V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC;
  if (parity !== undefined) params.flags |= c.V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC;
  if (parity === BOTTOM) params.flags |= c.V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD;
  for (const [at, { frame, fields, frameNum: frame_num }] of references.entries()) {
    const half = fields !== c.V4L2_H264_FRAME_REF;
    Object.assign(c.v4l2_h264_dpb_entry.at(params.bytes, at * ENTRY_BYTES), {
      reference_ts: fieldTime(frame),
      frame_num,
      fields,
      flags: REFERENCE | (half ? c.V4L2_H264_DPB_ENTRY_FLAG_FIELD : 0),
    });
  }
  return [
    { id: c.V4L2_CID_STATELESS_H264_SPS, payload: sps.bytes },
    { id: c.V4L2_CID_STATELESS_H264_PPS, payload: pps.bytes },
    { id: c.V4L2_CID_STATELESS_H264_DECODE_PARAMS, payload: params.bytes },
  ];
}
