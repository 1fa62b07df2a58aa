/**
 * A V4L2 video node: what it is, its formats, frame interval and controls. Its queues are in
 * `queue.ts`.
 *
 * @module
 */
import { formatRate } from "../measure/format.ts";
import { EINVAL, ENOTTY, SysError } from "../sys/errno.ts";
import { File, type IoBuffer, O_NONBLOCK, O_RDWR } from "../sys/file.ts";
import { ioctl, ioctlOr, tryIoctl } from "../sys/ioctl.ts";
import * as v4l2 from "../uapi/videodev2.ts";
import { type ControlDescription, controls, menu, type MenuItem } from "./controls.ts";
import {
  type FormatDescription,
  formats,
  type FrameIntervals,
  frameIntervals,
  type FrameSizes,
  frameSizes,
} from "./enumerate.ts";
import type { FrameInterval } from "./frame_interval.ts";
import { callFormat, type Format, type WantedFormat } from "./format.ts";

/** A device that is there and is not what was asked for. */
export class DeviceError extends Error {
  /** What the text of an uncaught one begins with. */
  override name = "DeviceError";
  /**
   * Its message is one line: path and reason.
   *
   * @param path of the device
   * @param reason goes on where the path ends: `is not a V4L2 device`
   */
  constructor(readonly path: string, reason: string) {
    super(`${path}: ${reason}`);
  }
}

/** An open video node. Opened non-blocking: a queue answers "not yet" instead of waiting. */
export class VideoDevice implements Disposable {
  readonly #file: File;
  /** Name of the device, as its driver gives it. */
  readonly card: string;
  /** Name of the driver; with `card` it says what kind of device this is. */
  readonly driver: string;
  /** V4L2_CAP_* of this node. */
  readonly capabilities: number;

  private constructor(file: File) {
    const caps = v4l2.v4l2_capability.alloc();
    ioctl(file, v4l2.VIDIOC_QUERYCAP, caps.bytes);
    this.#file = file;
    this.card = caps.card;
    this.driver = caps.driver;
    this.capabilities = caps.device_caps;
  }

  /**
   * Opens a node, and checks that it can do what the caller is about to ask of it.
   *
   * @param wanted V4L2_CAP_* the node must have; none for any V4L2 node
   * @param role what such a node is called in the error message: `capture device`
   * @throws {SysError} as open(2)
   * @throws {DeviceError} if it is not a V4L2 node, or one of another kind
   */
  static open(path: string, wanted = 0, role = "V4L2 device"): VideoDevice {
    const file = File.open(path, O_RDWR | O_NONBLOCK);
    try {
      const device = new VideoDevice(file);
      if ((device.capabilities & wanted) !== wanted) {
        const article = /^[aeiou]/.test(role) ? "an" : "a";
        throw new DeviceError(path, `is not ${article} ${role} (it is "${device.card}")`);
      }
      return device;
    } catch (error) {
      file.close();
      if (error instanceof SysError && (error.code === ENOTTY || error.code === EINVAL)) {
        throw new DeviceError(path, `is not a V4L2 device: ${error.what}`);
      }
      throw error;
    }
  }

  /** What it was opened as: `/dev/video0`. */
  get path(): string {
    return this.#file.path;
  }

  /** The descriptor; -1 once it is closed. */
  get fd(): number {
    return this.#file.fd;
  }

  /** V4L2_BUF_TYPE_* of the queue that frames come out of; undefined where there is none. */
  get captureType(): number | undefined {
    const multi = v4l2.V4L2_CAP_VIDEO_CAPTURE_MPLANE | v4l2.V4L2_CAP_VIDEO_M2M_MPLANE;
    if (this.capabilities & multi) return v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
    const single = v4l2.V4L2_CAP_VIDEO_CAPTURE | v4l2.V4L2_CAP_VIDEO_M2M;
    return this.capabilities & single ? v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE : undefined;
  }

