/**
 * loop-write: frames into the OUTPUT side of a device, such as the loopback node's.
 *
 * @module
 */
import {
  BUFFERS,
  frameFormat,
  frameSize,
  HEAP_OPTION,
  TIMEOUT,
  WARM_UP,
} from "../lib/cli/shared_options.ts";
import { type FrameInput, INPUT_HELP, openFrameInput } from "../lib/frames/frame_input.ts";
import { IO_METHODS, openSink } from "../lib/frames/frame_sink.ts";
import {
  choice,
  flag,
  integer,
  outputPath,
  type Parameter,
  path,
  rate,
  UsageError,
} from "../lib/cli/parameters.ts";
import { schedule, SCHEDULING } from "../lib/cli/scheduling.ts";
import { STAGES } from "../lib/frames/stages.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { writeFrames } from "../lib/frames/write_frames.ts";
import { frameBytes, isCompressed, rowBytes } from "../lib/image/pixel_format.ts";
import { ENOTTY, SysError } from "../lib/sys/errno.ts";
import { DeviceError, type FrameInterval, intervalOf, VideoDevice } from "../lib/v4l2/device.ts";
import {
  fourcc,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
  V4L2_CAP_READWRITE,
  V4L2_CAP_STREAMING,
  V4L2_CAP_VIDEO_OUTPUT,
} from "../lib/uapi/videodev2.ts";

/** An option without a default of its own. */
const optional = <T>(parameter: Parameter<T>): Parameter<T | undefined> => parameter;

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
 * @param fps what the user asks for; 0 for as fast as possible
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

export const tool = declareTool({
  name: "loop-write",
  summary: "Writes frames to a V4L2 output device by the clock, and one CSV row a frame.",
  positionals: {
    device: path("DEV", "output device, such as a loopback node"),
    input: path("INPUT", INPUT_HELP),
    csv: { ...outputPath("CSV", "file to write, one row a frame"), fallback: "" },
  },
  options: {
    io: {
      ...choice("METHOD", `${IO_METHODS.join(", ")}`, IO_METHODS),
      fallback: "mmap" as const,
    },
    size: optional(frameSize("the input's, else the device's")),
    format: optional(frameFormat("the device's, of a PGM grey")),
    fps: optional(
      rate(
        "frames a second, 30000/1001 or the like too, 0 as fast as possible; without it the input's, " +
          "else the device's",
      ),
    ),
    frames: optional(integer("N", "frames to record; without it all of the input", { min: 1 })),
    loop: flag("start again where the input ends"),
    stamp: flag("put each frame's sequence into its first four bytes, as a u32, little-endian"),
    "warm-up": { ...WARM_UP, help: "frames to write before the first one recorded", fallback: 0 },
    buffers: BUFFERS,
    heap: HEAP_OPTION,
    timeout: { ...TIMEOUT, help: "give up when no buffer is free for so long" },
    stages: STAGES,
    ...SCHEDULING,
  },
  async run(values, session) {
    const { device: path, input: name, io, stamp } = values;
    schedule(values);
    const [capability, role] = io === "write"
      ? [V4L2_CAP_READWRITE, "output device with write(2)"] as const
      : [V4L2_CAP_STREAMING, "output device with streaming I/O"] as const;
    using device = VideoDevice.open(path, V4L2_CAP_VIDEO_OUTPUT | capability, role);
    const current = device.getFormat(V4L2_BUF_TYPE_VIDEO_OUTPUT);
    using input = openFrameInput(name, values, current);
    const { format, width, height } = input;
    if (stamp && (isCompressed(format) || frameBytes(format, width, height) < 4)) {
      throw new UsageError(`--stamp needs four bytes of pixels: ${format.name} ${width}x${height}`);
    }
    const size = setFormat(device, input);
    const interval = setInterval(device, values.fps, input);
    using sink = openSink(device, io, { buffers: values.buffers, size, heap: values.heap });
    return await writeFrames({
      ...values,
      tool: "loop-write",
      device,
      input,
      name,
      sink,
      interval,
      frames: values.frames ?? Infinity,
    }, session);
  },
});

if (import.meta.main) await main(tool);
