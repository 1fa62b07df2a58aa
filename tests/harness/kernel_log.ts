/**
 * What the kernel has logged since a moment, however much else it says.
 *
 * @module
 */
import { succeed } from "./processes.ts";

/** Marks the end of the kernel's log; what is returned gives what came behind it. */
export function kernelLog(): () => Promise<string> {
  const marker = `check: ${crypto.randomUUID()}`;
  Deno.writeTextFileSync("/dev/kmsg", `${marker}\n`);
  return async () => (await succeed("dmesg", [])).split(marker)[1] ?? "";
}
