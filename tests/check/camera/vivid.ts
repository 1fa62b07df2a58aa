/**
 * Having the kernel's vivid driver misbehave.
 *
 * @module
 */
import { ioctl } from "../../../lib/sys/ioctl.ts";
import {
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_CAP_VIDEO_CAPTURE,
  V4L2_FIELD_ALTERNATE,
  VIDIOC_S_INPUT,
} from "../../../lib/uapi/videodev2.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import type { Context } from "../../harness/context.ts";

// drivers/media/test-drivers/vivid/vivid-ctrls.c
const VIVID_CID_PERC_DROPPED = (0x00f00000 | 0xf000) + 64;
export const VIVID_CID_DQBUF_ERROR = (0x00f00000 | 0xf000) + 66;

/** Has vivid lose so many per cent of its frames while `body` runs. */
export async function losing<T>(
  context: Context,
  percent: number,
  body: () => Promise<T>,
): Promise<T> {
  using vivid = VideoDevice.open(context.vivid, V4L2_CAP_VIDEO_CAPTURE, "capture device");
  vivid.setControl(VIVID_CID_PERC_DROPPED, percent);
  try {
    return await body();
  } finally {
    vivid.setControl(VIVID_CID_PERC_DROPPED, 0);
  }
}

// Of the inputs that vivid has by itself; the first one is a webcam.
const [WEBCAM, S_VIDEO] = [0, 2];

/** Has vivid give the fields of small PAL frames, 25 a second, one after the other while `body` runs. */
export async function alternating<T>(context: Context, body: () => Promise<T>): Promise<T> {
  using vivid = VideoDevice.open(context.vivid, V4L2_CAP_VIDEO_CAPTURE, "capture device");
  const type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  const before = vivid.getFormat(type);
  const choose = (input: number) =>
    ioctl(vivid, VIDIOC_S_INPUT, new Uint8Array(Int32Array.of(input).buffer));
  choose(S_VIDEO);
  try {
    const { pixelformat } = vivid.getFormat(type);
    vivid.setFormat(type, { width: 180, height: 72, pixelformat, field: V4L2_FIELD_ALTERNATE });
    return await body();
  } finally {
    choose(WEBCAM);
    const { width, height, pixelformat } = before;
    vivid.setFormat(type, { width, height, pixelformat });
  }
}
