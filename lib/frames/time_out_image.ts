/**
 * The picture that a loopback node shows where there is no frame.
 *
 * @module
 */
import { VideoFile } from "../ffmpeg/video_file.ts";
import { SysError } from "../sys/errno.ts";
import { IoBuffer } from "../sys/file.ts";
import { fourcc, fourccText, V4L2_BUF_TYPE_VIDEO_OUTPUT } from "../uapi/videodev2.ts";
import {
  V4L2LOOPBACK_CID_TIMEOUT,
  V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO,
} from "../uapi/vpipe_loop_ctl.ts";
import { DeviceError, VideoDevice } from "../v4l2/device.ts";

/** Where nobody has said what the node's format is. */
const FORMAT = "YUYV";

/** Of a node that has no time-out, in milliseconds. */
const TIMEOUT_MS = 1000;

/** What a node shows. */
export interface TimeOutImage {
  /** The four characters of its pixel format. */
  readonly format: string;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** How long there is no frame before it is shown, in milliseconds. */
  readonly timeout: number;
}

function sizeOf(image: string): { width: number; height: number } {
  using file = VideoFile.open(image, { format: FORMAT });
  return { width: file.width, height: file.height };
}

/**
 * Gives a node of vpipe-loop its time-out image, beside a writer too: in the node's format and
 * size, or where these are free in YUYV and the picture's own size. The image stays until the
 * format changes.
 *
 * @param image any file that FFmpeg reads; of a video its first picture
 * @param timeout in milliseconds; undefined for the node's own, or a second where it has none
 * @throws {FfmpegError} the picture cannot be read
 * @throws {Error} there is no FFmpeg that can be used, or no conversion to the node's format
 * @throws {DeviceError} it is no V4L2 node, or its lines have padding
 * @throws {SysError} as open(2); EINVAL where it is no loopback node, EBUSY where somebody else's
 * frames or image are on their way
 */
export function giveTimeOutImage(
  node: string,
  image: string,
  timeout: number | undefined,
): TimeOutImage {
  const own = sizeOf(image);
  {
    using device = VideoDevice.open(node);
    device.setControl(V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO, 1);
  }
  // Who opens it now gives the image, until there is a format: so it is set before anything can fail.
  using device = VideoDevice.open(node);
  const type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
  const { width, height, sizeimage, pixelformat } = device.setFormat(
    type,
    device.tryFormat(type, { ...own, pixelformat: fourcc(FORMAT) }),
  );
  const format = fourccText(pixelformat);
  using file = VideoFile.open(image, { format, width, height });
  if (file.size !== sizeimage) {
    throw new DeviceError(node, `has frames of ${sizeimage} bytes, a picture has ${file.size}`);
  }
  const frame = new IoBuffer(new Uint8Array(sizeimage));
  if (!file.readInto(frame.bytes)) throw new Error(`${image}: has no picture`);
  const written = device.tryWrite(frame);
  if (written < 0) throw new SysError(node, "write", -written);
  const shown = timeout ?? (device.getControl(V4L2LOOPBACK_CID_TIMEOUT) || TIMEOUT_MS);
  device.setControl(V4L2LOOPBACK_CID_TIMEOUT, shown);
  return { format, width, height, timeout: shown };
}
