/**
 * Who else has a device open.
 *
 * @module
 */
import { readFile } from "../files/files.ts";
import { deviceAt, type DeviceFile } from "../sys/device_number.ts";
import { SysError } from "../sys/errno.ts";
import { listFolder } from "../sys/folder.ts";

const isSame = (a: DeviceFile, b: DeviceFile | undefined) =>
  b !== undefined && a.block === b.block && a.major === b.major && a.minor === b.minor;

/** Of what is gone meanwhile, or another user's, nothing is known. */
function known<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (error instanceof SysError) return otherwise;
    throw error;
  }
}

/**
 * The other processes that have the device at a path open, by number and name: `123 ffmpeg`. Without
 * root's rights they are those of the same user.
 */
export function holdersOf(path: string): string[] {
  const device = deviceAt(path);
  if (device === undefined) return [];
  const processes = known(() => listFolder("/proc"), []).filter((name) => /^\d+$/.test(name));
  return processes.filter((pid) => {
    const files = `/proc/${pid}/fd`;
    return Number(pid) !== Deno.pid &&
      known(() => listFolder(files), []).some((fd) => isSame(device, deviceAt(`${files}/${fd}`)));
  }).map((pid) => {
    const name = known(() => new TextDecoder().decode(readFile(`/proc/${pid}/comm`)), "");
    return `${pid} ${name}`.trim();
  });
}