  /** V4L2_BUF_TYPE_* of the queue that frames go into; undefined where there is none. */
  get outputType(): number | undefined {
    const multi = v4l2.V4L2_CAP_VIDEO_OUTPUT_MPLANE | v4l2.V4L2_CAP_VIDEO_M2M_MPLANE;
    if (this.capabilities & multi) return v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
    const single = v4l2.V4L2_CAP_VIDEO_OUTPUT | v4l2.V4L2_CAP_VIDEO_M2M;
    return this.capabilities & single ? v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT : undefined;
  }

  /**
   * The pixel formats of one queue in the driver's order (VIDIOC_ENUM_FMT).
   *
   * @param type V4L2_BUF_TYPE_*
   * @throws {SysError} ENOTTY where the driver has no such call
   */
  formatDescriptions(type: number): Generator<FormatDescription> {
    return formats(this, type);
  }

  /** The same, as V4L2_PIX_FMT_* alone. */
  *formats(type: number): Generator<number> {
    for (const { pixelformat } of formats(this, type)) yield pixelformat;
  }

  /**
   * The sizes of a pixel format in pixels (VIDIOC_ENUM_FRAMESIZES); none where the driver has no such
   * call.
   *
   * @param pixelformat V4L2_PIX_FMT_*
   * @throws {SysError} as the call, but for the end of the list
   */
  frameSizes(pixelformat: number): Generator<FrameSizes> {
    return frameSizes(this, pixelformat);
  }

  /**
   * The intervals of frames of a size in pixels (VIDIOC_ENUM_FRAMEINTERVALS), in seconds; none where
   * the driver has no such call.
   *
   * @param pixelformat V4L2_PIX_FMT_*
   * @throws {SysError} as the call, but for the end of the list
   */
  frameIntervals(pixelformat: number, width: number, height: number): Generator<FrameIntervals> {
    return frameIntervals(this, pixelformat, width, height);
  }

  /**
   * All controls, by id (VIDIOC_QUERY_EXT_CTRL); none where the driver has no such call.
   *
   * @throws {SysError} as the call, but for the end of the list
   */
  controls(): Generator<ControlDescription> {
    return controls(this);
  }

  /**
   * The choices of a control (VIDIOC_QUERYMENU), without those that the driver leaves out; none of one
   * that is no menu.
   *
   * @throws {SysError} as the call
   */
  menu(control: ControlDescription): Generator<MenuItem> {
    return menu(this, control);
  }

  /**
   * One queue's format, as it is (VIDIOC_G_FMT).
   *
   * @param type V4L2_BUF_TYPE_*
   * @throws {SysError} EINVAL where the device has no such queue
   */
  getFormat(type: number): Format {
    return callFormat(this, v4l2.VIDIOC_G_FMT, type);
  }

  /**
   * What `setFormat` would set (VIDIOC_TRY_FMT); nothing is changed.
   *
   * @param type V4L2_BUF_TYPE_*
   * @throws {SysError} ENOTTY where the driver cannot say
   */
  tryFormat(type: number, wanted: WantedFormat): Format {
    return callFormat(this, v4l2.VIDIOC_TRY_FMT, type, wanted);
  }

  /**
   * Sets one queue's format (VIDIOC_S_FMT).
   *
   * @param type V4L2_BUF_TYPE_*
   * @param fit whether the driver may round the size up, as decoders do
   * @throws {SysError} EBUSY while the queue has buffers or another program streams
   * @throws {DeviceError} if the driver changed what was asked for otherwise
   */
  setFormat(
    type: number,
    wanted: WantedFormat,
    fit: "exactly" | "at least" = "exactly",
  ): Format {
    const format = callFormat(this, v4l2.VIDIOC_S_FMT, type, wanted);
    const { width, height, pixelformat, sizeimage = 0 } = wanted;
    const fits = fit === "exactly"
      ? format.width === width && format.height === height
      : format.width >= width && format.height >= height;
    if (!fits || format.pixelformat !== pixelformat || format.sizeimage < sizeimage) {
      const name = (f: WantedFormat) =>
        `${f.width}x${f.height} ${v4l2.fourccText(f.pixelformat)}` +
        (sizeimage > 0 ? ` of ${f.sizeimage} bytes` : "");
      throw new DeviceError(
        this.path,
        `VIDIOC_S_FMT: asked for ${name(wanted)}, the device offers ${name(format)}`,
      );
    }
    return format;
  }

