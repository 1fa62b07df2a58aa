/**
 * What a loopback node has counted.
 *
 * @module
 */
import { SysError } from "../sys/errno.ts";
import { File, IoBuffer, O_RDONLY } from "../sys/file.ts";

/**
 * By their names in debugfs: `frames` of writers, `copies` made of them and their `bytes_copied`, frames
 * `shared` with readers without a copy and `lost` by them; `readers` and `writer` there are now.
 */
export type LoopStats = Readonly<Record<string, number>>;

/** Where a node's counters are. */
export const loopStatsPath = (node: string): string =>
  `${node.replace("/dev/", "/sys/kernel/debug/vpipe-loop/")}/stats`;

/**
 * A node's counters.
 *
 * @param node its path, /dev/videoN
 * @throws {SysError} naming the file: ENOENT where there is no such node of vpipe-loop, or no
 * debugfs; EACCES where the caller is not root
 */
export function loopStats(node: string): LoopStats {
  const path = loopStatsPath(node);
  using file = File.open(path, O_RDONLY);
  const buffer = new IoBuffer(new Uint8Array(4096));
  const size = file.tryRead(buffer);
  if (size < 0) throw new SysError(path, "read", -size);
  const text = new TextDecoder().decode(buffer.bytes.subarray(0, size));
  return Object.fromEntries(
    text.trimEnd().split("\n").map((line) => {
      const [name, value] = line.split(" ");
      return [name, Number(value)];
    }),
  );
}
