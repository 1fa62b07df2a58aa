/**
 * What can keep a camera below the rate that it is set to: an exposure that takes longer than a frame.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import { SysError } from "../sys/errno.ts";
import { V4L2_CID_EXPOSURE_ABSOLUTE, V4L2_CID_EXPOSURE_AUTO_PRIORITY } from "../uapi/videodev2.ts";
import { DeviceError, VideoDevice } from "../v4l2/device.ts";

/** Of the unit of V4L2_CID_EXPOSURE_ABSOLUTE. */
const NS = 100_000;

/** A camera's exposure; undefined what it does not tell. */
export interface Exposure {
  readonly exposure_time_ns?: number;
  /** 1 where the camera may lower its rate for a longer exposure. */
  readonly exposure_dynamic_framerate?: number;
}

/** The exposure of a camera as it is now; nothing of one without these controls, or that is gone. */
export function exposureOf(path: string): Exposure {
  try {
    using device = VideoDevice.open(path);
    const time = control(device, V4L2_CID_EXPOSURE_ABSOLUTE);
    return {
      exposure_time_ns: time && time * NS,
      exposure_dynamic_framerate: control(device, V4L2_CID_EXPOSURE_AUTO_PRIORITY),
    };
  } catch (error) {
    if (error instanceof SysError || error instanceof DeviceError) return {};
    throw error;
  }
}

function control(device: VideoDevice, id: number): number | undefined {
  try {
    return device.getControl(id);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

/** In words: `exposure time 50.0 ms, exposure_dynamic_framerate 1`; empty where nothing is told. */
export function exposureWords(exposure: Exposure): string {
  const { exposure_time_ns: time, exposure_dynamic_framerate: dynamic } = exposure;
  return [
    ...time === undefined ? [] : [`exposure time ${formatNs(time)}`],
    ...dynamic === undefined ? [] : [`exposure_dynamic_framerate ${dynamic}`],
  ].join(", ");
}