  /**
   * One queue's frame interval in seconds (VIDIOC_G_PARM); undefined where the driver has none.
   *
   * @param type V4L2_BUF_TYPE_*
   */
  getFrameInterval(type: number): FrameInterval | undefined {
    const parameters = v4l2.v4l2_streamparm.alloc({ type });
    ioctlOr(this, v4l2.VIDIOC_G_PARM, parameters.bytes, ENOTTY, EINVAL);
    const { numerator, denominator } = parameters;
    return numerator > 0 && denominator > 0 ? { numerator, denominator } : undefined;
  }

  /**
   * Sets one queue's frame interval (VIDIOC_S_PARM).
   *
   * @param type V4L2_BUF_TYPE_*
   * @param wanted in seconds
   * @throws {SysError} ENOTTY where the driver has no frame interval
   * @throws {DeviceError} if the driver chose a rate that is off by more than 1 %
   */
  setFrameInterval(type: number, wanted: FrameInterval): void {
    const parameters = v4l2.v4l2_streamparm.alloc({ type, ...wanted });
    ioctl(this, v4l2.VIDIOC_S_PARM, parameters.bytes);
    const { numerator, denominator } = parameters;
    const fps = wanted.denominator / wanted.numerator;
    const offered = denominator / numerator;
    if (!(Math.abs(offered / fps - 1) <= 0.01)) {
      throw new DeviceError(
        this.path,
        `VIDIOC_S_PARM: asked for ${formatRate(fps)} frames a second, the device offers ` +
          (numerator > 0 ? formatRate(offered) : "no frame interval"),
      );
    }
  }

  /**
   * Sets a control (VIDIOC_S_CTRL). Of a value out of range a driver may make the nearest one.
   *
   * @param id V4L2_CID_*
   * @throws {SysError} EINVAL for a control the device does not have, ERANGE for its value
   */
  setControl(id: number, value: number): void {
    ioctl(this, v4l2.VIDIOC_S_CTRL, v4l2.v4l2_control.alloc({ id, value }).bytes);
  }

  /**
   * The value of a control (VIDIOC_G_CTRL).
   *
   * @param id V4L2_CID_*
   * @throws {SysError} EINVAL for a control the device does not have
   */
  getControl(id: number): number {
    const control = v4l2.v4l2_control.alloc({ id });
    ioctl(this, v4l2.VIDIOC_G_CTRL, control.bytes);
    return control.value;
  }

  /** A control that a frame loop sets: nothing is allocated by its `set`. */
  control(id: number): { set(value: number): void } {
    const control = v4l2.v4l2_control.alloc({ id });
    const { bytes } = control;
    return {
      set: (value) => {
        control.value = value;
        const result = tryIoctl(this.fd, v4l2.VIDIOC_S_CTRL.request, bytes);
        if (result < 0) throw new SysError(this.path, v4l2.VIDIOC_S_CTRL.name, -result);
      },
    };
  }

  /**
   * Reads a frame with read(2).
   *
   * @returns bytes read, or the negated errno: -EAGAIN for no frame yet
   */
  tryRead(target: IoBuffer): number {
    return this.#file.tryRead(target);
  }

  /**
   * Writes a frame with write(2).
   *
   * @returns bytes written, or the negated errno: -EAGAIN for no room yet
   */
  tryWrite(source: IoBuffer): number {
    return this.#file.tryWrite(source);
  }

  /** Closes the node; its queues have to be closed before. A second call does nothing. */
  close(): void {
    this.#file.close();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
