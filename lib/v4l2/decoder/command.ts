/**
 * Stopping and starting a stateful decoder.
 *
 * @module
 */
import { ioctl } from "../../sys/ioctl.ts";
import type { VideoDevice } from "../device.ts";
import { v4l2_decoder_cmd, VIDIOC_DECODER_CMD } from "../../uapi/videodev2.ts";

/**
 * Sends a decoder a command (VIDIOC_DECODER_CMD).
 *
 * @param cmd V4L2_DEC_CMD_*
 * @throws {SysError} EBUSY while the decoder drains
 */
export function decoderCommand(device: VideoDevice, cmd: number): void {
  ioctl(device, VIDIOC_DECODER_CMD, v4l2_decoder_cmd.alloc({ cmd }).bytes);
}
