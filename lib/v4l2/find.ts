/**
 * Finding video nodes by the name their driver gave them.
 *
 * @module
 */

import { ENOENT, SysError } from "../sys/errno.ts";
import { File, IoBuffer, O_RDONLY } from "../sys/file.ts";

// V4L2 has 256 minor numbers (drivers/media/v4l2-core/v4l2-dev.c).
const NODES = 256;

/** A registered video node: `/dev/video3` and the name in sysfs. */
export interface VideoNode {
  readonly path: string;
  readonly name: string;
}

/** All video nodes, lowest number first; none where the kernel has no V4L2. */
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
      if (!(error instanceof SysError && error.code === ENOENT)) throw error;
    }
  }
  return nodes;
}
