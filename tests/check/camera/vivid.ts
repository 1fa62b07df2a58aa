/**
 * Having the kernel's vivid driver misbehave.
 *
 * @module
 */
import { V4L2_CAP_VIDEO_CAPTURE } from "../../../lib/uapi/videodev2.ts";
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
