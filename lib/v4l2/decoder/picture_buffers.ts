/**
 * A decoder's pictures: what they can be had in, and where their visible part lies in CAPTURE's
 * buffers.
 *
 * @module
 */
import { PICTURE_LAYOUTS, type PictureFormat } from "../../image/pixel_format.ts";
import type { Rectangle } from "../../image/rectangle.ts";
import { type ByteRun, runsOf, samplePlanes } from "../../image/sample_planes.ts";
import { GatherBuffer } from "../../sys/gather.ts";
import { DeviceError, type VideoDevice } from "../device.ts";
import type { Format } from "../format.ts";
import type { MplaneMmapQueue } from "../queue/mplane_queue.ts";
import * as v4l2 from "../../uapi/videodev2.ts";

export type { PictureFormat };

const NAMES = Object.keys(PICTURE_LAYOUTS) as PictureFormat[];

/** What pictures can be had in: V4L2_PIX_FMT_*. */
export const PICTURE_FORMATS = Object.fromEntries(
  NAMES.map((name) => [name, v4l2.fourcc(PICTURE_LAYOUTS[name].fourcc)]),
) as Readonly<Record<PictureFormat, number>>;

/** Of a queue: VB2_MAX_FRAME. */
export const MAX_BUFFERS = 32;

/** The name of a pixel format; undefined for one that pictures cannot be had in. */
export function pictureFormat(pixelformat: number): PictureFormat | undefined {
  return NAMES.find((name) => PICTURE_FORMATS[name] === pixelformat);
}

/**
 * Checks that CAPTURE offers a format.
 *
 * @param bitDepth of the stream, for the message
 * @throws {DeviceError} naming what it offers instead
 */
export function expectOffered(device: VideoDevice, format: PictureFormat, bitDepth: number): void {
  const offered = [...device.formats(v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE)];
  if (offered.includes(PICTURE_FORMATS[format])) return;
  const names = offered.map((offer) => pictureFormat(offer) ?? v4l2.fourccText(offer));
  throw new DeviceError(
    device.path,
    `gives ${names.join(" or ")} for ${bitDepth} bits a sample, not ${format}`,
  );
}

/** The visible part of each buffer of a CAPTURE queue, ready to be written. */
export class PictureBuffers {
  readonly buffers: readonly GatherBuffer[];
  /** Least `bytesused` of each plane of a whole picture. */
  readonly #needed: readonly number[];

  /** @param format one that pictures can be had in */
  constructor(queue: MplaneMmapQueue, format: Format, visible: Rectangle) {
    const layout = PICTURE_LAYOUTS[pictureFormat(format.pixelformat)!];
    const bytesperlines = format.planes.map(({ bytesperline }) => bytesperline);
    const runs = runsOf(samplePlanes(layout, format.height, bytesperlines), visible);
    this.#needed = format.planes.map((_, memory) => endOf(runs, memory));
    this.buffers = queue.mappings.map((planes) =>
      new GatherBuffer(
        runs.map(({ memory, offset, length }) =>
          planes[memory].bytes.subarray(offset, offset + length)
        ),
      )
    );
  }

  /** Whether there is a whole picture in planes with these payloads. */
  isWhole(planes: readonly { readonly bytesused: number }[]): boolean {
    for (let i = 0; i < planes.length; i++) {
      if (planes[i].bytesused < this.#needed[i]) return false;
    }
    return true;
  }
}

function endOf(runs: readonly ByteRun[], memory: number): number {
  const ends = runs.filter((run) => run.memory === memory).map((run) => run.offset + run.length);
  return Math.max(...ends);
}
