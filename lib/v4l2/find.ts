/**
 * Finding video nodes by what their driver calls them.
 *
 * @module
 */

import { ENODEV, ENOENT, SysError } from "../sys/errno.ts";
import { File, IoBuffer, O_RDONLY } from "../sys/file.ts";
import { DeviceError, VideoDevice } from "./device.ts";

// V4L2 has 256 minor numbers (drivers/media/v4l2-core/v4l2-dev.c).
const NODES = 256;

/** A registered video node. */
export interface VideoNode {
  /** `/dev/video3`: the name that udev gives a node by itself. */
  readonly path: string;
  /** The driver's name for it, as /sys/class/video4linux has it. */
  readonly name: string;
}

/** All video nodes of /sys/class/video4linux, lowest number first; none where the kernel has no V4L2. */
export function videoNodes(): VideoNode[] {
  const nodes: VideoNode[] = [];
  const buffer = new IoBuffer(new Uint8Array(256));
  for (let number = 0; number < NODES; number++) {
    const attribute = `/sys/class/video4linux/video${number}/name`;
    try {
      using file = File.open(attribute, O_RDONLY);
      const size = file.tryRead(buffer);
      if (size < 0) throw new SysError(attribute, "read", -size);
      const name = new TextDecoder().decode(buffer.bytes.subarray(0, size)).trim();
      nodes.push({ path: `/dev/video${number}`, name });
    } catch (error) {
      // There is none, or it went between both calls.
      if (!(error instanceof SysError && [ENOENT, ENODEV].includes(error.code))) throw error;
    }
  }
  return nodes;
}

/**
 * The path of the first node whose driver and card have these names; undefined where there is none
 * that this process may open.
 *
 * @param capabilities V4L2_CAP_* it must have
 */
export function findVideoDevice(
  driver: string,
  card: string,
  capabilities: number,
): string | undefined {
  return videoNodes().map(({ path }) => path).find((path) => {
    try {
      using device = VideoDevice.open(path, capabilities);
      return device.driver === driver && device.card === card;
    } catch (error) {
      // Another kind of node, or somebody else's.
      if (error instanceof DeviceError || error instanceof SysError) return false;
      throw error;
    }
  });
}
