/**
 * Names of error numbers. Free of FFI, so that a tool without a device needs no permission for it.
 *
 * @module
 */
import { constants } from "node:os";

const names = new Map(Object.entries(constants.errno).map(([name, code]) => [code, name]));

/** `EBUSY` for 16, `errno 4242` for a number without a name. */
export function errnoName(code: number): string {
  return names.get(code) ?? `errno ${code}`;
}
