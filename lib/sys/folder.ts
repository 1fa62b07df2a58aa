/**
 * What a folder holds.
 *
 * @module
 */
import { errno, SysError } from "./errno.ts";
import { cString, libc } from "./libc.ts";

// Of struct dirent, in 64-bit glibc.
const D_NAME = 19;

/**
 * The names in a folder, sorted, without `.` and `..`.
 *
 * @throws {SysError} ENOENT, ENOTDIR, EACCES
 */
export function listFolder(path: string): string[] {
  const stream = libc.opendir(cString(path));
  if (stream === null) throw new SysError(path, "opendir", errno[0]);
  const names: string[] = [];
  for (;;) {
    const pointer = libc.readdir(stream);
    if (pointer === null) break;
    const name = new Deno.UnsafePointerView(pointer).getCString(D_NAME);
    if (name !== "." && name !== "..") names.push(name);
  }
  libc.closedir(stream);
  return names.sort();
}
