/**
 * A V4L2 video node: what it is, its formats, frame interval and controls. Its queues are in
 * `queue.ts`.
 *
 * @module
 */
import { EINVAL, ENOTTY, SysError } from "../sys/errno.ts";
import { File, type IoBuffer, O_NONBLOCK, O_RDWR } from "../sys/file.ts";
import { ioctl, tryIoctl } from "../sys/ioctl.ts";
import * as v4l2 from "../uapi/videodev2.ts";

/** A frame format, single-plane. Sizes in pixels, `bytesperline` and `sizeimage` in bytes. */
export interface Format {
  width: number;
  height: number;
  /** fourcc as a number */
  pixelformat: number;
  bytesperline: number;
  sizeimage: number;
}

/** Seconds from one frame to the next: `numerator / denominator`. */
export interface FrameInterval {
  readonly numerator: number;
  readonly denominator: number;
}

/** The interval of so many frames a second, as the simplest fraction: of 29.97002997 it is 1001/30000. */
export function intervalOf(fps: number): FrameInterval {
  // By continued fractions, each of which is nearer than all with a smaller numerator.
  let [numerator, denominator] = [0, 1];
  let [before, beforeThat] = [1, 0];
  for (let rest = fps; numerator < 1e6; rest = 1 / (rest - Math.floor(rest))) {
    const whole = Math.floor(rest);
    [denominator, beforeThat] = [whole * denominator + beforeThat, denominator];
    [numerator, before] = [whole * numerator + before, numerator];
    if (Math.abs(denominator / numerator / fps - 1) < 1e-9) break;
  }
  return { numerator, denominator };
}

/** A device that is there and is not what was asked for. */
export class DeviceError extends Error {
  override name = "DeviceError";
  constructor(readonly path: string, reason: string) {
    super(`${path}: ${reason}`);
  }
}

/** An open video node. Opened non-blocking: a queue answers "not yet" instead of waiting. */
export class VideoDevice implements Disposable {
  readonly #file: File;
  /** Name of the device, as its driver gives it. */
  readonly card: string;
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
   * Opens a node and checks that it can do what the caller is about to ask of it.
   *
   * @param wanted V4L2_CAP_* the node must have
   * @param role what such a node is called in the error message: `capture device`
   * @throws {SysError} as open(2)
   * @throws {DeviceError} if it is not a V4L2 node, or one of another kind
   */
  static open(path: string, wanted: number, role: string): VideoDevice {
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
        throw new DeviceError(path, "is not a V4L2 device");
      }
      throw error;
    }
  }

  get path(): string {
    return this.#file.path;
  }

  get fd(): number {
    return this.#file.fd;
  }

  /** The pixel formats of one queue, as fourcc numbers, in the driver's order. */
  *formats(type: number): Generator<number> {
    const description = v4l2.v4l2_fmtdesc.alloc({ type });
    for (;; description.index++) {
      try {
        ioctl(this, v4l2.VIDIOC_ENUM_FMT, description.bytes);
      } catch (error) {
        // The documented end of the enumeration.
        if (error instanceof SysError && error.code === EINVAL) return;
        throw error;
      }
      yield description.pixelformat;
    }
  }

  /** One queue's format, as it is. */
  getFormat(type: number): Format {
    const format = v4l2.v4l2_format.alloc({ type });
    ioctl(this, v4l2.VIDIOC_G_FMT, format.bytes);
    const { width, height, pixelformat, bytesperline, sizeimage } = format;
    return { width, height, pixelformat, bytesperline, sizeimage };
  }

  /**
   * Sets one queue's format.
   *
   * @throws {SysError} EBUSY while the queue has buffers or another program streams
   * @throws {DeviceError} if the driver changed the size or pixel format that was asked for
   */
  setFormat(
    type: number,
    wanted: { width: number; height: number; pixelformat: number },
  ): Format {
    const format = v4l2.v4l2_format.alloc({ type, ...wanted, field: v4l2.V4L2_FIELD_NONE });
    ioctl(this, v4l2.VIDIOC_S_FMT, format.bytes);
    const { width, height, pixelformat, bytesperline, sizeimage } = format;
    if (
      width !== wanted.width || height !== wanted.height || pixelformat !== wanted.pixelformat
    ) {
      const name = (f: { width: number; height: number; pixelformat: number }) =>
        `${f.width}x${f.height} ${v4l2.fourccText(f.pixelformat)}`;
      throw new DeviceError(
        this.path,
        `VIDIOC_S_FMT: asked for ${name(wanted)}, the device offers ${name(format)}`,
      );
    }
    return { width, height, pixelformat, bytesperline, sizeimage };
  }

  /** One queue's frame interval; undefined where the driver has none. */
  getFrameInterval(type: number): FrameInterval | undefined {
    const parameters = v4l2.v4l2_streamparm.alloc({ type });
    const result = tryIoctl(this.fd, v4l2.VIDIOC_G_PARM.request, parameters.bytes);
    if (result < 0 && result !== -ENOTTY) {
      throw new SysError(this.path, v4l2.VIDIOC_G_PARM.name, -result);
    }
    const { numerator, denominator } = parameters;
    return numerator > 0 && denominator > 0 ? { numerator, denominator } : undefined;
  }

  /**
   * Sets one queue's frame interval.
   *
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
        `VIDIOC_S_PARM: asked for ${Number(fps.toFixed(3))} frames a second, the device offers ` +
          (numerator > 0 ? Number(offered.toFixed(3)) : "no frame interval"),
      );
    }
  }

  /** @throws {SysError} EINVAL for a control the device does not have, ERANGE for its value */
  setControl(id: number, value: number): void {
    ioctl(this, v4l2.VIDIOC_S_CTRL, v4l2.v4l2_control.alloc({ id, value }).bytes);
  }

  /** @throws {SysError} EINVAL for a control the device does not have */
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

  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
