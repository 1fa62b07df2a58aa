/**
 * How much memory the daemon may have for pictures, where nobody says so.
 *
 * @module
 */
import { readBeginning } from "../../lib/files/files.ts";
import { SysError } from "../../lib/sys/errno.ts";

const KIB = 1024;
/** Of a machine's memory, where no cgroup says less: what the packaged unit's MemoryMax= is. */
const OF_MACHINE = 1 / 2;
/** Of the daemon's memory: the rest is threads', some 11 MiB each, and what decoders keep beside pictures. */
const OF_LIMIT = 3 / 4;

// These files are short.
const MAX_BYTES = 1 << 16;

/** What a file says; undefined where it is not there. */
type Read = (path: string) => string | undefined;

function readText(path: string): string | undefined {
  try {
    return new TextDecoder().decode(readBeginning(path, MAX_BYTES));
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

/** Of a cgroup and all above it: above `high` its processes are slowed down, above `max` one is ended. */
function* cgroupLimits(read: Read): Generator<number> {
  const path = read("/proc/self/cgroup")?.match(/^0::\/(.*)$/m)?.[1];
  if (path === undefined) return;
  const names = path.split("/").filter((name) => name !== "");
  for (let depth = names.length; depth >= 0; depth--) {
    const folder = ["/sys/fs/cgroup", ...names.slice(0, depth)].join("/");
    for (const file of ["memory.high", "memory.max"]) {
      const limit = read(`${folder}/${file}`)?.trim();
      if (limit && /^\d+$/.test(limit)) yield Number(limit);
    }
  }
}

/**
 * By this process's cgroup, or this machine.
 *
 * @param read in place of the files of /proc and /sys
 * @returns in bytes; 0 where nothing is known
 */
export function memoryForPictures(read: Read = readText): number {
  const total = read("/proc/meminfo")?.match(/^MemTotal:\s+(\d+) kB$/m)?.[1];
  const machine = total === undefined ? Infinity : Number(total) * KIB * OF_MACHINE;
  const limit = Math.min(machine, ...cgroupLimits(read));
  // 0 would be any number.
  return limit === Infinity ? 0 : Math.max(Math.floor(limit * OF_LIMIT), 1);
}
