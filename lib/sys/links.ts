/**
 * Where paths lead.
 *
 * @module
 */
import { errno, SysError } from "./errno.ts";
import { cString, libc } from "./libc.ts";

const PATH_MAX = 4096;

const text = (name: Uint8Array, length: number) =>
  new TextDecoder().decode(name.subarray(0, length));

/**
 * A path without links and dots.
 *
 * @throws {SysError} as realpath(3)
 */
export function realPath(path: string): string {
  const name = new Uint8Array(PATH_MAX);
  if (libc.realpath(cString(path), name) === null) throw new SysError(path, "realpath", errno[0]);
  return text(name, name.indexOf(0));
}

/** What a symbolic link says; undefined of anything else, and where there is nothing. */
export function linkTarget(path: string): string | undefined {
  const name = new Uint8Array(PATH_MAX);
  const length = Number(libc.readlink(cString(path), name, BigInt(name.length)));
  return length < 0 ? undefined : text(name, length);
}
