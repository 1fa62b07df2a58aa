/**
 * An input's frames to a device with an OUTPUT side: both are opened, and made to agree.
 *
 * @module
 */
import { type FrameInterval, intervalOf } from "../v4l2/frame_interval.ts";
import { frameBytes, isCompressed, rowBytes } from "../image/pixel_format.ts";
import { isPipe } from "../sys/device_number.ts";
import { ENOTTY, SysError } from "../sys/errno.ts";
import {
  fourcc,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
  V4L2_CAP_READWRITE,
  V4L2_CAP_STREAMING,
  V4L2_CAP_VIDEO_OUTPUT,
} from "../uapi/videodev2.ts";
import { DeviceError, VideoDevice } from "../v4l2/device.ts";
import { UsageError } from "../cli/parameters.ts";
import type { Report, ToolSession } from "../cli/tool.ts";
import { type FrameInput, openFrameInput, type WantedFrames } from "./frame_input.ts";
import { type IoMethod, openSink } from "./frame_sink.ts";
import type { RecordingSettings } from "./recording.ts";
import { STAMP_BYTES } from "./stamp.ts";
import { writeFrames } from "./write_frames.ts";

/** What the command line says. */
export interface InputWriting extends WantedFrames, Omit<RecordingSettings, "frames"> {
  /** The device with an OUTPUT side. */
  readonly device: string;
  /** As `openFrameInput` has it. */
  readonly input: string;
  readonly io: IoMethod;
  /** Frames a second; 0 for as fast as possible, undefined for what the input or the device says. */
  readonly fps: number | undefined;
  /** Undefined for all of the input. */
  readonly frames: number | undefined;
  readonly loop: boolean;
  readonly stamp: boolean;
  readonly buffers: number;
  readonly heap: string;
}

/** Writes an input's frames and records. */
export async function writeInput(values: InputWriting, session: ToolSession): Promise<Report> {
  const { device: path, input: name, io, stamp } = values;
  if (values.loop && isPipe(name === "-" ? "/dev/stdin" : name)) {
    throw new UsageError(`--loop: ${name} is a pipe, and cannot begin again`);
  }
  const capability = io === "write" ? V4L2_CAP_READWRITE : V4L2_CAP_STREAMING;
  const role = `output device with ${io === "write" ? "write(2)" : "streaming I/O"}`;
  using device = VideoDevice.open(path, V4L2_CAP_VIDEO_OUTPUT | capability, role);
  using input = openFrameInput(name, values, device.getFormat(V4L2_BUF_TYPE_VIDEO_OUTPUT));
  const { format, width, height } = input;
  if (stamp && (isCompressed(format) || frameBytes(format, width, height) < STAMP_BYTES)) {
    throw new UsageError(`--stamp needs four bytes of pixels: ${format.name} ${width}x${height}`);
  }
  const size = setFormat(device, input);
  const interval = setInterval(device, values.fps, input);
  using sink = openSink(device, io, { buffers: values.buffers, size, heap: values.heap });
  const frames = values.frames ?? Infinity;
  return await writeFrames({ ...values, device, input, name, sink, interval, frames }, session);
}

/** Sets the device to the input's frames. Returns the size of a buffer in bytes. */
function setFormat(device: VideoDevice, { format, width, height }: FrameInput): number {
  const pixelformat = fourcc(format.fourcc);
  const set = device.setFormat(V4L2_BUF_TYPE_VIDEO_OUTPUT, { width, height, pixelformat });
  if (isCompressed(format)) return set.sizeimage;
  const line = rowBytes(format.planes[0], width);
  if (set.bytesperline !== line) {
    throw new DeviceError(
      device.path,
      `has lines of ${set.bytesperline} bytes, ${width} pixels of ${format.name} are ${line}`,
    );
  }
  const size = frameBytes(format, width, height);
  if (set.sizeimage < size) {
    throw new DeviceError(
      device.path,
      `has buffers of ${set.sizeimage} bytes, a frame has ${size}`,
    );
  }
  return set.sizeimage;
}

/**
 * Tells the device how fast frames come.
 *
 * @param fps what the user asks for
 * @returns the interval to keep to, if any
 */
function setInterval(
  device: VideoDevice,
  fps: number | undefined,
  input: FrameInput,
): FrameInterval | undefined {
  if (fps === 0) return undefined;
  const wanted = fps === undefined ? input.interval : intervalOf(fps);
  if (wanted === undefined) {
    const own = device.getFrameInterval(V4L2_BUF_TYPE_VIDEO_OUTPUT);
    if (own === undefined) {
      throw new UsageError(`--fps is needed: ${device.path} has no frame interval`);
    }
    return own;
  }
  try {
    device.setFrameInterval(V4L2_BUF_TYPE_VIDEO_OUTPUT, wanted);
  } catch (error) {
    // A driver without an interval for its OUTPUT side: the frames come by the clock all the same.
    if (!(error instanceof SysError && error.code === ENOTTY)) throw error;
  }
  return wanted;
}
